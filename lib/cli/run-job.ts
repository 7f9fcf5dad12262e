/** `millrace run`: runs one job to its end, printing rows to stdout and everything else to stderr. */
import { systemClock } from "../base/clock.js";
import { MillraceError } from "../base/error.js";
import type { Job, RunOptions } from "../engine.js";
import { machineOf } from "../host/machine.js";
import { explainMermaid, explainTree } from "../planner/explain.js";
import { planHosts } from "../planner/hosts.js";
import { explain, run } from "../run.js";
import { absolutePlace } from "../storage/location.js";
import { ControlServer } from "./control-server.js";
import { jobControl } from "./job-control.js";
import { Notices } from "./notices.js";
import { showProgress } from "./progress.js";
import { type RunFlags, runOptions } from "./run-options.js";
import { type Assignment, remaining, report, takeAssignment } from "./supervision.js";

/** Runs the job; answers the exit code. Rejects with what ended it. */
export async function runJob(module: string, flags: RunFlags): Promise<number> {
  const assignment = takeAssignment(systemClock.now());
  const asked = runOptions(flags);
  if (flags.explain !== undefined) return explainJob(module, asked, flags.explain);
  const notices = new Notices(flags, assignment);
  const job = await run(module, {
    ...asked,
    ...goingOn(asked, assignment),
    onRecovery: (recovery) => {
      if (recovery.error !== undefined) report({ kind: "restarted" });
      notices.recovered(recovery);
    },
    onRescale: (rescaling) => notices.rescaled(rescaling),
  });
  const dir = asked.checkpoint?.dir;
  if (dir !== undefined) report({ kind: "resumable", run: job.id, restart: asked.restart });
  notices.begun(job, asked.checkpoint);
  const signals = listen(job, asked);
  const control = await openControl(job, asked, assignment, notices);
  const stopProgress = notices.quiet ? () => undefined : showProgress(job);
  try {
    await Promise.all([job.completed, printRows(job)]);
  } catch (error) {
    if (signals.code !== 0 && MillraceError.is(error) && error.code === "JOB_CANCELLED") return signals.code;
    throw error;
  } finally {
    report({ kind: "ended" });
    stopProgress();
    await control?.close();
    if (process.connected) process.disconnect();
  }
  if (flags.json === true) printSummary(job, assignment);
  return 0;
}

async function explainJob(module: string, options: RunOptions, format: RunFlags["explain"]): Promise<number> {
  const graph = await explain(module, options);
  const hosts = planHosts(graph, machineOf(options.resources));
  const json = () => `${JSON.stringify({ ...graph, ...hosts }, null, 2)}\n`;
  const text =
    format === "json" ? json() : format === "mermaid" ? explainMermaid(graph) : explainTree(graph, hosts);
  process.stdout.write(text);
  return 0;
}

/** What an earlier process has left is gone on with, whatever the flags said to it. */
function goingOn(asked: RunOptions, { goesOn, failures }: Assignment): Partial<RunOptions> {
  if (goesOn === undefined) return {};
  const restart = remaining(asked.restart, failures);
  return { resume: goesOn.run, ...(restart === undefined ? {} : { restart }) };
}

/** The first signal cancels the job, another ends the process. */
function listen(job: Job, { checkpoint }: RunOptions): { readonly code: number } {
  const signals = { code: 0 };
  const onSignal = (code: number) => () => {
    if (signals.code !== 0) process.exit(code);
    signals.code = code;
    const kept = checkpoint?.dir !== undefined && checkpoint.retention === "retain";
    const rest = kept ? `; run ${job.id} can be resumed` : "";
    process.stderr.write(`stopping: unfinished output is thrown away${rest} (again to exit at once)\n`);
    void job.cancel();
  };
  process.on("SIGINT", onSignal(130));
  process.on("SIGTERM", onSignal(143));
  if (process.channel !== undefined) {
    process.on("disconnect", () => {
      if (!RUNNING.includes(job.state)) return;
      // The supervisor was killed. A run that can be resumed is left as if this process had been killed, too.
      if (checkpoint?.dir !== undefined) process.exit(1);
      void job.cancel();
    });
  }
  return signals;
}

const RUNNING = ["created", "deploying", "running", "committing", "restarting"];

/** A job that nobody can ask runs all the same. */
async function openControl(
  job: Job,
  { checkpoint }: RunOptions,
  { since, failures }: Assignment,
  notices: Notices,
): Promise<ControlServer | undefined> {
  const checkpointDir = checkpoint?.dir === undefined ? undefined : absolutePlace(checkpoint.dir);
  const supervised = process.channel !== undefined;
  const handler = jobControl(job, { since, failures, supervised, checkpointDir });
  try {
    return await ControlServer.open(job.name, handler);
  } catch (error) {
    notices.unreachable(error);
    return undefined;
  }
}

function printSummary(job: Job, { failures }: Assignment): void {
  const { records } = job.progress();
  const summary = {
    schemaVersion: 1,
    job: job.name,
    run: job.id,
    state: job.state,
    records,
    restarts: failures + job.restarts,
    parallelism: job.parallelism,
    checkpoints: job.checkpoints(),
    accumulators: job.accumulators(),
    subtasks: job.metrics(),
  };
  process.stdout.write(`${JSON.stringify(summary, asJson)}\n`);
}

/** JSON has neither bigints nor Maps: texts, and objects. */
function asJson(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Map ? Object.fromEntries(value) : value;
}

/** Text rows as they are, everything else as JSON, one a line. */
async function printRows(job: Job): Promise<void> {
  const printAll = async (name: string) => {
    for await (const row of job.results<unknown>(name)) {
      const line = typeof row === "string" ? `${row}\n` : `${JSON.stringify(row)}\n`;
      if (!process.stdout.write(line)) await new Promise((drained) => process.stdout.once("drain", drained));
    }
  };
  await Promise.all(job.sinks.map(printAll));
}
