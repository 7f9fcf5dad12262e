// @hot one lookup per record; guarded by benchmarks/nexmark (q11)
import { type CanonicalKey, canonicalKey } from "../state/key.js";
import { NumberIndex } from "../state/number-index.js";
import { CellTable } from "./cell-table.js";

/** Cells of a session's extent, before those of its aggregates. */
export const START = 0;
export const END = 1;
export const EXTENT_CELLS = 2;

const NONE = -1;

/**
 * Sessions by key, their extents and accumulators in typed cells: a slot each, and those of one key in a chain. Most
 * keys have one; several where records come out of order.
 *
 *   index: key -> slot -> next slot of the key -> ..       free slots: end is NaN
 */
export class SessionTable extends CellTable {
  /** Sessions there are. */
  live = 0;
  /** Cells a slot. */
  readonly stride: number;
  private readonly byNumber = new NumberIndex();
  private readonly byKey = new Map<CanonicalKey, number>();
  private nextOfKey = new Int32Array(16);
  private readonly free: number[] = [];

  constructor(numberCells: number) {
    super(numberCells);
    this.stride = numberCells;
  }

  /** The first session of a key, or -1. */
  first(key: unknown): number {
    if (typeof key === "number") return this.byNumber.get(key);
    return this.byKey.get(canonicalOf(key)) ?? NONE;
  }

  /** The session after one of the same key, or -1. */
  next(slot: number): number {
    return this.nextOfKey[slot]!;
  }

  startOf(slot: number): number {
    return this.numbers[slot * this.stride + START]!;
  }

  endOf(slot: number): number {
    return this.numbers[slot * this.stride + END]!;
  }

  isLive(slot: number): boolean {
    return !Number.isNaN(this.endOf(slot));
  }

  /** Whether what begins and ends there overlaps or touches a session. */
  touches(slot: number, start: number, end: number): boolean {
    const at = slot * this.stride;
    return start <= this.numbers[at + END]! && end >= this.numbers[at + START]!;
  }

  /** A session that was touched holds what begins and ends there, too. */
  extend(slot: number, start: number, end: number): void {
    const { numbers } = this;
    const at = slot * this.stride;
    if (start < numbers[at + START]!) numbers[at + START] = start;
    if (end > numbers[at + END]!) numbers[at + END] = end;
  }

  /** A slot for another session of a key; no cell of it is set. */
  insert(key: unknown): number {
    const slot = this.slotFor(key);
    // It was in no snapshot that is still being written, whoever had the slot before.
    this.marks[slot] = this.epoch;
    const head = this.first(key);
    if (head === NONE) {
      this.nextOfKey[slot] = NONE;
      if (typeof key === "number") this.byNumber.set(key, slot);
      else this.byKey.set(canonicalOf(key), slot);
    } else {
      this.nextOfKey[slot] = this.nextOfKey[head]!;
      this.nextOfKey[head] = slot;
    }
    this.live++;
    return slot;
  }

  /** Removes a session that was touched. */
  remove(slot: number): void {
    const key = this.keys[slot];
    const head = this.first(key);
    const next = this.nextOfKey[slot]!;
    if (head !== slot) {
      let before = head;
      while (this.nextOfKey[before] !== slot) before = this.nextOfKey[before]!;
      this.nextOfKey[before] = next;
    } else if (next !== NONE) this.repoint(key, next);
    else if (typeof key === "number") this.byNumber.remove(key);
    else this.byKey.delete(canonicalOf(key));
    this.numbers[slot * this.stride + END] = Number.NaN;
    this.keys[slot] = undefined;
    this.free.push(slot);
    this.live--;
  }

  override clear(): void {
    super.clear();
    this.byNumber.clear();
    this.byKey.clear();
    this.free.length = 0;
    this.live = 0;
  }

  private slotFor(key: unknown): number {
    const spare = this.free.pop();
    if (spare !== undefined) {
      this.keys[spare] = key;
      return spare;
    }
    const slot = this.append(key);
    if (slot === this.nextOfKey.length) {
      const grown = new Int32Array(slot * 2);
      grown.set(this.nextOfKey);
      this.nextOfKey = grown;
    }
    return slot;
  }

  private repoint(key: unknown, slot: number): void {
    if (typeof key === "number") this.byNumber.reset(key, slot);
    else this.byKey.set(canonicalOf(key), slot);
  }
}

function canonicalOf(key: unknown): CanonicalKey {
  return typeof key === "object" && key !== null ? canonicalKey(key) : (key as CanonicalKey);
}
