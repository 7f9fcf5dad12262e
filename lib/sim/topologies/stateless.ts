/** Topologies without memory: every record leads to the same rows, whatever came before. */
import { type } from "../../api/process-functions.js";
import { sideOutput } from "../../operators/process-context.js";
import type { SimRecord } from "../replay-source.js";
import { apart, type Kit, source, type Topology } from "./topology.js";

interface Row {
  readonly id: string;
  readonly n: number;
}

const rowOf = ({ id, value }: SimRecord): Row => ({ id, n: value * 2 });

/** A map whose function may throw. */
function touched(kit: Kit) {
  return (record: SimRecord): SimRecord => {
    kit.hook("element");
    return record;
  };
}

const pipeline: Topology = {
  name: "pipeline",
  abilities: { stateless: true },
  sinks: ["out"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = pipeline.sources(kit.plan);
    const mapped = apart(kit, kit.source(a!).map(touched(kit)));
    mapped
      .filter(({ value }) => value % 3 !== 0)
      .map(rowOf)
      .sink("out", kit.sink("out"));
  },
  rowsOf: (record) => ({ out: record.value % 3 === 0 ? [] : [rowOf(record)] }),
};

const shuffled: Topology = {
  name: "shuffled",
  abilities: { stateless: true },
  sinks: ["out"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = shuffled.sources(kit.plan);
    const mapped = apart(kit, kit.source(a!).rebalance().map(touched(kit)));
    const narrow = mapped
      .shuffle()
      .map((record) => record)
      .setParallelism(2);
    narrow.rescale().map(rowOf).sink("out", kit.sink("out"));
  },
  rowsOf: (record) => ({ out: [rowOf(record)] }),
};

const bursts: Topology = {
  name: "bursts",
  abilities: { stateless: true },
  sinks: ["out", "odd"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = bursts.sources(kit.plan);
    const odd = sideOutput<Row>("odd");
    const expanded = kit
      .source(a!)
      .map(touched(kit))
      .flatMap((record) => burstOf(record));
    const split = apart(
      kit,
      expanded.rebalance().process("split", {
        out: type<Row>(),
        element(row, ctx) {
          if (row.n % 2 === 0) ctx.emit(row);
          else ctx.side(odd, row);
        },
      }),
    );
    split.sink("out", kit.sink("out"));
    split.side(odd).rebalance().sink("odd", kit.sink("odd"));
  },
  rowsOf(record) {
    const rows = burstOf(record);
    return { out: rows.filter(({ n }) => n % 2 === 0), odd: rows.filter(({ n }) => n % 2 === 1) };
  },
};

function burstOf({ id, value }: SimRecord): Row[] {
  const length = value > 92 ? value * 3 : value % 4;
  return Array.from({ length }, (_, n) => ({ id, n }));
}

/** Two sources of which one ends long before the other, into one operator. */
const union: Topology = {
  name: "union",
  abilities: { stateless: true },
  sinks: ["out"],
  sources: (plan) => [source(plan, "a"), source(plan, "b", 0.2)],
  build(kit) {
    const [a, b] = union.sources(kit.plan).map((each) => kit.source(each));
    const both = apart(kit, a!.rebalance().union(b!.rebalance()).map(touched(kit)));
    both.map(rowOf).sink("out", kit.sink("out"));
  },
  rowsOf: (record) => ({ out: [rowOf(record)] }),
};

/** One vertex with an edge that barriers may overtake on and one that they may not. */
const mixed: Topology = {
  name: "mixed",
  abilities: { stateless: true },
  sinks: ["out"],
  sources: (plan) => [source(plan, "a"), source(plan, "b", 0.5)],
  build(kit) {
    const [a, b] = mixed.sources(kit.plan).map((each) => kit.source(each));
    const forward = b!.map((record) => record);
    const both = apart(kit, a!.rebalance().union(forward).map(touched(kit)));
    both.rebalance().map(rowOf).sink("out", kit.sink("out"));
  },
  rowsOf: (record) => ({ out: [rowOf(record)] }),
};

/** Several edges between the same vertices. */
const diamond: Topology = {
  name: "diamond",
  abilities: { stateless: true },
  sinks: ["out"],
  sources: (plan) => [source(plan, "a")],
  build(kit) {
    const [a] = diamond.sources(kit.plan);
    const head = kit.source(a!).map(touched(kit));
    const low = head.filter(({ value }) => value < 50).keyBy(({ key }) => key);
    const high = head.filter(({ value }) => value >= 50).rebalance();
    const rows = apart(kit, low.union(high).map(rowOf)).keyBy(({ n }) => n);
    rows.map((row) => row).sink("out", kit.sink("out"));
  },
  rowsOf: (record) => ({ out: [rowOf(record)] }),
};

const connected: Topology = {
  name: "connected",
  abilities: { stateless: true },
  sinks: ["out"],
  sources: (plan) => [source(plan, "a", 0.3), source(plan, "b")],
  build(kit) {
    const [a, b] = connected.sources(kit.plan).map((each) => kit.source(each));
    const both = a!
      .rebalance()
      .connect(b!.rebalance())
      .flatMap(
        (record) => [rowOf(touched(kit)(record))],
        (record) => (record.value % 2 === 0 ? [rowOf(record)] : []),
      );
    apart(kit, both).sink("out", kit.sink("out"));
  },
  rowsOf: (record) => ({ out: record.id.startsWith("b") && record.value % 2 === 1 ? [] : [rowOf(record)] }),
};

/** One source ends in the middle, the other never does. */
const endless: Topology = {
  name: "endless",
  abilities: { stateless: true, endless: true },
  sinks: ["out"],
  sources: (plan) => [source(plan, "a", 0.3), { ...source(plan, "b"), endless: true }],
  build(kit) {
    const [a, b] = endless.sources(kit.plan).map((each) => kit.source(each));
    const mapped = a!.map(touched(kit)).rebalance();
    apart(kit, mapped.union(b!).map(rowOf)).rebalance().sink("out", kit.sink("out"));
  },
  rowsOf: (record) => ({ out: [rowOf(record)] }),
};

export const stateless = [pipeline, shuffled, bursts, union, mixed, diamond, connected, endless] as const;
