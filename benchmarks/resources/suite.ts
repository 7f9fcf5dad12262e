/**
 * A job with light pipelines and a heavy operator, its slots cut by profiles and all equal: each run in a process of
 * its own, the two in turn, medians of pairwise ratios. Below 1: less with profiles.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median, rounded } from "../measure.js";
import { Report } from "../report.js";
import type { ResourcesParams } from "./job.js";
import type { OneRun } from "./one-run.js";

export interface ResourcesSuiteOptions {
  readonly events: number;
  readonly pairs: number;
  readonly json: boolean;
}

const REGIONS = [4, 8];
const ONE_RUN = fileURLToPath(new URL("./one-run.js", import.meta.url));

export async function resources({ events, pairs, json }: ResourcesSuiteOptions): Promise<void> {
  const report = new Report(json);
  for (const regions of REGIONS) {
    const equal: OneRun[] = [];
    const cut: OneRun[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      const sides = [
        async () => equal.push(await once({ events, regions, profiles: false })),
        async () => cut.push(await once({ events, regions, profiles: true })),
      ];
      // Whichever comes first finds the machine as the last pair left it.
      if (pair % 2 === 1) sides.reverse();
      for (const side of sides) await side();
    }
    const answers = new Set([...equal, ...cut].map(({ digest }) => digest));
    if (answers.size > 1) throw new Error(`the answers differ: ${[...answers].join(" and ")}`);
    const ratio = (of: (run: OneRun) => number) =>
      rounded(median(cut.map((run, i) => of(run) / of(equal[i]!))), 3);
    report.row({
      suite: "resources",
      regions,
      events,
      pairs,
      threadsEqual: regions + 1,
      threads: 2,
      wallMsEqual: rounded(median(equal.map(({ wallMs }) => wallMs)), 0),
      wallMs: rounded(median(cut.map(({ wallMs }) => wallMs)), 0),
      wallRatio: ratio(({ wallMs }) => wallMs),
      cpuRatio: ratio(({ cpuMs }) => cpuMs),
      peakMbEqual: rounded(median(equal.map(({ peakMb }) => peakMb)), 0),
      peakMb: rounded(median(cut.map(({ peakMb }) => peakMb)), 0),
      peakRatio: ratio(({ peakMb }) => peakMb),
    });
  }
}

async function once(params: ResourcesParams): Promise<OneRun> {
  const { stdout } = await promisify(execFile)(process.execPath, [ONE_RUN, JSON.stringify(params)]);
  return JSON.parse(stdout) as OneRun;
}
