/**
 * Entries of keyed parts, the same for every backend, so that a savepoint of one is restored into another:
 *
 *   value, reducing, aggregating   { key, value }
 *   map                            { key, at: map key, value }
 *   list                           { key, at: number of the chunk, value: elements }, with time to live also
 *                                  `stamps`, one an element
 *   what is gone (deltas only)     { gone: key } or { gone: key, at }
 *
 * An entry's stamp is the wall time in ms at which it expires, 0 for never; of a chunk the latest of its own.
 */
import { ownString } from "../codec/own-string.js";
import type { Expiry } from "./expiry.js";
import type { CanonicalKey } from "./key.js";

export interface ValueEntry {
  readonly key: unknown;
  readonly value: unknown;
}
export interface PlacedEntry extends ValueEntry {
  readonly at: unknown;
  readonly stamps?: readonly number[];
}
export interface GoneEntry {
  readonly gone: unknown;
  readonly at?: unknown;
}

/** Stands for the content of what has none: there is none, or it was removed and a delta has still to say so. */
export const GONE: unique symbol = Symbol("gone");

/** Elements of a list that are stored together; `stamps` one an element, where there is a time to live. */
export interface Chunk {
  readonly values: unknown[];
  readonly stamps: number[] | undefined;
}

/** What is left of chunks now. */
export function unexpired(chunks: readonly Chunk[], expiry: Expiry): { values: unknown[]; stamps: number[] } {
  const left = { values: [] as unknown[], stamps: [] as number[] };
  for (const { values, stamps } of chunks) {
    for (let i = 0; i < values.length; i++) {
      if (expiry.expired(stamps![i]!)) continue;
      left.values.push(values[i]);
      left.stamps.push(stamps![i]!);
    }
  }
  return left;
}

export function latest(stamps: readonly number[] | undefined): number {
  return stamps === undefined ? 0 : stamps.reduce((left, right) => Math.max(left, right), 0);
}

export function isGone(entry: object): entry is GoneEntry {
  return "gone" in entry;
}

/** The canonical form of a key for a table to keep; see ownKey. */
export function ownCanonical<K extends CanonicalKey>(canonical: K): K {
  return typeof canonical === "string" ? (ownString(canonical) as K) : canonical;
}

/** A key to keep: equal to the given one, holding no batch's text alive. */
export function ownKey(key: unknown): unknown {
  if (typeof key === "string") return ownString(key);
  if (key === 0) return 0;
  if (typeof key !== "object" || key === null) return key;
  if (Array.isArray(key)) return key.map(ownKey);
  if (key instanceof Date) return new Date(key);
  return Object.fromEntries(Object.entries(key).map(([name, each]) => [name, ownKey(each)]));
}
