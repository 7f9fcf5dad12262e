/**
 * The limits that control groups set, in version 2 and, for cores, in version 1. A file that is not there sets none;
 * one that says what nobody understands is named, and counts as none.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface ControlGroupLimits {
  readonly cores: number;
  readonly memoryBytes: number;
  /** Files about cores that could not be read or understood: there may be fewer than it seems. */
  readonly unreadable: readonly string[];
}

const CGROUPS = "/sys/fs/cgroup";

/** The controllers whose folders of version 1 say something about cores. */
const V1_CONTROLLERS = ["cpu", "cpuset"];

/** Of this process's groups and those around them, or of the one in `folder`: the lowest of each. */
export function controlGroupLimits(folder?: string): ControlGroupLimits {
  const unreadable: string[] = [];
  const folders = folder === undefined ? foldersOf(textOf("/proc/self/cgroup") ?? "") : [folder];
  const read = (name: string, parse: (text: string) => number | undefined) =>
    folders.map((each) => {
      const path = join(each, name);
      const text = textOf(path);
      if (text === undefined) return Number.POSITIVE_INFINITY;
      const limit = parse(text);
      if (limit === undefined) unreadable.push(path);
      return limit ?? Number.POSITIVE_INFINITY;
    });
  const periods = read("cpu.cfs_period_us", microseconds);
  const quotas = read("cpu.cfs_quota_us", microseconds);
  return {
    cores: Math.min(
      ...read("cpu.max", coresOf),
      ...read("cpuset.cpus.effective", processorsOf),
      ...read("cpuset.effective_cpus", processorsOf),
      ...quotas.map((quota, index) => quotaCores(quota, periods[index]!)),
    ),
    memoryBytes: Math.min(...read("memory.max", (text) => bytesOf(text) ?? Number.POSITIVE_INFINITY)),
    unreadable,
  };
}

/** Cores by the text of `cpu.max`: quota and period, in microseconds. Undefined: nobody understands it. */
export function coresOf(cpuMax: string): number | undefined {
  const [quota, period, ...rest] = cpuMax.trim().split(/\s+/);
  const us = Number(period);
  if (rest.length > 0 || !(us > 0)) return undefined;
  if (quota === "max") return Number.POSITIVE_INFINITY;
  return Number(quota) > 0 ? Number(quota) / us : undefined;
}

/** Processors in a list such as `0-3,6`; an empty one sets no limit. Undefined: nobody understands it. */
export function processorsOf(list: string): number | undefined {
  const ranges = list.trim();
  if (ranges === "") return Number.POSITIVE_INFINITY;
  let count = 0;
  for (const range of ranges.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (match === null || last < first) return undefined;
    count += last - first + 1;
  }
  return count;
}

/** Bytes by the text of `memory.max`. Undefined: nobody understands it. */
export function bytesOf(memoryMax: string): number | undefined {
  const text = memoryMax.trim();
  if (text === "max") return Number.POSITIVE_INFINITY;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Version 1 writes a quota of -1 where there is none. */
function microseconds(text: string): number | undefined {
  return /^-?\d+$/.test(text.trim()) ? Number(text) : undefined;
}

function quotaCores(quota: number, period: number): number {
  return quota > 0 && period > 0 && Number.isFinite(period) ? quota / period : Number.POSITIVE_INFINITY;
}

/** By the text of /proc/self/cgroup: lines of a number, the controllers of version 1, and the group's path. */
function foldersOf(groups: string): string[] {
  return groups.split("\n").flatMap((line) => {
    const [, controllers, own] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || own === undefined) return [];
    const names = controllers.split(",");
    if (controllers !== "" && !names.some((name) => V1_CONTROLLERS.includes(name))) return [];
    const folders = [];
    for (let path = own; ; path = dirname(path)) {
      folders.push(join(CGROUPS, controllers, path));
      if (path === "/") return folders;
    }
  });
}

/** Undefined where there is no such file; what cannot be read is empty. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? undefined : "unreadable";
  }
}
