/** What this process may use of its machine: the least of what the machine has and what its control groups allow. */
import { availableParallelism, totalmem } from "node:os";
import { MillraceError } from "../base/error.js";
import { checkAmount } from "../graph/resource-profile.js";
import type { Machine } from "../planner/hosts.js";
import { controlGroupLimits } from "./control-groups.js";

const MIB = 1024 * 1024;

/** What a run may take slots from, where it is not what the machine has. */
export interface ResourceOptions {
  /** Cores; default: what the machine and its control groups (`cpu.max`, `cpuset.cpus`) allow. */
  readonly cpu?: number;
  /** Memory of all slots together, MiB; default: the machine's, or its control group's limit (`memory.max`). */
  readonly memoryMb?: number;
  /** Whatever else there is a number of: `{ gpu: 1 }`. Default: nothing. */
  readonly external?: Readonly<Record<string, number>>;
  /** Folder of a control group whose limits count, instead of those that this process runs under. */
  readonly controlGroup?: string;
}

/** The machine as it is now. */
export interface MachineReading {
  readonly machine: Machine;
  /** Files of control groups that could not be understood: there may be less than `machine` says. */
  readonly unreadable: readonly string[];
}

/** Throws OPTION_INVALID. */
export function machineOf(options: ResourceOptions = {}): Machine {
  return readMachine(options).machine;
}

/** Throws OPTION_INVALID. */
export function readMachine(options: ResourceOptions = {}): MachineReading {
  checkResources(options);
  const { external = {}, controlGroup } = options;
  const { cores, memoryBytes, unreadable } = controlGroupLimits(controlGroup);
  // A given group is looked at for what will run in it: this process's own bounds say nothing about that.
  const bound = controlGroup !== undefined && Number.isFinite(cores) ? cores : availableParallelism();
  const cpu = options.cpu ?? Math.min(bound, cores);
  const memoryMb = options.memoryMb ?? Math.floor(Math.min(totalmem(), memoryBytes) / MIB);
  return {
    machine: { cpu, memoryMb, external },
    unreadable: options.cpu === undefined ? unreadable : [],
  };
}

/** Parallelism `auto`: a slot for each whole core, and one at least. */
export function autoParallelism({ cpu }: Pick<Machine, "cpu">): number {
  return Math.max(1, Math.floor(cpu));
}

function checkResources({ cpu, memoryMb, external = {}, controlGroup }: ResourceOptions): void {
  try {
    for (const [name, value] of Object.entries({ cpu, memoryMb })) {
      if (value !== undefined) checkAmount(`resources.${name}`, value);
    }
    for (const [name, value] of Object.entries(external)) checkAmount(`resources.external.${name}`, value);
  } catch (cause) {
    throw new MillraceError("OPTION_INVALID", (cause as Error).message, { cause });
  }
  if (controlGroup !== undefined && (typeof controlGroup !== "string" || controlGroup === "")) {
    throw new MillraceError("OPTION_INVALID", "resources.controlGroup is not a folder");
  }
}
