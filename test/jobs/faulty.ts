import type { StandardSchemaV1 } from "@standard-schema/spec";
import {
  blackholeSink,
  collectSink,
  datagenSource,
  defineJob,
  type Environment,
  fileSink,
  iterableSource,
  jsonl,
  sum,
} from "../../lib/index.js";

const positive: StandardSchemaV1<unknown, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "number" && value > 0 ? { value } : { issues: [{ message: "not positive" }] },
  },
};

/** Programs that cannot work, each in a way of its own. */
const programs: Record<string, (env: Environment, params: { to: string }) => void> = {
  empty() {},
  noSink(env) {
    env
      .source(
        "in",
        iterableSource(() => [1]),
      )
      .map((n) => n);
  },
  sameUid(env) {
    const numbers = env.source(
      "in",
      iterableSource(() => [1]),
    );
    numbers
      .map((n) => n)
      .uid("same")
      .sink("a", blackholeSink());
    numbers
      .map((n) => n)
      .uid("same")
      .sink("b", blackholeSink());
  },
  sameSink(env) {
    const numbers = env.source(
      "in",
      iterableSource(() => [1]),
    );
    numbers.sink("out", blackholeSink());
    numbers.sink("out", blackholeSink());
  },
  promises(env) {
    const numbers = env.source(
      "in",
      iterableSource(() => [1, 2]),
    );
    numbers
      .map((n) => Promise.resolve(n))
      .name("wait")
      .sink("out", blackholeSink());
  },
  promisedFilter(env) {
    const numbers = env.source(
      "in",
      iterableSource(() => [1, 2]),
    );
    numbers
      .filter((() => Promise.resolve(false)) as never)
      .name("wait")
      .sink("out", blackholeSink());
  },
  schema(env) {
    env
      .source(
        "in",
        iterableSource(() => [1, 2, -3]),
        { schema: positive },
      )
      .sink("out", blackholeSink());
  },
  notNumber(env) {
    const rows = env.source(
      "in",
      iterableSource(() => [{ k: 1, v: "x" as unknown as number }]),
    );
    rows
      .keyBy(({ k }) => k)
      .aggregate({ s: sum(({ v }) => v) })
      .sink("out", blackholeSink());
  },
  badKey(env) {
    env
      .source(
        "in",
        iterableSource(() => [1]),
      )
      .keyBy(() => new Map())
      .reduce((a) => a)
      .sink("out", blackholeSink());
  },
  notCarriable(env) {
    const rows = env.source(
      "in",
      iterableSource(() => [{ f: () => 1 }, { f: () => 2 }]),
    );
    rows
      .rebalance()
      .map((row) => row)
      .setParallelism(2)
      .sink("out", blackholeSink());
  },
  tooLarge(env) {
    const rows = env.source(
      "in",
      iterableSource(() => [1, 2]),
    );
    rows
      .map((n) => ({ n, text: "x".repeat(70_000_000) }))
      .rebalance()
      .sink("out", blackholeSink())
      .setParallelism(2);
  },
  cannotWrite(env, { to }) {
    env
      .source(
        "in",
        iterableSource(() => [1]),
      )
      .sink("out", fileSink({ path: to, format: jsonl() }));
  },
  notRead(env) {
    env.source("in", datagenSource({ count: 5_000_000, record: (i) => i })).sink("out", collectSink());
  },
};

export default defineJob("faulty", (env, params: { program: string; to: string }) => {
  programs[params.program]!(env, params);
});
