/** A job that runs, looked at from outside: limits, bytes in flight, checkpoints. */
import { setTimeout as sleep } from "node:timers/promises";
import type { CheckpointOptions, Job, RunOptions, Session, SubtaskMetrics } from "../../lib/index.js";
import type { DebloatParams } from "./job.js";

const JOB = new URL("./job.js", import.meta.url);

/** What was seen at one moment, ms from the begin. */
export interface Sample {
  readonly ms: number;
  /** Of the sink's vertex, and what is in flight before it. */
  readonly limit: number;
  readonly before: number;
  /** In the whole job. */
  readonly inFlight: number;
}

export interface SeenCheckpoint {
  readonly ms: number;
  readonly duration: number;
  readonly persisted: number;
}

export interface WatchedOptions {
  readonly params: Omit<DebloatParams, "costUs" | "splits">;
  readonly costUs: number;
  readonly parallelism: number;
  readonly debloat: RunOptions["debloat"];
  readonly checkpoint: Omit<CheckpointOptions, "dir"> | undefined;
}

export class WatchedJob {
  readonly samples: Sample[] = [];
  readonly checkpoints = new Map<number, SeenCheckpoint>();
  private readonly job: Job;
  private readonly cost: Int32Array;
  private readonly begin = performance.now();

  private constructor(job: Job, cost: Int32Array) {
    this.job = job;
    this.cost = cost;
  }

  static async start(session: Session, given: WatchedOptions): Promise<WatchedJob> {
    const { params, costUs, parallelism, debloat, checkpoint } = given;
    const cost = new Int32Array(new SharedArrayBuffer(4));
    cost[0] = costUs;
    const job = await session.run(JOB, {
      parallelism,
      params: { ...params, splits: parallelism, costUs: cost.buffer },
      ...(debloat === undefined ? {} : { debloat }),
      ...(checkpoint === undefined ? {} : { checkpoint }),
    });
    return new WatchedJob(job, cost);
  }

  get now(): number {
    return performance.now() - this.begin;
  }

  set costUs(us: number) {
    Atomics.store(this.cost, 0, us);
  }

  /** The tasks of a vertex by the begin of its name. */
  tasks(name: string): SubtaskMetrics[] {
    return this.job.metrics().filter(({ vertex }) => vertex.startsWith(name));
  }

  /** Sum of a metric over the tasks of a vertex, or over all. */
  sum(field: keyof SubtaskMetrics & string, name = ""): number {
    return this.tasks(name).reduce((sum, task) => sum + Number(task[field]), 0);
  }

  /** The vertex whose sink is slow. */
  get last(): string {
    return this.tasks("").at(-1)!.vertex;
  }

  /** No task has more in flight than its limits allow. */
  get isSettled(): boolean {
    return this.tasks("").every(
      ({ bytesInFlight, debloatedBufferSize }) =>
        debloatedBufferSize === 0 || bytesInFlight <= debloatedBufferSize * 1.1,
    );
  }

  /** Looks at the job until `isOver`, at most so long; answers whether it was over. */
  async look(isOver: () => boolean, atMostMs: number, everyMs = 10): Promise<boolean> {
    const until = this.now + atMostMs;
    while (this.now < until) {
      this.sample();
      if (isOver()) return true;
      if (this.job.state === "failed") await this.job.completed;
      await sleep(everyMs);
    }
    return false;
  }

  forMs(ms: number): Promise<boolean> {
    return this.look(() => false, ms);
  }

  /** Until so many checkpoints were complete from now on, at most so long; they are the answer. */
  async take(checkpoints: number, atMostMs: number): Promise<SeenCheckpoint[]> {
    const before = new Set(this.checkpoints.keys());
    const begin = this.now;
    const seen = () =>
      [...this.checkpoints].filter(([id, { ms }]) => !before.has(id) && ms > begin).map(([, each]) => each);
    await this.look(() => seen().length >= checkpoints, atMostMs);
    return seen();
  }

  async end(): Promise<void> {
    await this.job.cancel();
  }

  private sample(): void {
    this.samples.push({
      ms: this.now,
      limit: this.sum("debloatedBufferSize", this.last),
      before: this.sum("bytesInFlight", this.last),
      inFlight: this.sum("bytesInFlight"),
    });
    for (const record of this.job.checkpoints()?.history ?? []) {
      const { id, status, endToEndDuration, persistedData, triggerTimestamp } = record;
      if (status !== "completed" || this.checkpoints.has(id)) continue;
      const ms = triggerTimestamp - performance.timeOrigin - this.begin;
      this.checkpoints.set(id, { ms, duration: endToEndDuration!, persisted: persistedData });
    }
  }
}
