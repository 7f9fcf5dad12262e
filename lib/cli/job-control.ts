/** What a running job does when the launcher's other commands ask. */
import { MillraceError } from "../base/error.js";
import type { Job } from "../engine.js";
import { placeIn } from "../storage/location.js";
import type {
  ControlRequest,
  JobDescription,
  LastCheckpoint,
  RescaleAnswer,
  SavepointAnswer,
} from "./control-protocol.js";
import type { ControlHandler } from "./control-server.js";

export interface JobControlOptions {
  /** When the run began, wall ms. */
  readonly since: number;
  /** Processes that ended before this one. */
  readonly failures: number;
  readonly supervised: boolean;
  /** Folder of the job's checkpoints. */
  readonly checkpointDir: string | undefined;
}

/** Savepoints of whom nobody says where: below the folder of the checkpoints. */
const SAVEPOINTS = "savepoints";

export function jobControl(job: Job, options: JobControlOptions): ControlHandler {
  const directoryOf = (given: string | undefined): string => {
    if (given !== undefined) return given;
    if (options.checkpointDir !== undefined) return placeIn(options.checkpointDir, SAVEPOINTS);
    // A job without checkpoints says so itself.
    if (job.checkpoints() === undefined) return SAVEPOINTS;
    throw new MillraceError("OPTION_INVALID", "the job has no folder for savepoints", {
      hint: "Say where: --dir <dir>.",
    });
  };
  return async (request: ControlRequest): Promise<unknown> => {
    switch (request.command) {
      case "describe":
        return describe(job, options);
      case "savepoint":
        return { path: await job.savepoint(directoryOf(request.directory)) } satisfies SavepointAnswer;
      case "stop": {
        const directory = directoryOf(request.directory);
        return { path: await job.stop({ directory, drain: request.drain }) } satisfies SavepointAnswer;
      }
      case "rescale":
        return (await job.rescale(request.parallelism)) satisfies RescaleAnswer;
      case "cancel":
        await job.cancel();
        return { state: job.state };
      default: {
        const { command } = request as { command: unknown };
        throw new MillraceError("CONTROL_FAILED", `the job does not know "${command}"`);
      }
    }
  };
}

function describe(
  job: Job,
  { since, failures, supervised, checkpointDir }: JobControlOptions,
): JobDescription {
  return {
    job: job.name,
    run: job.id,
    pid: process.pid,
    supervisor: supervised ? process.ppid : undefined,
    state: job.state,
    since,
    restarts: failures + job.restarts,
    parallelism: job.parallelism,
    lastCheckpoint: lastCheckpointOf(job, checkpointDir),
  };
}

/** Where the run would go on: an earlier process of it may have taken that checkpoint. */
function lastCheckpointOf(job: Job, checkpointDir: string | undefined): LastCheckpoint | undefined {
  const { completed, restored } = job.checkpoints()?.latest ?? {};
  const pathOf = (path: string | undefined) =>
    checkpointDir !== undefined && path?.startsWith(`${job.id}/`) ? placeIn(checkpointDir, path) : undefined;
  if (completed !== undefined) {
    const { id, triggerTimestamp, externalPath } = completed;
    return { id, timestamp: triggerTimestamp, path: pathOf(externalPath) };
  }
  if (restored === undefined) return undefined;
  return { id: restored.id, timestamp: restored.restoreTimestamp, path: pathOf(restored.externalPath) };
}
