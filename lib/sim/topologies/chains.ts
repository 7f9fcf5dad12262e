/** Topologies whose source is a chain of sources: failures come before, at and behind its switches. */
import { count, sum } from "../../operators/aggregates.js";
import { tumbling } from "../../time/windows.js";
import type { SimPlan } from "../plan.js";
import { endOf, type ReplayOptions, type SimRecord } from "../replay-source.js";
import { allRecords, apart, differences, type Kit, source, sumBy, type Topology } from "./topology.js";

/** Each behind the one before, in event time, too. */
function sourcesOf(plan: SimPlan, shares: Readonly<Record<string, number>>): ReplayOptions[] {
  const sources: ReplayOptions[] = [];
  for (const [name, share] of Object.entries(shares)) {
    const before = sources.length === 0 ? 0 : endOf(sources.at(-1)!);
    sources.push({ ...source(plan, name, share), before });
  }
  return sources;
}

function touched(kit: Kit) {
  return (record: SimRecord): SimRecord => {
    kit.hook("element");
    return record;
  };
}

const rowOf = ({ id, time, value }: SimRecord) => ({ id, time, n: value * 2 });

/** Without exchange, so that each reader may begin anew while the others are behind the next switch. */
const chained: Topology = {
  name: "chained",
  abilities: { stateless: true, regions: true },
  sinks: ["out"],
  sources(plan) {
    const [a, b, c] = sourcesOf(plan, { a: 0.3, b: 0.1, c: 0.6 });
    return [a!, { ...b!, findMs: 15 }, c!];
  },
  build(kit) {
    kit.chain("chain", chained.sources(kit.plan)).map(touched(kit)).map(rowOf).sink("out", kit.sink("out"));
  },
  rowsOf: (record) => ({ out: [rowOf(record)] }),
};

/** The last source never ends. */
const historyAndLive: Topology = {
  name: "history-and-live",
  abilities: { stateless: true, endless: true },
  sinks: ["out"],
  sources(plan) {
    const [history, live] = sourcesOf(plan, { h: 0.4, l: 1 });
    return [history!, { ...live!, endless: true }];
  },
  build(kit) {
    const rows = kit.chain("chain", historyAndLive.sources(kit.plan)).map(touched(kit)).map(rowOf);
    apart(
      kit,
      rows.rebalance().map((row) => row),
    ).sink("out", kit.sink("out"));
  },
  rowsOf: (record) => ({ out: [rowOf(record)] }),
};

const WINDOW_MS = 200;
const windowOf = ({ time }: SimRecord): number => time - (time % WINDOW_MS);

/** Windows lose what comes behind its watermark: no source may come before its turn, and none again. */
const chainedWindows: Topology = {
  name: "chained-windows",
  abilities: {},
  sinks: ["out"],
  sources: (plan) => sourcesOf(plan, { a: 0.4, b: 0.4, c: 0.2 }),
  build(kit) {
    const rows = kit
      .chain("chain", chainedWindows.sources(kit.plan))
      .map(touched(kit))
      .keyBy(({ key }) => key)
      .window(tumbling(WINDOW_MS))
      .aggregate(
        { n: count(), total: sum(({ value }: SimRecord) => value) },
        ({ n, total }, { key, window }) => {
          return { key, start: window.start, n, total };
        },
      );
    apart(kit, rows).sink("out", kit.sink("out"));
  },
  check({ out }, plan) {
    const records = allRecords(chainedWindows, plan);
    const groupOf = (record: SimRecord) => `${record.key} ${windowOf(record)}`;
    const counts = sumBy(records, groupOf, () => 1);
    const totals = sumBy(records, groupOf, ({ value }) => value);
    const expected = [...counts].map(([group, n]) => {
      const [key, start] = group.split(" ").map(Number);
      return { key, start, n, total: totals.get(group) };
    });
    return differences("windows", out!, expected);
  },
};

export const chains = [chained, historyAndLive, chainedWindows] as const;
