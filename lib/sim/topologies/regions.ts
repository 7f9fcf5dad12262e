/** Topologies of several regions: what fails in one of them is no concern of the others. */
import { type } from "../../api/process-functions.js";
import { count, sum } from "../../operators/aggregates.js";
import { list } from "../../state/descriptors.js";
import { recordsOf, type SimRecord } from "../replay-source.js";
import { apart, differences, type Kit, source, sumBy, type Topology } from "./topology.js";

const keyOf = ({ key }: SimRecord): number => key;

function touched(kit: Kit) {
  return (record: SimRecord): SimRecord => {
    kit.hook("element");
    return record;
  };
}

const rowOf = ({ id, value }: SimRecord) => ({ id, n: value + 1 });

/** Two pipelines without an exchange side by side in each slot, of which one ends long before the other. */
const lanes: Topology = {
  name: "lanes",
  abilities: { stateless: true, regions: true },
  sinks: ["short", "long"],
  // Splits are found so slowly that readers fail while they wait for them.
  sources: (plan) => [source(plan, "s", 0.2), { ...source(plan, "l"), findMs: 15 }],
  build(kit) {
    const [s, l] = lanes.sources(kit.plan).map((each) => kit.source(each));
    apart(kit, s!.map(touched(kit))).sink("short", kit.sink("short"));
    l!.map(touched(kit)).map(rowOf).sink("long", kit.sink("long"));
  },
  rowsOf: (record) => (record.id.startsWith("s") ? { short: [record] } : { long: [rowOf(record)] }),
};

/** As lanes; one of them never ends. */
const endlessLanes: Topology = {
  name: "endless-lanes",
  abilities: { stateless: true, endless: true, regions: true },
  sinks: ["out", "endless"],
  sources: (plan) => [source(plan, "a", 0.3), { ...source(plan, "e"), endless: true }],
  build(kit) {
    const [a, e] = endlessLanes.sources(kit.plan);
    kit.source(a!).map(touched(kit)).sink("out", kit.sink("out"));
    kit.source(e!, "endless").map(touched(kit)).map(rowOf).sink("endless", kit.sink("endless"));
  },
  rowsOf: (record) => (record.id.startsWith("a") ? { out: [record] } : { endless: [rowOf(record)] }),
};

const FINAL = 8_000_000_000_000_000;

/** Pipelines with and without state in slots of their own: those with exchanges are one region each. */
const islands: Topology = {
  name: "islands",
  abilities: { regions: true },
  sinks: ["counts", "ids", "rows"],
  sources: (plan) => [source(plan, "c"), source(plan, "i", 0.5), source(plan, "r", 0.7)],
  build(kit) {
    const [c, i, r] = islands.sources(kit.plan);
    kit
      .source(c!)
      .map(touched(kit))
      .keyBy(keyOf)
      .aggregate({ n: count(), total: sum((record: SimRecord) => record.value) })
      .sink("counts", kit.sink("counts"));
    kit
      .source(i!, "i")
      .keyBy(keyOf)
      .process("ids", {
        out: type<unknown>(),
        state: { ids: list<string>() },
        element(record, ctx) {
          kit.hook("element");
          ctx.state.ids.add(record.id);
          ctx.timers.eventTime(FINAL);
        },
        timer(_time, ctx) {
          kit.hook("timer");
          ctx.emit({ key: ctx.key, ids: [...ctx.state.ids.get()].sort() });
        },
      })
      .sink("ids", kit.sink("ids"));
    kit.source(r!, "r").map(rowOf).sink("rows", kit.sink("rows"));
  },
  check({ counts, ids, rows }, plan) {
    const [c, i, r] = islands.sources(plan).map(recordsOf);
    const perKey = sumBy(
      c!,
      ({ key }) => `${key}`,
      () => 1,
    );
    const totals = sumBy(
      c!,
      ({ key }) => `${key}`,
      ({ value }) => value,
    );
    const last = (counts as { key: number; n: number; total: number }[]).filter(
      ({ key, n }) => n === perKey.get(`${key}`),
    );
    return [
      ...differences(
        "counts",
        counts!.map(({ key, n }) => [key, n]),
        [...perKey].flatMap(([key, n]) => Array.from({ length: n }, (_, at) => [Number(key), at + 1])),
      ),
      ...differences(
        "totals",
        last.map(({ key, total }) => [`${key}`, total]),
        [...totals],
      ),
      ...differences(
        "ids",
        ids!,
        [...new Set(i!.map(keyOf))].map((key) => ({
          key,
          ids: i!
            .filter((record) => record.key === key)
            .map(({ id }) => id)
            .sort(),
        })),
      ),
      ...differences("rows", rows!, r!.map(rowOf)),
    ];
  },
};

export const regions = [lanes, endlessLanes, islands] as const;
