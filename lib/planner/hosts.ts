/**
 * Which slots a job has, what each takes of the machine, and which slots share a host. Pure; FLIP-56's cutting of
 * slots with the machine in place of a task manager and a host, one core of loop time, in place of a worker:
 *
 * - A slot sharing group has as many slots as its widest vertex; slot s of the group runs subtask s of every vertex
 *   of the group.
 * - A slot with a profile takes exactly that of the machine. It goes to the first host that has as much of its core
 *   left, else to a new one; an exclusive group shares hosts with itself only. A slot of a core or more has a host
 *   of its own.
 * - A slot without a profile, a default slot, has a host of its own. Where profiles are in the job, default slots
 *   share the memory that these leave, each at most an equal part of the machine.
 */
import { MillraceError } from "../base/error.js";
import type { JobGraph } from "../graph/job-graph.js";
import { describe, merge, type ResourceProfile, shortOf, subtract, ZERO } from "../graph/resource-profile.js";
import type { HostPlan } from "../protocol/slot-host.js";

/** What there is to take slots from. */
export interface Machine {
  readonly cpu: number;
  /** For heaps, Buffers and managed memory together, MiB. */
  readonly memoryMb: number;
  readonly external: Readonly<Record<string, number>>;
}

/** A machine nobody asks about. */
export const BOUNDLESS: Machine = {
  cpu: Number.POSITIVE_INFINITY,
  memoryMb: Number.POSITIVE_INFINITY,
  external: {},
};

export interface SlotPlan {
  readonly group: string;
  /** Absent: a default slot. */
  readonly profile?: ResourceProfile;
}

export interface HostsPlan {
  readonly slots: readonly SlotPlan[];
  readonly hosts: readonly HostPlan[];
}

/** Less does not hold a program's code. */
export const HEAP_MB_MIN = 16;

/** Throws RESOURCES_UNFULFILLABLE. */
export function planHosts(graph: JobGraph, machine: Machine): HostsPlan {
  const slots = slotsOf(graph);
  const wanted = slots.flatMap(({ profile }) => (profile === undefined ? [] : [profile]));
  const left = leftBy(graph, slots, wanted, machine);
  const hosts: { slots: number[]; profile?: ResourceProfile; exclusive?: string }[] = [];
  for (const [slot, { group, profile }] of slots.entries()) {
    if (profile === undefined) {
      hosts.push({ slots: [slot] });
      continue;
    }
    const exclusive = graph.groups?.[group]?.exclusive === true ? group : undefined;
    const shared = hosts.find(
      (host) => host.profile !== undefined && host.exclusive === exclusive && hasRoom(host.profile, profile),
    );
    if (shared === undefined) {
      hosts.push({ slots: [slot], profile, ...(exclusive === undefined ? {} : { exclusive }) });
    } else {
      shared.slots.push(slot);
      shared.profile = merge(shared.profile!, profile);
    }
  }
  const defaults = slots.length - wanted.length;
  if (defaults === 0 || wanted.length === 0 || !Number.isFinite(machine.memoryMb)) return { slots, hosts };
  const memoryMaxMb = defaultSlotMemoryMb(graph, machine, left, defaults);
  return {
    slots,
    hosts: hosts.map((host) => (host.profile === undefined ? { ...host, memoryMaxMb } : host)),
  };
}

/** By slot: the part of a host's loop time it has, 1 for all of it. */
export function shareOf(slot: number, { slots, hosts }: HostsPlan): number {
  const host = hosts.find((each) => each.slots.includes(slot))!;
  const { profile } = slots[slot]!;
  return profile === undefined || host.profile === undefined ? 1 : profile.cpu / host.profile.cpu;
}

export function memoryMbOf({ heapMb, offHeapMb, managedMb }: ResourceProfile): number {
  return heapMb + offHeapMb + managedMb;
}

function slotsOf(graph: JobGraph): SlotPlan[] {
  const names = [...new Set(graph.vertices.map(({ slotSharingGroup }) => slotSharingGroup))];
  return names.flatMap((group) => {
    const members = graph.vertices.filter(({ slotSharingGroup }) => slotSharingGroup === group);
    const length = Math.max(...members.map(({ parallelism }) => parallelism));
    const profile = graph.groups?.[group]?.profile;
    return Array.from({ length }, () => ({ group, ...(profile === undefined ? {} : { profile }) }));
  });
}

/** A core is what one loop has. */
function hasRoom(taken: ResourceProfile, wanted: ResourceProfile): boolean {
  return shortOf({ ...ZERO, cpu: 1 }, { ...ZERO, cpu: taken.cpu + wanted.cpu }).length === 0;
}

/** The machine's memory is one: kinds of it are told apart by the limits of hosts, not by what there is. */
function pooled(profile: ResourceProfile): ResourceProfile {
  return { ...ZERO, cpu: profile.cpu, heapMb: memoryMbOf(profile), external: profile.external };
}

/** What slots with profiles leave of the machine. */
function leftBy(
  graph: JobGraph,
  slots: readonly SlotPlan[],
  wanted: readonly ResourceProfile[],
  machine: Machine,
): ResourceProfile {
  const { cpu, memoryMb, external } = machine;
  const total: ResourceProfile = { ...ZERO, cpu, heapMb: memoryMb, external };
  if (wanted.length === 0 || !Number.isFinite(cpu)) return total;
  const sum = wanted.map(pooled).reduce((a, b) => merge(a, b), ZERO);
  const short = shortOf(total, sum);
  if (short.length === 0) return subtract(total, sum);
  const groups = Object.entries(graph.groups ?? {}).flatMap(([name, { profile }]) => {
    const count = slots.filter(({ group }) => group === name).length;
    return profile === undefined || count === 0 ? [] : [`${count} x "${name}" (${describe(profile)})`];
  });
  throw unfulfillable(graph, `${groups.join(" and ")} take ${amounts(sum)}`, machine);
}

function defaultSlotMemoryMb(
  graph: JobGraph,
  machine: Machine,
  left: ResourceProfile,
  defaults: number,
): number {
  const widest = Math.max(...graph.vertices.map(({ parallelism }) => parallelism));
  const memoryMb = Math.min(machine.memoryMb / widest, left.heapMb / defaults);
  if (memoryMb >= HEAP_MB_MIN) return memoryMb;
  const rest = `${Math.floor(left.heapMb)} MiB left for ${defaults} slots without profile`;
  throw unfulfillable(graph, `there are ${rest}, which need ${HEAP_MB_MIN} each`, machine);
}

function unfulfillable({ job }: JobGraph, what: string, { cpu, memoryMb, external }: Machine): MillraceError {
  const there = amounts({ ...ZERO, cpu, heapMb: memoryMb, external });
  return new MillraceError("RESOURCES_UNFULFILLABLE", `${what}; the machine has ${there}`, { job });
}

function amounts({ cpu, heapMb, external }: ResourceProfile): string {
  const others = Object.entries(external).map(([name, value]) => `, ${value} ${name}`);
  return `${cpu} cpu, ${Math.floor(heapMb)} MiB memory${others.join("")}`;
}
