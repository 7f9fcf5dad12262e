// @hot one lookup per access; guarded by benchmarks/state
import { LIVE_BYTES_MAX, LIVE_UNITS_MAX, LIVE_UNITS_MIN } from "../../base/limits.js";
import type { KeyGroupRange } from "../contract.js";
import type { CanonicalKey } from "../key.js";
import type { Unit } from "./unit.js";

/** What a live unit takes beside its content: the object, its places in map and ring. */
const OVERHEAD_BYTES = 200;
/** An object takes about so many times the bytes it is packed into. */
const LIVE_FACTOR = 3;
/** Units over which the mean size is taken. */
const MEAN_OF = 256;

/**
 * The live units of one state, bounded by number and bytes: a map per key group, so that no growth of a map stops
 * the slot for long, and a clock that gives what was used since its last look another round. What is still to be
 * written stays.
 */
export class UnitCache<I extends CanonicalKey> {
  max = LIVE_UNITS_MAX;
  private readonly maps: Map<I, Unit>[];
  private readonly first: number;
  private ring: Unit[] = [];
  private hand = 0;
  private meanBytes = 0;

  constructor({ first, last }: KeyGroupRange) {
    this.first = first;
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
    while (this.ring.length > this.max) {
      const at = this.evict();
      const last = this.ring.pop()!;
      if (at < this.ring.length) this.ring[at] = last;
    }
    if (this.ring.length < this.max) this.ring.push(unit);
    else this.ring[this.evict()] = unit;
  }

  /** A unit was packed into so many bytes, or unpacked from them. */
  sized(bytes: number): void {
    this.meanBytes += (bytes - this.meanBytes) / MEAN_OF;
    const fit = Math.floor(LIVE_BYTES_MAX / (this.meanBytes * LIVE_FACTOR + OVERHEAD_BYTES));
    this.max = Math.min(LIVE_UNITS_MAX, Math.max(LIVE_UNITS_MIN, fit));
  }

  clear(): void {
    for (const map of this.maps) map.clear();
    this.ring = [];
    this.hand = 0;
  }

  /** Forgets the next unit that may be; answers its place. Fewer than half are dirty, so there is one. */
  private evict(): number {
    const { ring } = this;
    for (;;) {
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
  }
}
