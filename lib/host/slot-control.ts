/**
 * The composition root of a slot's thread: imports the job module, rebuilds the program, checks that it is
 * the coordinator's, and runs the slot. The same in a worker and inline.
 */

import { isJobDefinition } from "../api/define-job.js";
import { buildProgram } from "../api/environment.js";
import { systemClock } from "../base/clock.js";
import { MillraceError, messageOf, toData } from "../base/error.js";
import { systemScheduler } from "../base/scheduler.js";
import { fingerprint } from "../planner/fingerprint.js";
import { plan } from "../planner/plan.js";
import type { Deployment, JobOptions, SlotControl, SlotEvents } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import { operatorFolder } from "../protocol/state-folder.js";
import { Slot } from "../runtime/slot.js";
import { backendByName } from "../state/open-backend.js";
import type { BlobStore, StoreLocation } from "../storage/contract.js";
import { openBlobStore } from "../storage/open.js";
import { refuseAsyncFunctions } from "./async-functions.js";
import { DiskWatch } from "./disk-watch.js";
import { importing } from "./self-start.js";

/** Imports a job module and plans its program. */
export async function loadPlan(moduleUrl: string, params: unknown, options: JobOptions): Promise<Plan> {
  const module = await importing(() => importModule(moduleUrl));
  const job = module.default;
  if (!isJobDefinition(job)) {
    throw new MillraceError("JOB_INVALID", "the module has no default export made by defineJob()");
  }
  const program = buildProgram(job, params);
  refuseAsyncFunctions(program);
  return plan(program, options);
}

async function importModule(moduleUrl: string): Promise<{ default?: unknown }> {
  try {
    return (await import(moduleUrl)) as { default?: unknown };
  } catch (error) {
    if (MillraceError.is(error)) throw error;
    throw new MillraceError("JOB_INVALID", `importing the job module failed: ${messageOf(error)}`, {
      cause: error,
      hint: "The module must load without doing anything; see the cause.",
    });
  }
}

export function slotControl(events: SlotEvents): SlotControl {
  let slot: Slot | undefined;
  let disk: DiskWatch | undefined;
  let ended = false;
  const end = async (aborted: boolean) => {
    ended = true;
    disk?.stop();
    await slot?.end(aborted);
  };
  return {
    async deploy(deployment) {
      const { moduleUrl, params, options } = deployment;
      const made = await loadPlan(moduleUrl, params, options);
      const mine = fingerprint(made, params);
      if (mine !== deployment.fingerprint) {
        throw new MillraceError(
          "JOB_NOT_DETERMINISTIC",
          `slot ${deployment.slot} built another graph from the job module (${mine}, not ${deployment.fingerprint})`,
          { job: made.jobGraph.job },
        );
      }
      const backend = await backendByName(options.stateBackend ?? "heap");
      // Nobody would end what is begun now.
      if (ended) throw new MillraceError("JOB_CANCELLED", `slot ${deployment.slot} was ended`);
      slot = new Slot(made, deployment, events, {
        backend,
        store: storeAt(deployment.checkpoints?.store),
        restoreStore: storeAt(deployment.restoreFrom),
        clock: systemClock,
        scheduler: systemScheduler,
      });
      disk = watchDisk(made, deployment, events);
      await slot.open();
    },
    async start() {
      slot?.start();
    },
    addSplits(vertex, subtask, splits) {
      slot?.addSplits(vertex, subtask, splits);
    },
    alignSource(vertex, limit) {
      slot?.alignSource(vertex, limit);
    },
    trigger(barrier, tasks) {
      slot?.trigger(barrier, tasks);
    },
    checkpointCompleted(checkpoint) {
      slot?.checkpointCompleted(checkpoint);
    },
    checkpointAborted(checkpoint) {
      slot?.checkpointAborted(checkpoint);
    },
    stop: () => end(true),
    close: () => end(false),
  };
}

/** Where the slot's profile limits what its state has on disk. */
function watchDisk({ jobGraph }: Plan, deployment: Deployment, events: SlotEvents): DiskWatch | undefined {
  const { slot, tasks, runId, attempt } = deployment;
  const group = jobGraph.vertices[tasks[0]?.vertex ?? -1]?.slotSharingGroup;
  const maxMb = jobGraph.groups?.[group ?? ""]?.profile?.diskMb ?? 0;
  if (maxMb === 0) return undefined;
  const folders = tasks.flatMap(({ vertex, subtask }) =>
    jobGraph.vertices[vertex]!.operators.map((_, i) => operatorFolder(runId, attempt, vertex, subtask, i)),
  );
  return new DiskWatch({ slot, folders, maxMb, onExhausted: (error) => events.failed(toData(error)) });
}

/** A store that this thread can reach: what is in memory is the main thread's, and travels in messages. */
function storeAt(location: StoreLocation | undefined): BlobStore | undefined {
  return location === undefined || location.kind === "memory" ? undefined : openBlobStore(location);
}
