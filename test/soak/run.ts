/** The jobs of one soak test, one after the other, and what they add up to. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { compareDigest, compareFiles, type Difference, visibleFiles } from "./answers.js";
import type { SoakMessage, SoakTask } from "./child.js";
import { growth, type Resources } from "./resources.js";
import { modes, type SoakJob, soakJob } from "./soak-job.js";

const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));
/** A job that neither reads nor completes a checkpoint for so long has come to a standstill, however slow all is. */
const STANDSTILL_MS = 180_000;
const CHECKPOINT_INTERVAL_MS = 200;
const RESTART_DELAY_MS = 10;

type Done = Extract<SoakMessage, { type: "done" }>;
type Ended =
  | (Pick<Done, "type" | "parts"> & Partial<Done>)
  | Extract<SoakMessage, { type: "failed" }>
  | { readonly type: "killed" };

export class SoakRun {
  private readonly seed: number;
  private readonly folder: string;
  private readonly samples: Resources[] = [];
  private readonly totals = { jobs: 0, sigkills: 0, slotCrashes: 0, restarts: 0, checkpoints: 0 };
  private readonly wrong = { lost: 0, duplicated: 0, failed: 0 };
  private readonly children = new Set<ChildProcess>();
  /** Runs all jobs that are not killed. */
  private steady: ChildProcess | undefined;

  constructor(seed: number, folder: string) {
    this.seed = seed;
    this.folder = folder;
  }

  /** Runs a job to its end, prints its line. */
  async one(number: number): Promise<void> {
    const job = soakJob(this.seed, number);
    const folder = join(this.folder, `job-${number}`);
    mkdirSync(join(folder, "failures"), { recursive: true });
    const begun = performance.now();
    const { ended, sigkills, restarts, checkpoints } =
      job.killsAfterMs.length === 0 ? await this.runSteady(job, folder) : await this.runMortal(job, folder);
    const difference = ended.type === "done" ? differenceOf(job, folder, ended.parts) : undefined;
    const slotCrashes = readdirSync(join(folder, "failures")).length;
    this.totals.jobs++;
    this.totals.sigkills += sigkills;
    this.totals.slotCrashes += slotCrashes;
    this.totals.restarts += restarts;
    this.totals.checkpoints += checkpoints;
    this.wrong.lost += difference?.lost ?? 0;
    this.wrong.duplicated += difference?.duplicated ?? 0;
    const isGood = difference !== undefined && difference.examples === undefined;
    if (!isGood) this.wrong.failed++;
    const { killsAfterMs: _, failureSeed: __, slotFailures: ___, ...what } = job;
    const ms = Math.round(performance.now() - begun);
    const outcome = difference ?? { error: ended.type === "failed" ? ended.error : ended.type };
    const rss = ended.type === "done" ? ended.resources?.rss : undefined;
    const held = rss === undefined ? {} : { rssMiB: Math.round(rss / 2 ** 20) };
    const counts = { sigkills, slotCrashes, restarts, checkpoints };
    console.log(JSON.stringify({ seed: this.seed, ...what, ms, ...counts, ...held, ...outcome }));
    if (isGood) rmSync(folder, { recursive: true, force: true });
  }

  /** Prints the summary; false when something was not as it should be. */
  end(): boolean {
    for (const child of this.children) child.kill("SIGKILL");
    const { excess, rss, fds, threads, files, samples } = growth(this.samples);
    console.log(
      JSON.stringify({
        summary: true,
        seed: this.seed,
        ...this.totals,
        ...this.wrong,
        rssGrowthMiB: Math.round(rss / 2 ** 20),
        fdGrowth: fds,
        threadGrowth: threads,
        fileGrowth: files,
        samples,
        excess,
      }),
    );
    return this.wrong.failed === 0 && excess.length === 0;
  }

  private async runSteady(job: SoakJob, folder: string) {
    this.steady ??= this.spawn("steady");
    const ended = await attend(this.steady, taskOf(job, folder, 0));
    const { restarts = 0, completed: checkpoints = 0 } = ended.type === "done" ? ended : {};
    if (ended.type === "done" && ended.resources !== undefined) this.samples.push(ended.resources);
    if (ended.type === "killed") this.steady = undefined;
    return { ended, sigkills: 0, restarts, checkpoints };
  }

  private async runMortal(job: SoakJob, folder: string) {
    let sigkills = 0;
    let resume = false;
    for (let life = 0; ; life++) {
      const child = this.spawn(`mortal-${job.number}-${life}`);
      const ended = await attend(child, taskOf(job, folder, life, resume), job.killsAfterMs[life]);
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      if (ended.type === "killed" && life < job.killsAfterMs.length) {
        sigkills++;
        resume = true;
        continue;
      }
      if (ended.type === "failed" && ended.code === "JOB_NOT_RESUMABLE" && resume) {
        // Killed behind its end, before it could say so: all that is visible is its answer.
        if (visibleFiles(join(folder, "out")).length > 0) {
          return { ended: { type: "done", parts: [] } as const, sigkills, restarts: 0, checkpoints: 0 };
        }
        // Killed before its first checkpoint: nothing was visible by then, and all begins anew.
        resume = false;
        life--;
        continue;
      }
      const { restarts = 0, completed: checkpoints = 0 } = ended.type === "done" ? ended : {};
      return { ended, sigkills, restarts, checkpoints };
    }
  }

  private spawn(name: string): ChildProcess {
    const temporary = join(this.folder, `tmp-${name}`);
    mkdirSync(temporary, { recursive: true });
    const child = fork(CHILD, {
      execArgv: ["--expose-gc", "--enable-source-maps"],
      env: { ...process.env, TMPDIR: temporary },
    });
    this.children.add(child);
    child.on("exit", () => this.children.delete(child));
    return child;
  }
}

function taskOf(job: SoakJob, folder: string, life: number, resume = false): SoakTask {
  const { query, events, sink, inline, stateBackend, mode, slotFailures, how, failureSeed } = job;
  const failures = { count: slotFailures, folder: join(folder, "failures"), seed: failureSeed, how };
  return {
    params: { query, events, failures, ...(sink === "files" ? { out: join(folder, "out") } : {}) },
    options: {
      inline,
      stateBackend,
      resume,
      parallelism: job.parallelism[Math.min(life, job.parallelism.length - 1)]!,
      maxParallelism: 128,
      checkpoint: { ...modes[mode], interval: CHECKPOINT_INTERVAL_MS, dir: join(folder, "state") },
      // A failure that comes back with every attempt has to end the job.
      restart: { strategy: "fixed-delay", attempts: slotFailures + 5, delay: RESTART_DELAY_MS },
    },
  };
}

/** Has the child run a task; kills it after a while if told to, or when nothing moves any more. */
async function attend(child: ChildProcess, task: SoakTask, killAfterMs?: number): Promise<Ended> {
  const over = new AbortController();
  const { signal } = over;
  let last = "";
  let movedAt = performance.now();
  const answer = new Promise<Ended>((resolve) => {
    const onMessage = (message: SoakMessage) => {
      if (message.type !== "progress") resolve(message);
      else if (last !== `${message.records} ${message.completed}`) {
        last = `${message.records} ${message.completed}`;
        movedAt = performance.now();
      }
    };
    const onExit = () => resolve({ type: "killed" });
    child.on("message", onMessage);
    child.on("exit", onExit);
    signal.addEventListener("abort", () => child.off("message", onMessage).off("exit", onExit));
  });
  child.send(task);
  const quietly = (wait: Promise<unknown>) => wait.catch(() => undefined);
  if (killAfterMs !== undefined) {
    void quietly(sleep(killAfterMs, undefined, { signal }).then(() => child.kill("SIGKILL")));
  }
  const watch = setInterval(() => {
    if (performance.now() - movedAt > STANDSTILL_MS) child.kill("SIGKILL");
  }, 5_000);
  try {
    return await answer;
  } finally {
    clearInterval(watch);
    over.abort();
  }
}

function differenceOf(
  { query, events, sink }: SoakJob,
  folder: string,
  parts: Parameters<typeof compareDigest>[2],
): Difference {
  return sink === "files"
    ? compareFiles(query, events, join(folder, "out"))
    : compareDigest(query, events, parts);
}
