/** Numbers on their way through two slots to whoever runs the job, behind a function that fails now and then. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { collectSink, datagenSource, defineJob } from "millrace";

export interface CountingParams {
  readonly count: number;
  /** How often it fails, and where that is counted: a file for each failure. */
  readonly failures: number;
  readonly folder: string;
  /** Fails when the sources have ended long ago and records are still on their way, rather than at the source. */
  readonly late?: boolean;
}

export default defineJob("counting", (env, params: CountingParams) => {
  env
    .source("in", datagenSource({ count: params.count, record: (i) => i }))
    .map(params.late === true ? (i) => i : failing(params, Math.random() / 3), "first")
    .rebalance()
    .map(params.late === true ? slow(failing(params, 0.45)) : (i) => i, "second")
    .sink("out", collectSink());
});

/** Fails at a place in the job's records, at most `failures` times in all threads. */
function failing({ failures, folder, count }: CountingParams, place: number): (i: number) => number {
  let seen = 0;
  const at = 1 + Math.floor(place * count);
  return (i) => {
    if (++seen !== at || failures === 0) return i;
    const made = readdirSync(folder).length;
    if (made >= failures) return i;
    writeFileSync(join(folder, `${made}-${Math.random()}`), "");
    throw new Error(`failure ${made + 1} of ${failures}, at record ${seen}`);
  };
}

/** So that records wait before it: some 5 us each. */
function slow(next: (i: number) => number): (i: number) => number {
  return (i) => {
    let x = i;
    for (let n = 0; n < 1_000; n++) x = (x * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return next(x < 0 ? -1 : i);
  };
}
