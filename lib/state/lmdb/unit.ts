import { pack, unpackInPlace } from "../../codec/packed.js";
import { GONE } from "../entry.js";
import type { CanonicalKey } from "../key.js";

/** What a unit tells when it is written. */
export interface UnitOwner {
  /** Its key in the environment. */
  dbKeyOf(unit: Unit): Buffer;
  /** Before it is written or removed. */
  written(unit: Unit): void;
  /** Its bytes; refuses a content that bytes cannot carry. */
  bytesOf(unit: Unit): Buffer;
}

/** A live object of the cache: a value, an entry of a map or a chunk of a list, as it is or will be stored. */
export class Unit {
  readonly owner: UnitOwner;
  /** How the cache knows it. */
  readonly id: CanonicalKey;
  readonly key: unknown;
  readonly at: unknown;
  readonly group: number;
  /** GONE where there is none. */
  value: unknown = GONE;
  stamp = 0;
  /** Whether the environment has it. */
  stored = false;
  /** Whether a snapshot has it that the environment had it not. */
  saved = false;
  /** Whether it is still to be written, and has changed again since that is so. */
  dirty = false;
  again = false;
  /** Epochs, counted in freezes: of its last change, since when it is dirty, when it was last written and packed. */
  changedIn = -1;
  dirtySince = -1;
  writtenIn = -1;
  packedIn = -1;
  /** Used since the cache last looked. */
  used = true;

  constructor(owner: UnitOwner, id: CanonicalKey, key: unknown, at: unknown, group: number) {
    this.owner = owner;
    this.id = id;
    this.key = key;
    this.at = at;
    this.group = group;
  }
}

/** A stored unit: a msgpack array of key, at, content and stamp. */
export interface StoredUnit {
  readonly key: unknown;
  readonly at: unknown;
  readonly value: unknown;
  readonly stamp: number;
}

export function encodeUnit({ key, at, value, stamp }: StoredUnit): Buffer {
  return pack([key, at, value, stamp], true);
}

export function decodeUnit(bytes: Buffer): StoredUnit {
  const [key, at, value, stamp] = unpackInPlace(bytes) as [unknown, unknown, unknown, number];
  return { key, at, value, stamp };
}
