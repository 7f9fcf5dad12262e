/** What tests of recovery see of a running job. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../../lib/index.js";

/** The rows of a file sink as a reader sees them that ignores hidden files. */
export function visibleRows<T>(folder: string): T[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

/** Gathers a sink's rows while the job runs. */
export function gather<T>(job: Job, sink: string): { readonly rows: T[]; readonly end: Promise<void> } {
  const rows: T[] = [];
  const end = (async () => {
    for await (const row of job.results<T>(sink)) rows.push(row);
  })();
  end.catch(() => undefined);
  return { rows, end };
}

/** Waits until something is so; fails when the job has ended before, or after ten seconds. */
export async function until(job: Job, what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) {
    if (isSo()) return;
    if (["finished", "failed", "cancelled"].includes(job.state)) {
      await job.completed;
      break;
    }
    await sleep(5);
  }
  throw new Error(`it never came: ${what} (${job.state}, ${JSON.stringify(job.checkpoints()?.counts)})`);
}

/** Until so many checkpoints more are complete. */
export function untilCheckpoints(job: Job, more: number): Promise<void> {
  const target = job.checkpoints()!.counts.completed + more;
  return until(job, `${target} checkpoints`, () => job.checkpoints()!.counts.completed >= target);
}
