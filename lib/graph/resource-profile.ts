/**
 * Resource profiles (FLIP-56/169): what one slot takes of its machine. Plain values; every operation is pure.
 *
 * A core is a share of a host's loop time: 0.25 is a quarter of one thread. Sizes are MiB.
 */
import { MillraceError } from "../base/error.js";

/** What a slot takes. Nothing is negative. */
export interface ResourceProfile {
  /** Cores. */
  readonly cpu: number;
  /** JavaScript heap, both generations, MiB. */
  readonly heapMb: number;
  /** Buffers and typed arrays of the user's functions, MiB. */
  readonly offHeapMb: number;
  /** What state backends may keep live, in the heap beside `heapMb`, MiB. 0: nothing is set aside; they take theirs. */
  readonly managedMb: number;
  /** Files of state backends, MiB. 0: without a limit. */
  readonly diskMb: number;
  /** Whatever else the machine has a number of, by name: `{ gpu: 1 }`. */
  readonly external: Readonly<Record<string, number>>;
}

/** Nothing was said: the slot is a default slot. */
export const UNKNOWN: "unknown" = "unknown";

export const ZERO: ResourceProfile = {
  cpu: 0,
  heapMb: 0,
  offHeapMb: 0,
  managedMb: 0,
  diskMb: 0,
  external: {},
};

/** A slot sharing group as the user says it: a name and, if anything, at least `cpu` and `heapMb`. */
export interface SlotSharingGroup extends Partial<ResourceProfile> {
  readonly name: string;
  /** Its slots share their threads with slots of no other group. */
  readonly exclusive?: boolean;
}

type Amount = Exclude<keyof ResourceProfile, "external">;
const AMOUNTS: readonly Amount[] = ["cpu", "heapMb", "offHeapMb", "managedMb", "diskMb"];
const KEYS: readonly string[] = ["name", "exclusive", "external", ...AMOUNTS];

/** Sums of shares such as 0.1 are off by rounding; a share that small is none. */
const PRECISION = 1e-9;

/** The profile of a group, checked. Throws RESOURCES_INVALID. */
export function profileOf(group: SlotSharingGroup): ResourceProfile | typeof UNKNOWN {
  const { name } = group;
  const refuse = (what: string): never => {
    throw new MillraceError("RESOURCES_INVALID", `slot sharing group "${name}": ${what}`);
  };
  if (typeof name !== "string" || name === "") refuse("it has no name");
  if (group.exclusive !== undefined && typeof group.exclusive !== "boolean") {
    refuse(`exclusive is ${JSON.stringify(group.exclusive)}; expected true or false`);
  }
  const unknown = Object.keys(group).filter((key) => !KEYS.includes(key));
  if (unknown.length > 0) refuse(`nobody knows ${unknown.join(", ")}`);
  if (AMOUNTS.every((each) => group[each] === undefined) && group.external === undefined) return UNKNOWN;
  const { cpu, heapMb, external = {} } = group;
  if (cpu === undefined || heapMb === undefined)
    refuse("cpu and heapMb are both needed where anything is said");
  for (const each of AMOUNTS) checkAmount(`slot sharing group "${name}": ${each}`, group[each] ?? 0);
  if (!(cpu! > 0 && heapMb! > 0)) refuse(`cpu is ${cpu}, heapMb ${heapMb}; both must be above 0`);
  for (const [what, value] of Object.entries(external)) {
    checkAmount(`slot sharing group "${name}": external.${what}`, value);
  }
  return withoutName({ ...ZERO, ...group, external: sorted(external) });
}

/** Throws RESOURCES_INVALID for anything but a finite number from 0. */
export function checkAmount(what: string, value: unknown): void {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return;
  throw new MillraceError("RESOURCES_INVALID", `${what} is ${String(value)}; expected a number from 0`);
}

/** Whether `available` has at least as much of everything. */
export function covers(available: ResourceProfile, wanted: ResourceProfile): boolean {
  return shortOf(available, wanted).length === 0;
}

/** The fields of which `available` has less than is wanted, as a user reads them. */
export function shortOf(available: ResourceProfile, wanted: ResourceProfile): string[] {
  const fields: string[] = AMOUNTS.filter((each) => wanted[each] > available[each] + PRECISION);
  for (const [name, value] of Object.entries(wanted.external)) {
    if (value > (available.external[name] ?? 0) + PRECISION) fields.push(name);
  }
  return fields;
}

/** What is left of `from`. Throws RESOURCES_UNFULFILLABLE when anything would become negative. */
export function subtract(from: ResourceProfile, taken: ResourceProfile): ResourceProfile {
  const short = shortOf(from, taken);
  if (short.length > 0) {
    throw new MillraceError(
      "RESOURCES_UNFULFILLABLE",
      `${describe(taken)} asked of ${describe(from)}: too little ${short.join(", ")}`,
    );
  }
  return combine(from, taken, (a, b) => Math.max(0, rounded(a - b)));
}

/** Both together; unknown when one of them is. */
export function merge(a: ResourceProfile, b: ResourceProfile): ResourceProfile;
export function merge(
  a: ResourceProfile | typeof UNKNOWN,
  b: ResourceProfile | typeof UNKNOWN,
): ResourceProfile | typeof UNKNOWN;
export function merge(
  a: ResourceProfile | typeof UNKNOWN,
  b: ResourceProfile | typeof UNKNOWN,
): ResourceProfile | typeof UNKNOWN {
  if (a === UNKNOWN || b === UNKNOWN) return UNKNOWN;
  return combine(a, b, (x, y) => rounded(x + y));
}

export function sameProfile(
  a: ResourceProfile | typeof UNKNOWN,
  b: ResourceProfile | typeof UNKNOWN,
): boolean {
  if (a === UNKNOWN || b === UNKNOWN) return a === b;
  return covers(a, b) && covers(b, a);
}

/** As in plans and errors: `0.5 cpu, 512 MiB heap, 1 gpu`. */
export function describe(profile: ResourceProfile): string {
  const parts = [`${rounded(profile.cpu)} cpu`, `${rounded(profile.heapMb)} MiB heap`];
  if (profile.offHeapMb > 0) parts.push(`${rounded(profile.offHeapMb)} MiB off heap`);
  if (profile.managedMb > 0) parts.push(`${rounded(profile.managedMb)} MiB managed`);
  if (profile.diskMb > 0 && Number.isFinite(profile.diskMb)) {
    parts.push(`${rounded(profile.diskMb)} MiB disk`);
  }
  for (const [name, value] of Object.entries(profile.external)) {
    if (value > 0) parts.push(`${rounded(value)} ${name}`);
  }
  return parts.join(", ");
}

function combine(
  a: ResourceProfile,
  b: ResourceProfile,
  of: (x: number, y: number) => number,
): ResourceProfile {
  const external: Record<string, number> = {};
  for (const name of Object.keys({ ...a.external, ...b.external })) {
    external[name] = of(a.external[name] ?? 0, b.external[name] ?? 0);
  }
  return {
    cpu: of(a.cpu, b.cpu),
    heapMb: of(a.heapMb, b.heapMb),
    offHeapMb: of(a.offHeapMb, b.offHeapMb),
    managedMb: of(a.managedMb, b.managedMb),
    diskMb: of(a.diskMb, b.diskMb),
    external: sorted(external),
  };
}

/** Equal values are equal JSON. */
function sorted(external: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(external).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withoutName({ cpu, heapMb, offHeapMb, managedMb, diskMb, external }: ResourceProfile) {
  return { cpu, heapMb, offHeapMb, managedMb, diskMb, external };
}

function rounded(value: number): number {
  return Number(value.toFixed(9));
}
