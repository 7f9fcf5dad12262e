/** Programs that are given what they cannot take, or what looks like it; `params.program` chooses. */
import {
  collectSink,
  count,
  defineJob,
  type Environment,
  iterableSource,
  type ProcessContext,
  session,
  sliding,
  type Timestamp,
  tumbling,
  type,
  value,
  watermarks,
} from "../../lib/index.js";
import { canonicalKey } from "../../lib/state/key.js";

/** Times that are none, by name. */
export const TIMES: Readonly<Record<string, unknown>> = {
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  tooFar: 8.64e15 + 2,
  nanoseconds: 1.7e18,
  nothing: undefined,
  null: null,
  text: "2026-11-28",
  digits: "1700000000000",
  big: 1_700_000_000_000n,
  boolean: true,
  list: [5],
  invalidDate: new Date("yesterday"),
  promise: Promise.resolve(5),
};

/** Event times as far apart as they can be. */
export const FAR = [-8.64e15, -8.64e15 + 1, -3_600_001, -3_600_000, -1, 0, 1, 8.64e15 - 1, 8.64e15];

/** Keys that are equal where their canonical forms are. */
export const KEYS: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -0,
  0,
  1.5,
  5,
  "5",
  5n,
  true,
  "",
  new Date(5),
  new Date(Number.NaN),
  [1, "x"],
  { a: 1, b: [2] },
  { b: [2], a: 1 },
  {},
  { a: undefined },
];
export const KEYED_ROWS = KEYS.length * 7;

/** Keys without an equality. */
export const NO_KEYS: Readonly<Record<string, unknown>> = {
  map: new Map(),
  function: () => 1,
  symbol: Symbol("key"),
  instance: new (class Order {})(),
  inside: { order: [new Set()] },
  promise: Promise.resolve(1),
};

interface Row {
  readonly id: number;
}

const rows = (env: Environment, n: number, timeOf: (row: Row) => Timestamp = ({ id }) => id) =>
  env.source(
    "rows",
    iterableSource(() => Array.from({ length: n }, (_, id): Row => ({ id }))),
    { watermarks: watermarks.boundedOutOfOrderness("1s", timeOf) },
  );

const programs: Record<string, (env: Environment, what: string) => void> = {
  time(env, what) {
    rows(env, 10, ({ id }) => (id === 7 ? (TIMES[what] as number) : id)).sink("out", collectSink());
  },
  emitted(env, what) {
    rows(env, 10)
      .process("stamping", {
        out: type<Row>(),
        element: (row, ctx) => ctx.emit(row, row.id === 7 ? (TIMES[what] as number) : row.id),
      })
      .sink("out", collectSink());
  },
  far(env) {
    const far = env.source(
      "far",
      iterableSource(() => FAR),
      { watermarks: watermarks.boundedOutOfOrderness("1h", (at: number) => at) },
    );
    const keyed = far.keyBy(() => "all");
    const place = ({ n }: { n: number }, { window }: { window: { start: number; end: number } }) =>
      `${window.start} ${window.end} ${n}`;
    keyed.window(tumbling("1h")).aggregate({ n: count() }, place).sink("tumbling", collectSink());
    keyed
      .window(tumbling("1h"), { allowedLateness: 1 })
      .aggregate({ n: count() }, place)
      .sink("general", collectSink());
    keyed
      .window(sliding({ size: "2h", slide: "1h", offset: "-1m" }))
      .aggregate({ n: count() }, place)
      .sink("sliding", collectSink());
    keyed.window(session("1h")).aggregate({ n: count() }, place).sink("session", collectSink());
  },
  /** Watermarks 10, 5 (ignored), 20: what is before 10 is late from the first on. */
  backwards(env, what) {
    type Said = readonly [at: number, watermark?: number];
    const said: Said[] = [[1], [2, 10], [11, 5], [3], [12, 20], [13], [25]];
    let latest: number | undefined;
    const strategy =
      what === "punctuated"
        ? watermarks.punctuated(
            ([at]: Said) => at,
            ([, watermark]) => watermark,
          )
        : watermarks.periodic(
            ([at]: Said) => at,
            () => ({
              onRecord: ([, watermark]) => {
                latest = watermark ?? latest;
              },
              watermark: () => latest,
            }),
            { interval: 0 },
          );
    async function* slowly(): AsyncGenerator<Said> {
      for (const each of said) {
        yield each;
        await new Promise((resolve) => setTimeout(resolve, what === "periodic" ? 150 : 0));
      }
    }
    env
      .source("said", iterableSource<Said>(slowly), { watermarks: strategy })
      .keyBy(() => "all")
      .window(tumbling(10))
      .aggregate({ n: count() }, ({ n }, { window }) => `${window.start} ${n}`)
      .sink("out", collectSink());
  },
  keys(env) {
    const keyed = rows(env, KEYED_ROWS).keyBy(({ id }) => KEYS[id % KEYS.length]);
    const line = (key: unknown, n: number) => [String(canonicalKey(key)), typeof key, n] as const;
    keyed.aggregate({ n: count() }, ({ n }, { key }) => line(key, n)).sink("running", collectSink());
    keyed
      .window(tumbling("1h"))
      .aggregate({ n: count() }, ({ n }, { key }) => line(key, n))
      .sink("window", collectSink());
    keyed
      .window(session("1h"))
      .aggregate({ n: count() }, ({ n }, { key }) => line(key, n))
      .sink("session", collectSink());
    keyed
      .process("counting", {
        out: type<readonly [string, string, number]>(),
        state: { n: value<number>() },
        element(_row, ctx) {
          ctx.state.n.update((ctx.state.n.get() ?? 0) + 1);
          ctx.timers.eventTime(10_000);
        },
        timer(_time, ctx) {
          ctx.emit(line(ctx.key, ctx.state.n.get()!));
        },
      })
      .sink("process", collectSink());
  },
  noKey(env, what) {
    rows(env, 10)
      .map((row) => row, "keyed")
      .keyBy(({ id }) => (id === 7 ? NO_KEYS[what] : id))
      .aggregate({ n: count() })
      .sink("out", collectSink());
  },
  /** Changes what it was given, at the line named. */
  changes(env, what) {
    const given = env.source(
      "in",
      iterableSource(() => [{ n: 1, list: [{ m: 1 }] }]),
    );
    const functions = {
      out: type<number>(),
      element(row: { n: number; list: { m: number }[] }, ctx: ProcessContext<number>) {
        if (what === "deep") row.list[0]!.m = 2;
        else if (what === "added") row.list.push({ m: 3 });
        else if (what === "deleted") delete (row as { n?: number }).n;
        else row.n = 2; // changed here
        ctx.emit(row.n);
      },
    };
    const changed =
      what === "keyed"
        ? given.keyBy(({ n }) => n).process("changing", functions)
        : given.process("changing", functions);
    changed.sink("out", collectSink());
  },
};

export default defineJob("bad-input", (env, params: { program: string; what?: string }) => {
  programs[params.program]!(env, params.what ?? "");
});
