/** `millrace list`, `savepoint`, `stop`, `rescale` and `cancel`: running jobs of this machine. */
import { systemClock } from "../base/clock.js";
import { absolutePlace } from "../storage/location.js";
import { ask, type FoundJob, findJob, findJobs } from "./control-client.js";
import type { ControlRequest, RescaleAnswer, SavepointAnswer } from "./control-protocol.js";
import { style } from "./style.js";

export interface JobFlags {
  readonly json?: boolean;
  readonly dir?: string;
  readonly drain?: boolean;
}

export async function listJobs({ json = false }: JobFlags): Promise<void> {
  const jobs = await findJobs();
  if (json) {
    const described = jobs.map(
      ({ address: { job, pid }, description }) => description ?? { job, pid, state: NO_ANSWER },
    );
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, jobs: described })}\n`);
    return;
  }
  if (jobs.length === 0) {
    process.stderr.write("no job is running\n");
    return;
  }
  const now = systemClock.now();
  const rows = [
    ["JOB", "PID", "STATE", "RUNNING SINCE", "RESTARTS", "LAST CHECKPOINT"],
    ...jobs.map((job) => rowOf(job, now)),
  ];
  process.stdout.write(`${table(rows).join("\n")}\n`);
}

export async function savepointJob(wanted: string, flags: JobFlags): Promise<void> {
  await savepointBy(wanted, flags, { command: "savepoint", ...directoryOf(flags) });
}

export async function stopJob(wanted: string, flags: JobFlags): Promise<void> {
  await savepointBy(wanted, flags, {
    command: "stop",
    drain: flags.drain === true,
    ...directoryOf(flags),
  });
}

export async function cancelJob(wanted: string, { json = false }: JobFlags): Promise<void> {
  const { address } = await findJob(wanted);
  const { state } = (await ask(address, { command: "cancel" })) as { state: string };
  if (json) process.stdout.write(`${JSON.stringify({ schemaVersion: 1, state })}\n`);
  else process.stderr.write(`${style.dim(`${address.job} (${address.pid}): ${state}`)}\n`);
}

/** Waits until the tasks run again; prints how long they did not. */
export async function rescaleJob(
  wanted: string,
  parallelism: number | "auto",
  { json = false }: JobFlags,
): Promise<void> {
  const { address } = await findJob(wanted);
  const answer = (await ask(address, { command: "rescale", parallelism })) as RescaleAnswer;
  const pauseMs = Math.round(answer.pauseMs);
  if (json) process.stdout.write(`${JSON.stringify({ schemaVersion: 1, ...answer, pauseMs })}\n`);
  else {
    const what = `parallelism ${answer.parallelism}, after a pause of ${pauseMs} ms`;
    process.stderr.write(`${style.dim(`${address.job} (${address.pid}): ${what}`)}\n`);
  }
}

/** Prints the savepoint's folder, for scripts: what `--from` takes. */
async function savepointBy(
  wanted: string,
  { json = false }: JobFlags,
  request: ControlRequest,
): Promise<void> {
  const { address } = await findJob(wanted);
  const { path } = (await ask(address, request)) as SavepointAnswer;
  process.stdout.write(json ? `${JSON.stringify({ schemaVersion: 1, path })}\n` : `${path}\n`);
}

function directoryOf({ dir }: JobFlags): { directory?: string } {
  return dir === undefined ? {} : { directory: absolutePlace(dir) };
}

const NO_ANSWER = "no answer";

function rowOf({ address, description }: FoundJob, now: number): string[] {
  if (description === undefined) return [address.job, String(address.pid), NO_ANSWER, "", "", ""];
  const { job, pid, state, since, restarts, lastCheckpoint } = description;
  const last =
    lastCheckpoint === undefined
      ? "none"
      : `${lastCheckpoint.id}, ${((now - lastCheckpoint.timestamp) / 1000).toFixed(0)} s ago`;
  const begun = `${new Date(since).toISOString().slice(0, 19)}Z`;
  return [job, String(pid), state, begun, String(restarts), last];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}
