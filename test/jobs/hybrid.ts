/** Three paced sources one after the other, counted by lane; it fails at a record when a test wants it to. */
import { collectSink, count, defineJob, hybridSource } from "millrace";
import { type Crash, crashIf } from "./crash-file.js";
import { type Paced, type PacedOptions, pacedSource } from "./paced-source.js";

export interface HybridParams {
  /** Of each source the records of its lanes; the last may be endless: null. */
  readonly counts: readonly (readonly (number | null)[])[];
  readonly perTick: number;
  /** A file: while it is there, the job fails at this record. */
  readonly crash?: string;
  readonly at?: Paced;
  readonly how?: Crash;
  /** Rows are counted behind an exchange. */
  readonly counted?: boolean;
}

export interface LaneCount {
  readonly lane: number;
  readonly n: number;
}

export default defineJob("hybrid", (env, { counts, perTick, crash, at, how, counted }: HybridParams) => {
  const optionsOf = (source: number): PacedOptions => {
    const firstLane = counts.slice(0, source).flat().length;
    const own = counts[source]!.map((each) => each ?? Number.POSITIVE_INFINITY);
    return { counts: own, perTick, firstLane };
  };
  const [first, ...next] = counts.map((_, source) => pacedSource(optionsOf(source)));
  const rows = env.source("rows", hybridSource<Paced>(first!, ...next)).map((row) => {
    if (row.lane === at?.lane && row.id === at.id) crashIf(crash, how);
    return row;
  });
  if (counted !== true) rows.sink("out", collectSink());
  else
    rows
      .keyBy(({ lane }) => lane)
      .aggregate({ n: count() }, ({ n }, { key }): LaneCount => ({ lane: key, n }))
      .sink("out", collectSink());
});
