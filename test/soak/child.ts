/** The process of the soak test that runs jobs and may be killed. Talks to main.ts over its IPC channel. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Digest, MillraceError, type RunOptions, run } from "../../lib/index.js";
import type { SoakParams } from "../jobs/soak.js";
import { type Resources, resources } from "./resources.js";

export interface SoakTask {
  readonly params: SoakParams;
  readonly options: Omit<RunOptions, "params">;
}

export type SoakMessage =
  | { readonly type: "progress"; readonly records: number; readonly completed: number }
  | {
      readonly type: "done";
      readonly parts: readonly Digest[];
      readonly restarts: number;
      readonly completed: number;
      readonly resources: Resources;
    }
  | { readonly type: "failed"; readonly code: string; readonly error: string };

const JOB = new URL("../jobs/soak.js", import.meta.url);
/** Threads and files are let go in the background. */
const SETTLE_MS = 100;

const tell = (message: SoakMessage) => process.send?.(message);

async function runTask({ params, options }: SoakTask): Promise<void> {
  await using job = await run(JOB, { ...options, params: { ...params } });
  const beat = setInterval(() => {
    tell({ type: "progress", records: job.progress().records, completed: completedOf(job) });
  }, 500);
  try {
    const parts: Digest[] = [];
    for await (const part of job.results<Digest>("out")) parts.push(part);
    await job.completed;
    await sleep(SETTLE_MS);
    (globalThis as { gc?: () => void }).gc?.();
    tell({
      type: "done",
      parts,
      restarts: job.restarts,
      completed: completedOf(job),
      resources: resources(process.env.TMPDIR!),
    });
  } finally {
    clearInterval(beat);
  }
}

function completedOf(job: { checkpoints(): { counts: { completed: number } } | undefined }): number {
  return job.checkpoints()?.counts.completed ?? 0;
}

process.on("message", (task: SoakTask) => {
  runTask(task).catch((error: unknown) => {
    const code = MillraceError.is(error) ? error.code : "";
    tell({
      type: "failed",
      code,
      error: error instanceof Error ? (error.stack ?? error.message) : `${error}`,
    });
  });
});
process.on("disconnect", () => process.exit(0));
