/** Topologies in which records meet others: of another stream, or of a service. */
import { count } from "../../operators/aggregates.js";
import { session, tumbling } from "../../time/windows.js";
import type { SimRecord } from "../replay-source.js";
import {
  ALIGNED,
  allRecords,
  apart,
  differences,
  source,
  sumBy,
  type Topology,
  WATERMARKS,
} from "./topology.js";

const keyOf = ({ key }: SimRecord): number => key;
const LOWER_MS = -60;
const UPPER_MS = 40;

/** Records of two streams that are near in time. */
function joined(name: string, strategy: typeof WATERMARKS): Topology {
  const sources: Topology["sources"] = (plan) => [source(plan, "a"), source(plan, "b", 0.6)];
  return {
    name,
    abilities: {},
    sinks: ["out"],
    sources,
    build(kit) {
      const [a, b] = sources(kit.plan).map((each) => kit.source(each, undefined, strategy));
      const rows = a!
        .keyBy(keyOf)
        .intervalJoin(b!.keyBy(keyOf), { lower: LOWER_MS, upper: UPPER_MS }, (left, right) => {
          kit.hook("element");
          return { left: left.id, right: right.id };
        });
      apart(kit, rows).sink("out", kit.sink("out"));
    },
    check({ out }, plan) {
      const records = allRecords({ sources }, plan);
      const [left, right] = ["a", "b"].map((of) => records.filter(({ id }) => id.startsWith(of)));
      const expected = left!.flatMap((l) =>
        right!
          .filter((r) => r.key === l.key && r.time >= l.time + LOWER_MS && r.time <= l.time + UPPER_MS)
          .map((r) => ({ left: l.id, right: r.id })),
      );
      return differences("pairs", out!, expected);
    },
  };
}

const WINDOW_MS = 120;
const GAP_MS = 25;

/** Records of two streams that share a window, or a session that goes on with records of either. */
const paired: Topology = {
  name: "paired",
  abilities: {},
  sinks: ["pairs", "groups"],
  sources: (plan) => [source(plan, "a"), source(plan, "b", 0.6)],
  build(kit) {
    const [a, b] = paired.sources(kit.plan).map((each) => kit.source(each));
    const pairs = a!
      .join(b!)
      .on(keyOf, keyOf)
      .window(tumbling(WINDOW_MS))
      .apply((left, right, { window }) => {
        kit.hook("element");
        return { start: window.start, left: left.id, right: right.id };
      });
    apart(kit, pairs).sink("pairs", kit.sink("pairs"));
    a!
      .keyBy(keyOf)
      .coGroup(b!.keyBy(keyOf))
      .window(session(GAP_MS))
      .apply((lefts, rights, { key, window: { start, end } }) => [
        { key, start, end, lefts: idsOf(lefts), rights: idsOf(rights) },
      ])
      .sink("groups", kit.sink("groups"));
  },
  check({ pairs, groups }, plan) {
    const records = allRecords(paired, plan);
    const startOf = ({ time }: SimRecord) => Math.floor(time / WINDOW_MS) * WINDOW_MS;
    const [left, right] = ["a", "b"].map((of) => records.filter(({ id }) => id.startsWith(of)));
    const expected = left!.flatMap((l) =>
      right!
        .filter((r) => r.key === l.key && startOf(r) === startOf(l))
        .map((r) => ({ start: startOf(l), left: l.id, right: r.id })),
    );
    return [...differences("pairs", pairs!, expected), ...differences("groups", groups!, groupRows(records))];
  },
};

function idsOf(records: readonly SimRecord[]): string[] {
  return records.map(({ id }) => id).sort();
}

/** Each key's sessions, over the records of both streams. */
function groupRows(records: readonly SimRecord[]): object[] {
  const last = new Map<number, { start: number; end: number; records: SimRecord[] }>();
  const found: { key: number; start: number; end: number; records: SimRecord[] }[] = [];
  for (const record of [...records].sort((left, right) => left.time - right.time)) {
    const { key, time } = record;
    const known = last.get(key);
    if (known !== undefined && time <= known.end) {
      known.end = time + GAP_MS;
      known.records.push(record);
      continue;
    }
    const begun = { key, start: time, end: time + GAP_MS, records: [record] };
    last.set(key, begun);
    found.push(begun);
  }
  return found.map(({ records: held, ...place }) => ({
    ...place,
    lefts: idsOf(held.filter(({ id }) => id.startsWith("a"))),
    rights: idsOf(held.filter(({ id }) => id.startsWith("b"))),
  }));
}

/** Services are asked, some twice; windows behind them show whether a watermark came before its records. */
const asked: Topology = {
  name: "asked",
  abilities: {},
  sinks: ["out", "windows"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = asked.sources(kit.plan);
    const records = kit.source(a!);
    const ordered = records.asyncMap(
      async (record) => {
        await kit.answer();
        kit.hook("element");
        return { id: record.id };
      },
      { capacity: 5 },
    );
    apart(kit, ordered).sink("out", kit.sink("out"));
    const unordered = records.asyncMap(
      async (record, { attempt }) => {
        await kit.answer();
        if (record.value % 5 === 0 && attempt === 1) throw new Error("busy");
        return record;
      },
      { name: "unordered", order: "unordered", capacity: 7, retry: { attempts: 2, delay: 3 } },
    );
    apart(kit, unordered)
      .keyBy(keyOf)
      .window(tumbling(WINDOW_MS))
      .aggregate({ n: count() }, ({ n }, { key, window }) => ({ key, start: window.start, n }))
      .sink("windows", kit.sink("windows"));
  },
  check({ out, windows }, plan) {
    const records = allRecords(asked, plan);
    const place = ({ key, time }: SimRecord) => `${key} ${Math.floor(time / WINDOW_MS) * WINDOW_MS}`;
    const expected = [...sumBy(records, place, () => 1)].map(([text, n]) => {
      const [key, start] = text.split(" ").map(Number);
      return { key, start, n };
    });
    const ids = records.map(({ id }) => ({ id }));
    return [...differences("rows", out!, ids), ...differences("windows", windows!, expected)];
  },
};

export const meeting = [joined("interval", WATERMARKS), joined("aligned", ALIGNED), paired, asked] as const;
