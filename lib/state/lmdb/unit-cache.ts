// @hot one lookup per access; guarded by benchmarks/state
import { LIVE_BYTES_MAX, LIVE_UNITS_MAX, LIVE_UNITS_MIN } from "../../base/limits.js";
import type { KeyGroupRange } from "../contract.js";
import type { CanonicalKey } from "../key.js";
import type { Unit } from "./unit.js";

/** What a live unit takes beside its content: the object, its places in map and ring. */
const OVERHEAD_BYTES = 200;
/** An object takes about so many times the bytes it is packed into. */
const LIVE_FACTOR = 3;
/** Units looked at to forget one. */
const LOOKS_MAX = 512;
/** Units forgotten at once when there are too many: all of them would stop the slot for long. */
const SHRINK_BY = 32;
/** Units over which the mean size is taken. */
const MEAN_OF = 256;

/**
 * The live units of one state, bounded by number and bytes: a map per key group, so that no growth of a map stops
 * the slot for long, and a clock that gives what was used since its last look another round. What is still to be
 * written stays.
 */
export class UnitCache<I extends CanonicalKey> {
  max: number;
  private readonly maps: Map<I, Unit>[];
  private readonly first: number;
  private ring: Unit[] = [];
  private hand = 0;
  private meanBytes = 0;
  private readonly budget: (() => number) | undefined;

  /** `budget`: bytes of live units now, where somebody says so; else the backend's own limits. */
  constructor({ first, last }: KeyGroupRange, budget?: () => number) {
    this.first = first;
    this.budget = budget;
    this.max = this.fit();
    this.maps = Array.from({ length: last - first + 1 }, () => new Map<I, Unit>());
  }

  get(group: number, id: I): Unit | undefined {
    const unit = this.maps[group - this.first]!.get(id);
    if (unit !== undefined) unit.used = true;
    return unit;
  }

  /** Takes a unit that is not there yet. */
  add(unit: Unit): void {
    this.maps[unit.group - this.first]!.set(unit.id as I, unit);
    for (let left = SHRINK_BY; left > 0 && this.ring.length > this.max; left--) {
      const at = this.evict();
      if (at < 0) break;
      const last = this.ring.pop()!;
      if (at < this.ring.length) this.ring[at] = last;
    }
    const at = this.ring.length < this.max ? -1 : this.evict();
    if (at < 0) this.ring.push(unit);
    else this.ring[at] = unit;
  }

  /** A unit was packed into so many bytes, or unpacked from them. */
  sized(packed: number): void {
    this.meanBytes += (packed - this.meanBytes) / MEAN_OF;
    this.max = this.fit();
  }

  private fit(): number {
    const { budget } = this;
    const bytes = budget === undefined ? LIVE_BYTES_MAX : budget();
    const fit = Math.max(LIVE_UNITS_MIN, Math.floor(bytes / (this.meanBytes * LIVE_FACTOR + OVERHEAD_BYTES)));
    return budget === undefined ? Math.min(LIVE_UNITS_MAX, fit) : fit;
  }

  clear(): void {
    for (const map of this.maps) map.clear();
    this.ring = [];
    this.hand = 0;
  }

  /**
   * Forgets the next unit that may be; answers its place, or -1 when there is none near by: when units have become
   * larger all of a sudden more of them wait to be written than there should be units.
   */
  private evict(): number {
    const { ring } = this;
    for (let looks = LOOKS_MAX; looks > 0; looks--) {
      if (this.hand >= ring.length) this.hand = 0;
      const at = this.hand++;
      const unit = ring[at]!;
      if (unit.dirty) continue;
      if (unit.used) {
        unit.used = false;
        continue;
      }
      this.maps[unit.group - this.first]!.delete(unit.id as I);
      return at;
    }
    return -1;
  }
}
