/** Numbers on their way through two slots to whoever runs the job, behind a function that fails now and then. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { collectSink, datagenSource, defineJob } from "millrace";

export interface CountingParams {
  readonly count: number;
  /** How often it fails, and where that is counted: a file for each failure. */
  readonly failures: number;
  readonly folder: string;
}

export default defineJob("counting", (env, params: CountingParams) => {
  env
    .source("in", datagenSource({ count: params.count, record: (i) => i }))
    .map(failing(params), "failing")
    .rebalance()
    .map((i) => i)
    .sink("out", collectSink());
});

function failing({ failures, folder, count }: CountingParams): (i: number) => number {
  let seen = 0;
  const at = 1 + Math.floor((Math.random() * count) / 3);
  return (i) => {
    if (++seen !== at || failures === 0) return i;
    const made = readdirSync(folder).length;
    if (made >= failures) return i;
    writeFileSync(join(folder, `${made}-${Math.random()}`), "");
    throw new Error(`failure ${made + 1} of ${failures}, at record ${seen}`);
  };
}
