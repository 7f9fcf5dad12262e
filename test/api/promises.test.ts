/** Functions whose promises nobody awaits: every kind of them is refused at the first record. */
import { expect } from "chai";
import {
  aggregating,
  avg,
  broadcastState,
  collectSink,
  count,
  custom,
  type DataStream,
  defineJob,
  globalWindows,
  iterableSource,
  type KeyedStream,
  max,
  reducing,
  session,
  sum,
  triggers,
  tumbling,
  type,
  watermarks,
} from "../../lib/index.js";
import { testJob, testOperator } from "../../lib/testing/index.js";

interface Row {
  readonly key: string;
  readonly n: number;
}
const keyOf = ({ key }: Row) => key;
type Rows = DataStream<Row>;
type Keyed = KeyedStream<Row, string>;

/** What a plain function looks like that answers with a promise. */
const later = (): any => Promise.resolve(1);
/** An aggregate of which one function is such a one. */
const lazy = (wrong: "create" | "add" | "merge" | "result") =>
  custom<Row, number, number>({
    create: () => 0,
    add: (n, row) => n + row.n,
    merge: (n, other) => n + other,
    result: (n) => n,
    [wrong]: later,
  });
const state = {
  small: reducing<number>(later),
  sums: aggregating<number, number, number>({ create: () => 0, add: later, result: (n) => n }),
};

const onRows: Record<string, (rows: Rows) => any> = {
  map: (rows) => rows.map(later),
  filter: (rows) => rows.filter(later),
  flatMap: (rows) => rows.flatMap(later),
  "flatMap of promises": (rows) => rows.flatMap((row) => [later(), row]),
  process: (rows) => rows.process("p", { element: later }),
  keyBy: (rows) => rows.keyBy(later).aggregate({ n: count() }),
  partitionCustom: (rows) => rows.partitionCustom(later).map((row) => row),
  connected: (rows) => rows.connect(rows).map((row) => row.n, later),
  "connected flatMap": (rows) => rows.connect(rows).flatMap(later, () => []),
  "connected process": (rows) => rows.connect(rows).process("p", { first: later, second() {} }),
  join: (rows) => rows.join(rows).on(keyOf, keyOf).window(tumbling(10)).apply(later),
  coGroup: (rows) => rows.coGroup(rows).on(keyOf, keyOf).window(tumbling(10)).apply(later),
  "windowAll, topN": (rows) => rows.windowAll(tumbling(10)).topN(1, { by: later }),
  "retry of asyncMap": (rows) =>
    rows.asyncMap(() => Promise.reject(new Error("no")), { retry: { attempts: 2, when: later } }),
};

const onKeyed: Record<string, (keyed: Keyed) => any> = {
  reduce: (keyed) => keyed.reduce(later),
  "count of what holds": (keyed) => keyed.aggregate({ n: count(later) }),
  sum: (keyed) => keyed.aggregate({ n: sum(later) }),
  max: (keyed) => keyed.aggregate({ n: max(later) }),
  avg: (keyed) => keyed.aggregate({ n: avg(later) }),
  "aggregate's create": (keyed) => keyed.aggregate({ n: lazy("create") }),
  "aggregate's add": (keyed) => keyed.aggregate({ n: lazy("add") }),
  "aggregate's result": (keyed) => keyed.aggregate({ n: lazy("result") }),
  "aggregate's record": (keyed) => keyed.aggregate({ n: count() }, later),
  process: (keyed) => keyed.process("p", { element: later }),
  timer: (keyed) =>
    keyed.process("p", {
      element(_row, ctx) {
        ctx.timers.eventTime(5);
      },
      timer: later,
    }),
  "reducing state": (keyed) =>
    keyed.process("p", { state, out: type<Row>(), element: (row, ctx) => ctx.state.small.add(row.n) }),
  "aggregating state": (keyed) =>
    keyed.process("p", { state, out: type<Row>(), element: (row, ctx) => ctx.state.sums.add(row.n) }),
  "connected process": (keyed) => keyed.connect(keyed).process("p", { first() {}, second: later }),
  "broadcast process": (keyed) =>
    keyed
      .connect(keyed.broadcast(broadcastState<string, number>()))
      .process("p", { element() {}, broadcastElement: later }),
  intervalJoin: (keyed) => keyed.intervalJoin(keyed, { lower: 0, upper: 0 }, later),
  "window aggregate": (keyed) => keyed.window(tumbling(10)).aggregate({ n: lazy("add") }),
  "window's record": (keyed) => keyed.window(tumbling(10)).aggregate({ n: count() }, later),
  "window reduce": (keyed) => keyed.window(tumbling(10)).reduce(later),
  "window process": (keyed) => keyed.window(tumbling(10)).process("p", { window: later }),
  "session's gap": (keyed) => keyed.window(session<Row>(later)).aggregate({ n: count() }),
  "session's count": (keyed) => keyed.window(session(10)).aggregate({ n: count(later) }),
  "session's sum": (keyed) => keyed.window(session(10)).aggregate({ n: sum(later) }),
  "session's add": (keyed) => keyed.window(session(10)).aggregate({ n: lazy("add") }),
  "session's record": (keyed) => keyed.window(session(10)).aggregate({ n: count() }, later),
  "late session's sum": (keyed) =>
    keyed.window(session(10), { allowedLateness: 1 }).aggregate({ n: sum(later) }),
  "late session's add": (keyed) =>
    keyed.window(session(10), { allowedLateness: 1 }).aggregate({ n: lazy("add") }),
  "session's result": (keyed) => keyed.window(session(10)).aggregate({ n: lazy("result") }),
  trigger: (keyed) =>
    keyed.window(globalWindows(), { trigger: { element: later } }).aggregate({ n: count() }),
  evictor: (keyed) =>
    keyed
      .window(globalWindows(), { trigger: triggers.count(1), evictor: { before: later } })
      .aggregate({ n: count() }),
};

async function expectRefused(part: (rows: Rows) => any): Promise<void> {
  // In the variation that cuts after each element the merge of aggregates comes with a restore.
  await using t = await testOperator(part);
  t.push({ key: "a", n: 1 }, { at: 1 }).push({ key: "a", n: 2 }, { at: 2 }).advanceWatermark(50).end();
  const error = await t.expectFailure("USER_FUNCTION_ASYNC");
  expect(error.message).to.include("promise");
  expect(error.place.operator).to.be.a("string");
}

describe("promises that nobody awaits", () => {
  for (const [kind, part] of Object.entries(onRows)) {
    it(`are refused of ${kind}`, () => expectRefused(part));
  }
  for (const [kind, part] of Object.entries(onKeyed)) {
    it(`are refused of a key's ${kind}`, () => expectRefused((rows) => part(rows.keyBy(({ key }) => key))));
  }

  it("are refused of the functions that tell the time", async () => {
    const job = defineJob("late", (env) => {
      env
        .source(
          "in",
          iterableSource<Row>(() => []),
          { watermarks: watermarks.monotonous(later) },
        )
        .sink("out", collectSink());
    });
    await using t = await testJob(job);
    t.source("in").push({ key: "a", n: 1 });
    expect((await t.expectFailure("USER_FUNCTION_ASYNC")).place.operator).to.equal("in");
  });
});
