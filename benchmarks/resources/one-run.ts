/** One run of the job in a process of its own, whose memory is the job's: `node one-run.js '<params>'`. */
import { type Digest, RowDigest, run } from "../../lib/index.js";
import { measure } from "../measure.js";
import type { ResourcesParams } from "./job.js";

export interface OneRun {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** The most the process has held, MiB. */
  readonly peakMb: number;
  readonly digest: string;
}

const params = JSON.parse(process.argv[2]!) as ResourcesParams;
const parts: Digest[] = [];
const { wallMs, cpuMs } = await measure(async () => {
  await using job = await run(new URL("./job.js", import.meta.url), {
    params: { ...params },
    resources: { cpu: 2, memoryMb: 4096 },
  });
  for await (const part of job.results<Digest>("out")) parts.push(part);
  await job.completed;
});
const digest = JSON.stringify(RowDigest.merge(parts));
// KiB, whatever the system.
const peakMb = process.resourceUsage().maxRSS / 1024;
process.stdout.write(JSON.stringify({ wallMs, cpuMs, peakMb, digest } satisfies OneRun));
