/** Wrong use does not compile: every expected error is one, or this file does not compile. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expect } from "chai";
import { buildProgram } from "../../lib/api/environment.js";
import {
  blackholeSink,
  broadcastState,
  type DataStream,
  defineJob,
  type Environment,
  iterableSource,
  listState,
  map,
  reducing,
  type,
  value,
} from "../../lib/index.js";
import { explainTree } from "../../lib/planner/explain.js";
import { fingerprint } from "../../lib/planner/fingerprint.js";
import { plan } from "../../lib/planner/plan.js";

interface Tx {
  readonly account: string;
  readonly amount: number;
}
interface Alert {
  readonly text: string;
}

const alertSchema: StandardSchemaV1<unknown, Alert> = {
  "~standard": { version: 1, vendor: "test", validate: (given) => ({ value: given as Alert }) },
};

function transactions(env: Environment, name: string): DataStream<Tx> {
  return env.source(
    name,
    iterableSource((): Tx[] => []),
  );
}

function keyed(env: Environment): void {
  const tx = transactions(env, "tx").keyBy((t) => t.account);
  const alerts: DataStream<Alert> = tx.process("typed", {
    out: type<Alert>(),
    state: { small: value<boolean>(), seen: map<string, number>(), top: reducing<number>(Math.max) },
    element(t, ctx) {
      const small: boolean | undefined = ctx.state.small.get();
      const count: number = (ctx.state.seen.get(t.account) ?? 0) + 1;
      ctx.state.seen.set(ctx.key, count);
      if (small === true) ctx.emit({ text: ctx.key.toUpperCase() });
      ctx.timers.eventTime(ctx.timestamp);
      // @ts-expect-error a value<boolean> takes no number
      ctx.state.small.update(1);
      // @ts-expect-error the map has numbers
      ctx.state.seen.set("a", "b");
      // @ts-expect-error no such state
      ctx.state.other?.clear();
      // @ts-expect-error `out` is Alert
      ctx.emit(t);
      // @ts-expect-error the key is a string
      ctx.key.toFixed();
      // @ts-expect-error the context is read-only
      ctx.timestamp = 1;
    },
    timer(time, ctx) {
      const text: string = `${ctx.key} ${time.toFixed()} ${ctx.state.top.get()?.toFixed()}`;
      ctx.emit({ text });
      // @ts-expect-error `out` is Alert
      ctx.emit(text);
    },
  });
  alerts.sink("alerts", blackholeSink());
  const same: DataStream<Tx> = tx.process("same", { element: (t, ctx) => ctx.emit(t) });
  same.sink("same", blackholeSink());
  tx.process("by schema", { out: alertSchema, element: (t, ctx) => ctx.emit({ text: t.account }) })
    .map((alert) => alert.text)
    .sink("texts", blackholeSink());
  // @ts-expect-error operator state belongs to streams without keys
  tx.process("lists", { state: { all: listState<Tx>() }, element() {} }).sink("l", blackholeSink());
}

function unkeyed(env: Environment): void {
  const tx = transactions(env, "tx");
  tx.process("plain", {
    state: { all: listState<Tx>() },
    element(t, ctx) {
      ctx.state.all.add(t);
      // @ts-expect-error there is no key
      ctx.key;
      // @ts-expect-error and there are no timers
      ctx.timers;
    },
  }).sink("a", blackholeSink());
  // @ts-expect-error keyed state needs a key
  tx.process("keyed state", { state: { v: value<number>() }, element() {} }).sink("b", blackholeSink());
  // @ts-expect-error timers need a key
  tx.process("timer", { element() {}, timer() {} }).sink("c", blackholeSink());
}

function connected(env: Environment): void {
  const tx = transactions(env, "tx").keyBy((t) => t.account);
  const numbers = env.source(
    "numbers",
    iterableSource(() => [1]),
  );
  tx.connect(numbers.keyBy((n) => `${n}`))
    .process("both", {
      out: type<string>(),
      state: { n: value<number>() },
      first(t, ctx) {
        ctx.emit(`${t.amount} ${ctx.state.n.get()}`);
      },
      second(n, ctx) {
        ctx.state.n.update(n);
        // @ts-expect-error the second stream has numbers
        n.account;
      },
    })
    .sink("a", blackholeSink());
  // @ts-expect-error the keys differ in type
  tx.connect(numbers.keyBy((n) => n));
  // @ts-expect-error the other stream has no key
  tx.connect(numbers);
  numbers
    .connect(transactions(env, "more"))
    .map(
      (n) => n,
      (t) => t.amount,
    )
    .map((n) => n.toFixed())
    .sink("b", blackholeSink());
  tx.connect(numbers.broadcast(broadcastState<number, string>()))
    .process("rules", {
      out: type<string>(),
      state: { n: value<number>() },
      element(t, ctx) {
        ctx.emit(`${ctx.broadcast.get(t.amount)?.toUpperCase()} ${ctx.state.n.get()}`);
        // @ts-expect-error read-only on the keyed side
        ctx.broadcast.set;
      },
      broadcastElement(n, ctx) {
        ctx.broadcast.set(n, "text");
        // @ts-expect-error the map has texts
        const wrong = () => ctx.broadcast.set(n, n);
        expect(wrong).to.be.a("function");
        // @ts-expect-error no key here
        ctx.key;
        // @ts-expect-error nor its state
        ctx.state;
      },
    })
    .sink("c", blackholeSink());
  // @ts-expect-error state of keys is not for broadcasting
  numbers.broadcast(value<number>());
}

describe("types and plans of process and connect", () => {
  const planned = (build: (env: Environment) => void) =>
    plan(buildProgram(defineJob("job", build), {}), { parallelism: 2 });

  it("state is part of the plan, with its functions of the fingerprint", () => {
    const { jobGraph } = planned(keyed);
    const typed = jobGraph.vertices.flatMap(({ operators }) => operators).find(({ uid }) => uid === "typed");
    expect(typed?.config).to.deep.equal({ state: { small: "value", seen: "map", top: "reducing" } });
    const withReduce = (reduce: (a: number, b: number) => number) =>
      planned((env) => {
        transactions(env, "tx")
          .keyBy((t) => t.account)
          .process("top", { state: { top: reducing<number>(reduce) }, element() {} })
          .sink("out", blackholeSink());
      });
    expect(
      fingerprint(
        withReduce((a) => a),
        {},
      ),
    ).to.not.equal(
      fingerprint(
        withReduce((_, b) => b),
        {},
      ),
    );
    expect(planned(unkeyed).jobGraph.vertices[1]!.operators[0]!.config).to.deep.equal({
      state: { all: "split-list" },
    });
  });

  it("an operator with two inputs begins a chain, and its edges say which input they feed", () => {
    const { jobGraph } = planned(connected);
    const into = (uid: string) => {
      const vertex = jobGraph.vertices.find(({ operators }) => operators[0]!.uid === uid);
      return jobGraph.edges
        .filter((edge) => edge.to === vertex?.id)
        .map((edge) => [edge.partitioner, edge.input]);
    };
    expect(into("both")).to.deep.equal([
      ["hash", undefined],
      ["hash", 1],
    ]);
    expect(into("rules")).to.deep.equal([
      ["hash", undefined],
      ["broadcast", 1],
    ]);
    expect(into("map")).to.deep.equal([
      ["rebalance", undefined],
      ["rebalance", 1],
    ]);
    expect(explainTree(jobGraph)).to.include("broadcast (second input)");
  });
});
