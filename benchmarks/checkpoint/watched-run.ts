import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CheckpointOptions, Job, RunOptions, Session } from "../../lib/index.js";
import type { CheckpointParams } from "./job.js";

const JOB = new URL("./job.js", import.meta.url);

/** How often the job's statistics are read: seldom, as that costs as much as a small checkpoint. */
const LOOK_MS = 250;

export interface WatchedOptions {
  readonly params: Omit<CheckpointParams, "folder">;
  readonly options: RunOptions;
  /** Absent: none are taken. */
  readonly checkpoint: Omit<CheckpointOptions, "dir"> | undefined;
  readonly seconds: number;
}

/** A complete checkpoint: how long it took, ms, and what it wrote. */
export interface SeenCheckpoint {
  readonly id: number;
  readonly ms: number;
  readonly bytes: number;
}

/** What was seen of a job while it ran steadily. */
export interface Watched {
  readonly records: number;
  readonly cpuNsPerRecord: number;
  /** The longest round of any slot, ms. */
  readonly longestRoundMs: number;
  readonly checkpoints: readonly SeenCheckpoint[];
  /** Of all that were taken, also before. */
  readonly largestBytes: number;
}

/** Runs the job until all keys are there and a while longer, then looks at it for some seconds. */
export async function watch(session: Session, given: WatchedOptions): Promise<Watched> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const { params, options, checkpoint, seconds } = given;
  const job = await session.run(JOB, {
    ...options,
    ...(checkpoint === undefined ? {} : { checkpoint: { ...checkpoint, dir: join(folder, "state") } }),
    params: { ...params, folder },
  });
  try {
    const seen = new Map<number, SeenCheckpoint>();
    const steady = (await look(job, seen, () => job.progress().records < params.keys * 0.99)) + 2500;
    await look(job, seen, () => performance.now() < steady);
    const before = new Set(seen.keys());
    const rounds = job.rounds();
    const { records } = job.progress();
    const cpu = process.cpuUsage();
    const until = performance.now() + seconds * 1000;
    await look(job, seen, () => performance.now() < until);
    const { user, system } = process.cpuUsage(cpu);
    const passed = job.progress().records - records;
    const longest = job.rounds().map((times, slot) => times.since(rounds[slot]!).longest);
    const all = [...seen.values()];
    return {
      records: passed,
      cpuNsPerRecord: ((user + system) * 1000) / passed,
      longestRoundMs: Math.max(...longest),
      checkpoints: all.filter(({ id }) => !before.has(id)),
      largestBytes: Math.max(0, ...all.map(({ bytes }) => bytes)),
    };
  } finally {
    await job.cancel();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function look(job: Job, seen: Map<number, SeenCheckpoint>, goesOn: () => boolean): Promise<number> {
  while (goesOn()) {
    await sleep(LOOK_MS);
    for (const { id, status, endToEndDuration, stateSize } of job.checkpoints()?.history ?? []) {
      if (status === "completed") seen.set(id, { id, ms: endToEndDuration!, bytes: stateSize });
    }
    if (job.state === "FAILED" || job.state === "failed") await job.completed;
  }
  return performance.now();
}
