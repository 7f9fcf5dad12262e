/**
 * Keys: what makes two keys equal, and which key group and subtask a key belongs to.
 *
 * A key's canonical form can be compared by `Map`: primitives are themselves (1 and "1" differ, -0 is 0,
 * NaN equals NaN), everything else is a text that begins with a character no ordinary string begins with.
 * The hash is frozen by test vectors: savepoints depend on it.
 */
import { MillraceError } from "../base/error.js";
import { fmix32, hashString } from "../base/hash.js";
import { refusePromise } from "../base/promise-check.js";
import type { KeyGroupRange } from "./contract.js";

export type CanonicalKey = string | number | boolean | bigint | null | undefined;

const MARK = "\u0000";

/** The canonical form of a key. Throws KEY_INVALID for what has no defined equality. */
export function canonicalKey(key: unknown): CanonicalKey {
  switch (typeof key) {
    case "string":
    case "number":
    case "boolean":
    case "bigint":
    case "undefined":
      return key;
    case "object":
      return key === null ? null : MARK + canonicalText(key);
    default:
      throw new MillraceError("KEY_INVALID", `a ${typeof key} cannot be a key`);
  }
}

function canonicalText(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return `n${value === 0 ? 0 : value}`;
    case "boolean":
      return value ? "t" : "f";
    case "bigint":
      return `i${value}`;
    case "undefined":
      return "u";
    case "object": {
      if (value === null) return "z";
      if (value instanceof Date) return `d${value.getTime()}`;
      if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
      const prototype = Object.getPrototypeOf(value) as unknown;
      if (prototype !== Object.prototype && prototype !== null) break;
      const fields = value as Record<string, unknown>;
      const names = Object.keys(fields).sort();
      return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalText(fields[name])}`).join(",")}}`;
    }
    default:
  }
  refusePromise(value, "the function of the key");
  throw new MillraceError("KEY_INVALID", `a key cannot hold a ${describe(value)}`);
}

function describe(value: unknown): string {
  return typeof value === "object" ? `instance of ${value?.constructor?.name ?? "a class"}` : typeof value;
}

/** A 32-bit hash of a canonical key. */
export function hashKey(key: CanonicalKey): number {
  if (typeof key === "number") {
    const int = key | 0;
    return int === key ? fmix32(int) : hashDouble(key);
  }
  if (typeof key === "string") return hashString(key);
  return hashString(MARK + canonicalText(key));
}

const NAN_HASH = 0x7ff80000;
const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);

/** Not for -0, which is 0 as a key; every NaN hashes as one. */
export function hashDouble(value: number): number {
  if (Number.isNaN(value)) return NAN_HASH;
  double[0] = value;
  return fmix32(halves[0]! ^ fmix32(halves[1]! + 1));
}

/** The key group of a canonical key, in [0, maxParallelism). */
export function keyGroupOf(key: CanonicalKey, maxParallelism: number): number {
  const hash = hashKey(key) >>> 0;
  // A power of two as a rule; a division takes as long as the hash.
  const mask = maxParallelism - 1;
  return (maxParallelism & mask) === 0 ? hash & mask : hash % maxParallelism;
}

/** The subtask that owns a key group (Flink's rule: contiguous ranges). */
export function ownerOf(keyGroup: number, maxParallelism: number, parallelism: number): number {
  return Math.floor((keyGroup * parallelism) / maxParallelism);
}

/** The key groups that a subtask owns: exactly those that `ownerOf` gives it. */
export function rangeOf(subtask: number, maxParallelism: number, parallelism: number): KeyGroupRange {
  return {
    first: Math.ceil((subtask * maxParallelism) / parallelism),
    last: Math.floor(((subtask + 1) * maxParallelism - 1) / parallelism),
  };
}

/** Flink's default: 1.5 times the parallelism rounded up to a power of two, from 128 to 32768. */
export function defaultMaxParallelism(parallelism: number): number {
  const wanted = parallelism + Math.floor(parallelism / 2);
  return Math.min(Math.max(2 ** Math.ceil(Math.log2(Math.max(wanted, 1))), 128), 32_768);
}
