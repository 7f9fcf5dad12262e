/** Every operator that a stream has gives the same in every variation, for drawn records, watermarks and clocks. */
import { expect } from "chai";
import { seededRandom } from "../../lib/base/random.js";
import {
  aggregating,
  avg,
  broadcastState,
  count,
  type DataStream,
  evictors,
  globalWindows,
  list,
  listState,
  map,
  max,
  reducing,
  session,
  sideOutput,
  sliding,
  triggers,
  tumbling,
  type,
  unionListState,
  value,
} from "../../lib/index.js";
import { type OutputStreams, type TestOptions, testOperator } from "../../lib/testing/index.js";

interface Event {
  readonly key: string;
  readonly n: number;
  readonly at: number;
}
type Events = DataStream<Event>;

const keyOf = ({ key }: Event) => key;
const late = sideOutput<Event>("late");
const odd = sideOutput<Event>("odd");

const one: Readonly<Record<string, (events: Events) => OutputStreams>> = {
  map: (events) => events.map(({ n }) => n * 2),
  filter: (events) => events.filter(({ n }) => n % 2 === 0),
  flatMap: (events) =>
    events.flatMap(function* ({ n }) {
      for (let i = 0; i < n % 5; i++) yield i;
    }),
  "flatMap behind flatMap": (events) =>
    events
      .flatMap(({ n }) => [n, n + 1, n + 2])
      .flatMap((n) => Array.from({ length: n % 4 }, (_, i) => n + i)),
  project: (events) => events.project("key", "n"),
  "map with a policy": (events) =>
    events.map(
      ({ n }) => {
        if (n % 3 === 0) throw new Error("three");
        return n;
      },
      { onError: "skip" },
    ),
  asyncMap: (events) => events.asyncMap(async ({ n }) => n, { order: "ordered", capacity: 2 }),
  union: (events) => events.map(({ n }) => n).union(events.map(({ n }) => -n)),
  shuffle: (events) => events.shuffle().map(keyOf).setParallelism(3),
  "process with operator state": (events) =>
    events.process("buffer", {
      out: type<unknown>(),
      state: { waiting: listState<Event>(), all: unionListState<number>() },
      element(event, ctx) {
        ctx.state.waiting.add(event);
        ctx.state.all.addAll([event.n]);
        if (event.n % 4 !== 0) return;
        ctx.emit([ctx.state.waiting.get().length, ctx.state.all.get().length]);
        ctx.state.waiting.clear();
      },
    }),
  "keyed process with all kinds of state and timers": (events) => {
    const main = events.keyBy(keyOf).process("all", {
      out: type<unknown>(),
      state: {
        last: value<{ n: number }>(),
        tail: list<number>(),
        seen: map<number, number>(),
        sum: reducing<number>((left, right) => left + right),
        mean: aggregating({
          create: () => ({ n: 0, sum: 0 }),
          add: (so, n: number) => ({ n: so.n + 1, sum: so.sum + n }),
          result: ({ n, sum }) => sum / n,
        }),
      },
      element(event, ctx) {
        const { last, tail, seen, sum, mean } = ctx.state;
        const before = last.get();
        last.update({ n: event.n });
        tail.add(event.n);
        if (tail.get().length > 3) tail.update(tail.get().slice(1));
        seen.set(event.n % 3, (seen.get(event.n % 3) ?? 0) + 1);
        sum.add(event.n);
        mean.add(event.n);
        ctx.timers.eventTime(ctx.timestamp + 7);
        ctx.timers.processingTime(ctx.processingTime() + 5);
        if (event.n % 2 === 1) ctx.side(odd, event);
        const entries = [...seen.entries()].sort();
        ctx.emit({ key: ctx.key, before, tail: [...tail.get()], entries, sum: sum.get(), mean: mean.get() });
      },
      timer: (time, ctx) => ctx.emit({ key: ctx.key, time, n: ctx.state.last.get()?.n }),
    });
    return { main, odd: main.side(odd) };
  },
  aggregate: (events) =>
    events.keyBy(keyOf).aggregate({ n: count(), mean: avg(({ n }) => n), most: max(({ n }) => n) }),
  reduce: (events) =>
    events.keyBy(keyOf).reduce((left, right) => ({ key: left.key, at: right.at, n: left.n + right.n })),
  sum: (events) => events.keyBy(keyOf).sum("n"),
  maxBy: (events) => events.keyBy(keyOf).maxBy("n", { ties: "last" }),
  debounce: (events) => events.keyBy(keyOf).debounce(5),
  throttle: (events) => events.keyBy(keyOf).throttle(10, { limit: 2 }),
  batchBy: (events) => events.keyBy(keyOf).batchBy({ size: 3, time: 8 }),
  "batchBy without keys": (events) =>
    events.batchBy({ size: 4, time: 8 }).map((batch) => batch.map(({ n }) => n)),
  "dedupe without keys": (events) => events.dedupe(({ n }) => n % 7, { ttl: 20 }),
  dedupe: (events) => events.keyBy(keyOf).dedupe(({ n }) => n % 4, { ttl: 20 }),
  "tumbling windows": (events) =>
    events
      .keyBy(keyOf)
      .window(tumbling(10))
      .aggregate({ n: count(), mean: avg(({ n }) => n) }),
  "sliding windows": (events) =>
    events
      .keyBy(keyOf)
      .window(sliding({ size: 30, slide: 3 }))
      .aggregate({ n: count() }),
  "windows of everything, and their best": (events) =>
    events.windowAll(tumbling(10)).topN(2, { by: ({ n }) => n }),
  "windows of windows": (events) =>
    events
      .keyBy(keyOf)
      .window(tumbling(5))
      .aggregate({ n: count() })
      .windowAll(tumbling(10))
      .aggregate({ keys: count() }),
  "late windows": (events) => {
    const windows = events
      .keyBy(keyOf)
      .window(tumbling(10), { allowedLateness: 5, lateData: late })
      .process("list", {
        out: type<unknown>(),
        state: { fired: value<number>() },
        windowState: { fired: value<number>() },
        window(records, ctx) {
          const fired = (ctx.state.fired.get() ?? 0) + 1;
          ctx.state.fired.update(fired);
          ctx.windowState.fired.update((ctx.windowState.fired.get() ?? 0) + 1);
          ctx.emit([
            ctx.key,
            ctx.window.start,
            records.map(({ n }) => n),
            fired,
            ctx.windowState.fired.get(),
          ]);
        },
      });
    return { windows, late: windows.side(late) };
  },
  sessions: (events) => events.keyBy(keyOf).window(session(6)).aggregate({ n: count() }),
  "sessions of their own gap": (events) =>
    events
      .keyBy(keyOf)
      .window(session(({ n }: Event) => 1 + (n % 9)))
      .reduce((left, right) => (left.n > right.n ? left : right)),
  "windows by the clock": (events) =>
    events
      .keyBy(keyOf)
      .window(tumbling(10, { time: "processing" }))
      .aggregate({ n: count() }),
  "count windows": (events) =>
    events
      .keyBy(keyOf)
      .countWindow(4, 2)
      .aggregate({ n: count(), most: max(({ n }) => n) }),
  "windows of one's own": (events) =>
    events
      .keyBy(keyOf)
      .window({
        merging: true,
        assignWindows: ({ n, at }: Event) => (n % 5 === 0 ? [] : [{ start: at, end: at + (n % 5) }]),
      })
      .aggregate({ n: count() }),
  "windows with a timeout": (events) =>
    events
      .keyBy(keyOf)
      .window(globalWindows(), {
        trigger: triggers.purging(
          triggers.processingTimeout(triggers.count(4), 9, { resetTimerOnNewRecord: true }),
        ),
      })
      .aggregate({ n: count() }),
  "windows with trigger and evictor": (events) =>
    events
      .keyBy(keyOf)
      .window(globalWindows(), { trigger: triggers.purging(triggers.count(3)), evictor: evictors.count(2) })
      .aggregate({ n: count() }),
};

const two: Readonly<Record<string, (left: Events, right: Events) => OutputStreams>> = {
  intervalJoin: (left, right) =>
    left.keyBy(keyOf).intervalJoin(right.keyBy(keyOf), { lower: -5, upper: 9 }, (l, r) => [l.n, r.n]),
  "join over windows": (left, right) => {
    const pairs = left
      .join(right)
      .on(keyOf, keyOf)
      .window(sliding({ size: 12, slide: 6 }), { allowedLateness: 4, lateData: late })
      .apply((l, r, { key, window }) => [key, window.start, l.n, r.n]);
    return { pairs, late: pairs.side(late) };
  },
  "co-group over sessions": (left, right) =>
    left
      .keyBy(keyOf)
      .coGroup(right.keyBy(keyOf))
      .window(session(6))
      .apply((ls, rs, { key, window }) => [[key, window.start, ls.map(({ n }) => n), rs.map(({ n }) => n)]]),
  "join that fires by its records": (left, right) =>
    left
      .keyBy(keyOf)
      .join(right.keyBy(keyOf))
      .window(globalWindows(), { trigger: triggers.purging(triggers.count(5)), evictor: evictors.count(4) })
      .apply((l, r) => [l.n, r.n]),
  connect: (left, right) =>
    left.connect(right).flatMap(
      ({ n }) => [n],
      ({ n }) => [-n, -n],
    ),
  "keyed connect": (left, right) =>
    left
      .keyBy(keyOf)
      .connect(right.keyBy(keyOf))
      .process("pair", {
        out: type<unknown>(),
        state: { open: list<number>() },
        first: ({ n }, ctx) => ctx.state.open.add(n),
        second({ n, at }, ctx) {
          ctx.emit([n, [...ctx.state.open.get()]]);
          ctx.state.open.clear();
          ctx.timers.eventTime(at + 3);
        },
        timer: (time, ctx) => ctx.emit([ctx.key, time, ctx.state.open.get().length]),
      }),
  "connect with a broadcast": (left, right) =>
    left
      .keyBy(keyOf)
      .connect(right.broadcast(broadcastState<string, number>()))
      .process("rules", {
        out: type<unknown>(),
        state: { n: value<number>() },
        element({ n }, ctx) {
          ctx.state.n.update((ctx.state.n.get() ?? 0) + n);
          ctx.emit([ctx.key, ctx.state.n.get(), ctx.broadcast.get(ctx.key), ctx.broadcast.size]);
        },
        broadcastElement: ({ key, n }, ctx) => ctx.broadcast.set(key, n),
      }),
};

const STEPS = 30;

/** Records that creep on in time, some of them late, with watermarks and leaps of the clock between. */
async function tried(
  build: (...inputs: any[]) => OutputStreams,
  seed: number,
  options: TestOptions = {},
): Promise<void> {
  const random = seededRandom(seed);
  const below = (limit: number) => random.u32() % limit;
  await using t = await testOperator(build, options);
  let time = 0;
  let watermark = -20;
  for (let step = 0; step < STEPS; step++) {
    const drawn = below(8);
    if (drawn === 6 && time - 4 > watermark) {
      watermark = time - 4;
      t.advanceWatermark(watermark);
    } else if (drawn === 7) t.advanceClock(1 + below(9));
    else {
      time += below(5);
      const at = time - below(4) * below(6);
      t.push({ key: "abc"[below(3)]!, n: below(20), at }, { at, input: below(build.length) });
    }
  }
  t.end();
  let rows = 0;
  for (const output of t.outputs) {
    const plain = await t.rows(output);
    rows += plain.length;
    await t.expect(output).toEqual(plain);
  }
  expect(rows).to.be.greaterThan(0);
}

describe("every operator gives the same in every variation", () => {
  for (const [name, build] of Object.entries({ ...one, ...two })) {
    it(name, () => tried(build as (...inputs: any[]) => OutputStreams, name.length)).timeout(20_000);
  }

  it("aggregates by mini-batches, whose bounds no snapshot keeps", () =>
    tried(
      (events: Events) =>
        events.keyBy(keyOf).aggregate({ n: count() }, { miniBatch: { size: 3, latency: 5 } }),
      7,
      { variations: ["plain", "tiny outputs", "unchained", "frozen", "codec"] },
    ));
});
