/** Asks running jobs of this machine. */
import { connect } from "node:net";
import { systemClock } from "../base/clock.js";
import { fromData, MillraceError } from "../base/error.js";
import { systemScheduler } from "../base/scheduler.js";
import { allAddresses, type ControlAddress, removeRefused } from "./control-address.js";
import {
  type ControlAnswer,
  type ControlRequest,
  type JobDescription,
  LineReader,
} from "./control-protocol.js";

/** A job that is alive says so much faster; one whose main thread is held up, never. */
const DESCRIBE_MS = 2_000;

/** A running job and where it listens; `description` is missing when it did not answer in time. */
export interface FoundJob {
  readonly address: ControlAddress;
  readonly description: JobDescription | undefined;
}

/** All running jobs of this user. Sockets of dead processes are removed on the way. */
export async function findJobs(): Promise<FoundJob[]> {
  const found = await Promise.all(
    allAddresses().map(async (address): Promise<FoundJob[]> => {
      try {
        const answer = await ask(address, { command: "describe" }, DESCRIBE_MS);
        return [{ address, description: answer as JobDescription | undefined }];
      } catch {
        return []; // it ended while it was asked
      }
    }),
  );
  return found.flat();
}

/** The one running job of a name or process id. Throws JOB_UNKNOWN, JOB_AMBIGUOUS. */
export async function findJob(wanted: string): Promise<FoundJob> {
  const jobs = await findJobs();
  const pid = Number(wanted);
  const byPid = jobs.filter(
    ({ address, description }) => address.pid === pid || description?.supervisor === pid,
  );
  const named = jobs.filter(({ address, description }) => (description?.job ?? address.job) === wanted);
  const candidates = byPid.length > 0 ? byPid : named;
  if (candidates.length === 1) return candidates[0]!;
  const list = (each: readonly FoundJob[]) =>
    each.map(({ address, description }) => `${description?.job ?? address.job} (${address.pid})`).join(", ");
  if (candidates.length > 1) {
    const what = `${candidates.length} jobs are called "${wanted}": ${list(candidates)}`;
    throw new MillraceError("JOB_AMBIGUOUS", what);
  }
  const others = jobs.length === 0 ? "no job is running" : `running are ${list(jobs)}`;
  throw new MillraceError("JOB_UNKNOWN", `no running job "${wanted}"; ${others}`);
}

/**
 * One request and its answer; `patienceMs`: undefined is answered when it takes longer. Throws what the job
 * answers, and CONTROL_FAILED when it does not.
 */
export function ask(address: ControlAddress, request: ControlRequest, patienceMs?: number): Promise<unknown> {
  const lines = new LineReader();
  const socket = connect(address.path);
  let cancelTimer: () => void = () => undefined;
  return new Promise<unknown>((resolve, reject) => {
    if (patienceMs !== undefined) {
      cancelTimer = systemScheduler.after(patienceMs, () => resolve(undefined));
    }
    const fail = (what: string) =>
      reject(new MillraceError("CONTROL_FAILED", `job ${address.job} (${address.pid}): ${what}`));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") removeRefused(address, systemClock.now());
      fail(error.message);
    });
    socket.on("close", () => fail("its process ended before it answered"));
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.setEncoding("utf8").on("data", (text: string) => {
      try {
        const [line] = lines.push(text);
        if (line === undefined) return;
        const answer = JSON.parse(line) as ControlAnswer;
        if ("error" in answer) reject(fromData(answer.error));
        else resolve(answer.result);
      } catch (error) {
        fail(String(error));
      }
    });
  }).finally(() => {
    cancelTimer();
    socket.destroy();
  });
}
