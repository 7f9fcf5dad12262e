/** Topologies that remember: aggregates, windows, keyed functions with timers, broadcast state. */
import { type } from "../../api/process-functions.js";
import { count, sum } from "../../operators/aggregates.js";
import { broadcastState, list, map, value } from "../../state/descriptors.js";
import { sliding, tumbling } from "../../time/windows.js";
import type { SimRecord } from "../replay-source.js";
import { allRecords, apart, differences, type Kit, source, sumBy, type Topology } from "./topology.js";

const keyOf = ({ key }: SimRecord): number => key;

function touched(kit: Kit) {
  return (record: SimRecord): SimRecord => {
    kit.hook("element");
    return record;
  };
}

interface Total {
  readonly key: number;
  readonly n: number;
  readonly total: number;
}

const aggregates = { n: count(), total: sum((record: SimRecord) => record.value) };

/** A running result for every record: each count of a key comes once, the last one with the whole sum. */
const aggregate: Topology = {
  name: "aggregate",
  abilities: {},
  sinks: ["out"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = aggregate.sources(kit.plan);
    const keyed = kit.source(a!).map(touched(kit)).keyBy(keyOf);
    apart(kit, keyed.aggregate(aggregates)).sink("out", kit.sink("out"));
  },
  check({ out }, plan) {
    const records = allRecords(aggregate, plan);
    const counts = sumBy(
      records,
      ({ key }) => `${key}`,
      () => 1,
    );
    const expected = [...counts].flatMap(([key, n]) =>
      Array.from({ length: n }, (_, i) => [Number(key), i + 1]),
    );
    const actual = (out as Total[]).map(({ key, n }) => [key, n]);
    return [...differences("counts", actual, expected), ...lastTotals(out as Total[], records)];
  },
};

const batched: Topology = {
  name: "batched",
  abilities: {},
  sinks: ["out"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = batched.sources(kit.plan);
    const keyed = kit.source(a!).map(touched(kit)).keyBy(keyOf);
    const options = { miniBatch: { size: 20, latency: 15 } };
    apart(kit, keyed.aggregate(aggregates, options)).sink("out", kit.sink("out"));
  },
  check({ out }, plan) {
    const rows = out as Total[];
    const names = rows.map(({ key, n }) => `${key}:${n}`);
    const again = names.length === new Set(names).size ? [] : ["a count of a key comes twice"];
    return [...again, ...lastTotals(rows, allRecords(batched, plan))];
  },
};

/** The row with the highest count of each key has everything in it. */
function lastTotals(rows: readonly Total[], records: readonly SimRecord[]): string[] {
  const last = new Map<number, Total>();
  for (const row of rows) if (row.n >= (last.get(row.key)?.n ?? 0)) last.set(row.key, row);
  const counts = sumBy(
    records,
    ({ key }) => `${key}`,
    () => 1,
  );
  const totals = sumBy(
    records,
    ({ key }) => `${key}`,
    (record) => record.value,
  );
  const expected = [...counts].map(([key, n]) => ({ key: Number(key), n, total: totals.get(key) }));
  const actual = [...last.values()].map(({ key, n, total }) => ({ key, n, total }));
  return differences("totals", actual, expected);
}

const GATHERED = 4;

/** Without keys: batches of each subtask, and the first record of each value. */
const gathered: Topology = {
  name: "gathered",
  abilities: {},
  sinks: ["batches", "firsts"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = gathered.sources(kit.plan);
    const records = kit.source(a!).map(touched(kit));
    apart(kit, records.batchBy({ size: GATHERED, time: 40 })).sink("batches", kit.sink("batches"));
    records.dedupe(({ value }) => value).sink("firsts", kit.sink("firsts"));
  },
  check({ batches, firsts }, plan) {
    const records = allRecords(gathered, plan);
    const rows = batches as SimRecord[][];
    const isWrong = rows.some(({ length }) => length === 0 || length > GATHERED);
    const values = new Set(records.map(({ value }) => value));
    return [
      ...(isWrong ? ["a batch is empty or too large"] : []),
      ...differences("records", rows.flat(), records),
      ...differences(
        "values",
        firsts!.map(({ value }) => value),
        [...values],
      ),
    ];
  },
};

const TUMBLE_MS = 150;

/** Windows per key, and over all records of theirs: local combines in front of both. */
const windows: Topology = {
  name: "windows",
  abilities: {},
  sinks: ["keyed", "all"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = windows.sources(kit.plan);
    const records = kit.source(a!).map(touched(kit));
    const keyed = records.keyBy(keyOf).window(tumbling(TUMBLE_MS));
    const rows = keyed.aggregate(aggregates, ({ n, total }, { key, window }) => ({
      key,
      start: window.start,
      n,
      total,
    }));
    apart(kit, rows).sink("keyed", kit.sink("keyed"));
    records
      .windowAll(sliding({ size: 2 * TUMBLE_MS, slide: TUMBLE_MS }))
      .aggregate(aggregates, ({ n, total }, { window }) => ({ start: window.start, n, total }))
      .sink("all", kit.sink("all"));
  },
  check({ keyed, all }, plan) {
    const records = allRecords(windows, plan);
    const starts = ({ time }: SimRecord) => {
      const last = Math.floor(time / TUMBLE_MS) * TUMBLE_MS;
      return [last, last - TUMBLE_MS];
    };
    const perKey = records.map((record) => ({ record, key: record.key, start: starts(record)[0]! }));
    const sliding = records.flatMap((record) => starts(record).map((start) => ({ record, key: -1, start })));
    const rowsOf = (each: typeof perKey) => {
      const name = ({ key, start }: (typeof perKey)[number]) => `${key} ${start}`;
      const totals = sumBy(each, name, ({ record }) => record.value);
      return [...sumBy(each, name, () => 1)].map(([place, n]) => {
        const [key, start] = place.split(" ").map(Number);
        return { ...(key === -1 ? {} : { key }), start, n, total: totals.get(place) };
      });
    };
    return [
      ...differences("windows of keys", keyed!, rowsOf(perKey)),
      ...differences("windows of all", all!, rowsOf(sliding)),
    ];
  },
};

/** Timers of event time at the end of each bucket, one behind everything, and one of processing time. */
const BUCKET_MS = 200;
const FINAL = 8_000_000_000_000_000;

const timers: Topology = {
  name: "timers",
  abilities: {},
  sinks: ["out"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = timers.sources(kit.plan);
    const rows = kit
      .source(a!)
      .keyBy(keyOf)
      .process("timers", {
        out: type<unknown>(),
        state: { sums: map<number, number>(), ids: list<string>(), waiting: value<number>() },
        element(record, ctx) {
          kit.hook("element");
          const bucket = Math.floor(record.time / BUCKET_MS) * BUCKET_MS;
          ctx.state.sums.set(bucket, (ctx.state.sums.get(bucket) ?? 0) + record.value);
          ctx.state.ids.add(record.id);
          ctx.state.waiting.update((ctx.state.waiting.get() ?? 0) + record.value);
          ctx.timers.eventTime(bucket + BUCKET_MS - 1);
          ctx.timers.eventTime(FINAL);
          ctx.timers.processingTime(Math.ceil(ctx.processingTime() / 30) * 30);
        },
        timer(time, ctx) {
          kit.hook("timer");
          const bucket = time + 1 - BUCKET_MS;
          const { key, state } = ctx;
          if (state.sums.has(bucket)) {
            ctx.emit({ key, bucket, total: state.sums.get(bucket) });
            state.sums.delete(bucket);
            return;
          }
          ctx.emit({ key, waiting: state.waiting.get() ?? 0 });
          state.waiting.clear();
          if (time === FINAL) ctx.emit({ key, ids: [...state.ids.get()].sort() });
        },
      });
    apart(kit, rows).sink("out", kit.sink("out"));
  },
  check({ out }, plan) {
    const records = allRecords(timers, plan);
    const bucketOf = ({ key, time }: SimRecord) => `${key} ${Math.floor(time / BUCKET_MS) * BUCKET_MS}`;
    const buckets = [...sumBy(records, bucketOf, (record) => record.value)].map(([place, total]) => {
      const [key, bucket] = place.split(" ").map(Number);
      return { key, bucket, total };
    });
    const ids = [...new Set(records.map(keyOf))].map((key) => ({
      key,
      ids: records
        .filter((record) => record.key === key)
        .map(({ id }) => id)
        .sort(),
    }));
    const waiting = out!.filter((row) => "waiting" in row) as { key: number; waiting: number }[];
    const flushed = sumBy(
      waiting,
      ({ key }) => `${key}`,
      (row) => row.waiting,
    );
    const totals = sumBy(
      records,
      ({ key }) => `${key}`,
      (record) => record.value,
    );
    return [
      ...differences(
        "buckets and ids",
        out!.filter((row) => !("waiting" in row)),
        [...buckets, ...ids],
      ),
      ...differences("what timers of processing time gave", sorted(flushed), sorted(totals)),
    ];
  },
};

function sorted(sums: ReadonlyMap<string, number>): (readonly [string, number])[] {
  return [...sums].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Two keyed inputs with state in common. */
const joined: Topology = {
  name: "joined",
  abilities: {},
  sinks: ["out"],
  sources: (plan) => [source(plan, "a"), source(plan, "b", 0.3)],
  build(kit) {
    const [a, b] = joined.sources(kit.plan).map((each) => kit.source(each));
    const rows = a!
      .keyBy(keyOf)
      .connect(b!.keyBy(keyOf))
      .process("joined", {
        out: type<unknown>(),
        state: { left: list<string>(), right: value<number>() },
        first(record, ctx) {
          kit.hook("element");
          ctx.state.left.add(record.id);
          ctx.timers.eventTime(FINAL);
        },
        second(record, ctx) {
          ctx.state.right.update((ctx.state.right.get() ?? 0) + record.value);
          ctx.timers.eventTime(FINAL);
        },
        timer(_time, ctx) {
          const { key, state } = ctx;
          ctx.emit({ key, left: [...state.left.get()].sort(), right: state.right.get() ?? 0 });
        },
      });
    apart(kit, rows).sink("out", kit.sink("out"));
  },
  check({ out }, plan) {
    const records = allRecords(joined, plan);
    const expected = [...new Set(records.map(keyOf))].map((key) => {
      const own = records.filter((record) => record.key === key);
      const left = own.filter(({ id }) => id.startsWith("a")).map(({ id }) => id);
      const right = own.filter(({ id }) => id.startsWith("b"));
      return { key, left: left.sort(), right: right.reduce((total, record) => total + record.value, 0) };
    });
    return differences("rows of keys", out!, expected);
  },
};

/** Broadcast state, read when everything has come. */
const rules: Topology = {
  name: "rules",
  abilities: {},
  sinks: ["out"],
  sources: (plan) => [source(plan, "a"), source(plan, "r", 0.2)],
  build(kit) {
    const [a, r] = rules.sources(kit.plan).map((each) => kit.source(each));
    const broadcast = r!.broadcast(broadcastState<string, number>());
    const rows = a!
      .keyBy(keyOf)
      .connect(broadcast)
      .process("rules", {
        out: type<unknown>(),
        state: { n: value<number>() },
        element(_record, ctx) {
          kit.hook("element");
          ctx.state.n.update((ctx.state.n.get() ?? 0) + 1);
          ctx.timers.eventTime(FINAL);
        },
        broadcastElement(record, ctx) {
          ctx.broadcast.set(record.id, (ctx.broadcast.get(record.id) ?? 0) + record.value);
        },
        timer(_time, ctx) {
          let total = 0;
          for (const [, each] of ctx.broadcast.entries()) total += each;
          ctx.emit({ key: ctx.key, n: ctx.state.n.get(), total });
        },
      });
    apart(kit, rows).sink("out", kit.sink("out"));
  },
  check({ out }, plan) {
    const records = allRecords(rules, plan);
    const ruling = records.filter(({ id }) => id.startsWith("r"));
    const total = ruling.reduce((before, record) => before + record.value, 0);
    const counts = sumBy(
      records.filter(({ id }) => id.startsWith("a")),
      ({ key }) => `${key}`,
      () => 1,
    );
    return differences(
      "rows of keys",
      out!,
      [...counts].map(([key, n]) => ({ key: Number(key), n, total })),
    );
  },
};

export const stateful = [aggregate, batched, gathered, windows, timers, joined, rules] as const;
