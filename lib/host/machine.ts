/** What this process may use of its machine: the least of what the machine has and what its control group allows. */
import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { MillraceError } from "../base/error.js";
import { checkAmount } from "../graph/resource-profile.js";
import type { Machine } from "../planner/hosts.js";

const MIB = 1024 * 1024;
const CGROUPS = "/sys/fs/cgroup";

/** What a run may take slots from, where it is not what the machine has. */
export interface ResourceOptions {
  /** Cores; default: what the machine and its control group (`cpu.max`) allow. */
  readonly cpu?: number;
  /** Memory of all slots together, MiB; default: the machine's, or its control group's limit (`memory.max`). */
  readonly memoryMb?: number;
  /** Whatever else there is a number of: `{ gpu: 1 }`. Default: nothing. */
  readonly external?: Readonly<Record<string, number>>;
}

/** Throws OPTION_INVALID. */
export function machineOf(options: ResourceOptions = {}): Machine {
  const { external = {} } = options;
  try {
    for (const [name, value] of Object.entries({ cpu: options.cpu, memoryMb: options.memoryMb })) {
      if (value !== undefined) checkAmount(`resources.${name}`, value);
    }
    for (const [name, value] of Object.entries(external)) checkAmount(`resources.external.${name}`, value);
  } catch (cause) {
    throw new MillraceError("OPTION_INVALID", (cause as Error).message, { cause });
  }
  const limits = controlGroups();
  return {
    cpu: options.cpu ?? Math.min(availableParallelism(), ...limits.map(({ cpuMax }) => coresOf(cpuMax))),
    memoryMb:
      options.memoryMb ??
      Math.floor(Math.min(totalmem(), ...limits.map(({ memoryMax }) => bytesOf(memoryMax))) / MIB),
    external,
  };
}

/** Parallelism `auto`: a slot for each whole core, and one at least. */
export function autoParallelism({ cpu }: Pick<Machine, "cpu">): number {
  return Math.max(1, Math.floor(cpu));
}

/** Cores by the text of `cpu.max`: quota and period, in microseconds. */
export function coresOf(cpuMax: string): number {
  const [quota, period] = cpuMax.trim().split(/\s+/).map(Number);
  return quota! > 0 && period! > 0 ? quota! / period! : Number.POSITIVE_INFINITY;
}

/** Bytes by the text of `memory.max`. */
export function bytesOf(memoryMax: string): number {
  const bytes = Number(memoryMax.trim() || "max");
  return Number.isFinite(bytes) ? bytes : Number.POSITIVE_INFINITY;
}

/** The limits of this process's control group and of those around it: each of them counts. */
function controlGroups(): { cpuMax: string; memoryMax: string }[] {
  const own = /^0::(\/.*)$/m.exec(textOf("/proc/self/cgroup"))?.[1];
  if (own === undefined) return [];
  const found = [];
  for (let path = own; ; path = dirname(path)) {
    const folder = join(CGROUPS, path);
    found.push({
      cpuMax: textOf(join(folder, "cpu.max")),
      memoryMax: textOf(join(folder, "memory.max")),
    });
    if (path === "/") return found;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
