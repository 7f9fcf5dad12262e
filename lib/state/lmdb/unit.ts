import { pack, unpack } from "../../codec/packed.js";
import { GONE } from "../entry.js";

/** What a unit tells when it is written. */
export interface UnitOwner {
  /** Before it is written or removed. */
  written(unit: Unit): void;
  /** Refuses a content that bytes cannot carry. */
  check(unit: Unit): void;
}

/** A live object of the cache: a value, an entry of a map or a chunk of a list, as it is or will be stored. */
export class Unit {
  readonly owner: UnitOwner;
  readonly dbKey: Buffer;
  readonly key: unknown;
  readonly at: unknown;
  readonly group: number;
  /** GONE where there is none. */
  value: unknown = GONE;
  stamp = 0;
  /** Whether the environment has it. */
  stored = false;
  /** Whether it is still to be written. */
  dirty = false;

  constructor(owner: UnitOwner, dbKey: Buffer, key: unknown, at: unknown, group: number) {
    this.owner = owner;
    this.dbKey = dbKey;
    this.key = key;
    this.at = at;
    this.group = group;
  }
}

/** A stored unit: | f64 stamp, big endian | msgpack array of key, at, content |. */
export interface StoredUnit {
  readonly key: unknown;
  readonly at: unknown;
  readonly value: unknown;
  readonly stamp: number;
}

const STAMP_BYTES = 8;

export function encodeUnit({ key, at, value, stamp }: StoredUnit): Buffer {
  const packed = pack([key, at, value], true);
  const bytes = Buffer.allocUnsafe(STAMP_BYTES + packed.length);
  bytes.writeDoubleBE(stamp, 0);
  bytes.set(packed, STAMP_BYTES);
  return bytes;
}

export function decodeUnit(bytes: Buffer): StoredUnit {
  const [key, at, value] = unpack(bytes.subarray(STAMP_BYTES));
  return { key, at, value, stamp: stampOf(bytes) };
}

export function stampOf(bytes: Buffer): number {
  return bytes.readDoubleBE(0);
}
