/** Counts by key over lanes of records that may never end: what a test rescales as often as it likes. */
import { existsSync } from "node:fs";
import { collectSink, defineJob, type, value } from "millrace";
import { crashIf } from "./crash-file.js";
import { type Paced, pacedSource } from "./paced-source.js";

export interface PacedCountParams {
  /** Records of each lane; "endless" ones for others. JSON knows no Infinity. */
  readonly lanes: readonly (number | "endless")[];
  /** Parallelism of all operators, whatever the run says. */
  readonly fixed?: number;
  /** While this file is there, the program is another one than before. */
  readonly changed?: string;
  /** Fails a task: see crash-file.ts. */
  readonly crash?: string;
}

export interface PacedCount extends Paced {
  readonly key: number;
  /** Counts the records of the key. */
  readonly n: number;
}

const KEYS = 20;

export default defineJob("paced-count", (env, { lanes, fixed, changed, crash }: PacedCountParams) => {
  const counts = lanes.map((count) => (count === "endless" ? Number.POSITIVE_INFINITY : count));
  const source = env.source("lanes", pacedSource({ counts, perTick: 5 }));
  const counted = source
    .keyBy(({ id }) => id % KEYS)
    .process("count", {
      out: type<PacedCount>(),
      state: { n: value<number>() },
      element(row, { key, state, emit }) {
        crashIf(crash);
        const n = (state.n.get() ?? 0) + 1;
        state.n.update(n);
        emit({ ...row, key, n });
      },
    })
    .uid(changed !== undefined && existsSync(changed) ? "another count" : "count");
  const out = counted.sink("out", collectSink());
  if (fixed === undefined) return;
  source.setParallelism(fixed);
  counted.setParallelism(fixed);
  out.setParallelism(fixed);
});
