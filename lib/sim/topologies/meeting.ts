/** Topologies in which records meet others: of another stream, or of a service. */
import type { SimRecord } from "../replay-source.js";
import { allRecords, apart, differences, source, type Topology } from "./topology.js";

const keyOf = ({ key }: SimRecord): number => key;
const LOWER_MS = -60;
const UPPER_MS = 40;

/** Records of two streams that are near in time. */
const interval: Topology = {
  name: "interval",
  abilities: {},
  sinks: ["out"],
  sources: (plan) => [source(plan, "a"), source(plan, "b", 0.6)],
  build(kit) {
    const [a, b] = interval.sources(kit.plan).map((each) => kit.source(each));
    const rows = a!
      .keyBy(keyOf)
      .intervalJoin(b!.keyBy(keyOf), { lower: LOWER_MS, upper: UPPER_MS }, (left, right) => {
        kit.hook("element");
        return { left: left.id, right: right.id };
      });
    apart(kit, rows).sink("out", kit.sink("out"));
  },
  check({ out }, plan) {
    const records = allRecords(interval, plan);
    const [left, right] = ["a", "b"].map((name) => records.filter(({ id }) => id.startsWith(name)));
    const expected = left!.flatMap((l) =>
      right!
        .filter((r) => r.key === l.key && r.time >= l.time + LOWER_MS && r.time <= l.time + UPPER_MS)
        .map((r) => ({ left: l.id, right: r.id })),
    );
    return differences("pairs", out!, expected);
  },
};

export const meeting = [interval] as const;
