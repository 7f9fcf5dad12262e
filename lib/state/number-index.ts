// @hot one probe per record; guarded by benchmarks/nexmark (q5, q17)
import { fmix32 } from "../base/hash.js";
import { hashDouble } from "./key.js";

const FIRST_PLACES = 64;

/**
 * From numbers to slots: open addressing with linear probing, at most half full. Half the time of a Map for
 * integers, a third for doubles, which a Map boxes and hashes in the runtime.
 */
export class NumberIndex {
  private keys = new Float64Array(FIRST_PLACES);
  /** slot + 1, or 0 for a free place. */
  private slots = new Int32Array(FIRST_PLACES);
  private mask = FIRST_PLACES - 1;
  private size = 0;
  /** NaN is no number's equal, so it has a place of its own. */
  private nan = -1;

  /** The slot of a key, or -1. */
  get(key: number): number {
    const int = key | 0;
    const { keys, slots, mask } = this;
    let place = (int === key ? fmix32(int) : hashDouble(key)) & mask;
    for (;;) {
      const slot = slots[place]!;
      if (slot === 0) return Number.isNaN(key) ? this.nan : -1;
      if (keys[place] === key) return slot - 1;
      place = (place + 1) & mask;
    }
  }

  /** Adds a key that is not there yet. */
  set(key: number, slot: number): void {
    if (Number.isNaN(key)) {
      this.nan = slot;
      return;
    }
    if (++this.size * 2 > this.keys.length) this.grow();
    this.place(key, slot + 1);
  }

  /** Gives a key that is there another slot. */
  reset(key: number, slot: number): void {
    if (Number.isNaN(key)) this.nan = slot;
    else this.slots[this.placeOf(key)] = slot + 1;
  }

  /** Removes a key that is there. */
  remove(key: number): void {
    if (Number.isNaN(key)) {
      this.nan = -1;
      return;
    }
    const { keys, slots, mask } = this;
    let hole = this.placeOf(key);
    this.size--;
    // Whatever would not be found behind a free place moves up into it.
    for (let at = (hole + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const home = homeOf(keys[at]!) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      keys[hole] = keys[at]!;
      slots[hole] = slots[at]!;
      hole = at;
    }
    slots[hole] = 0;
  }

  clear(): void {
    this.slots.fill(0);
    this.size = 0;
    this.nan = -1;
  }

  private grow(): void {
    const { keys, slots } = this;
    this.keys = new Float64Array(keys.length * 2);
    this.slots = new Int32Array(keys.length * 2);
    this.mask = this.keys.length - 1;
    for (let i = 0; i < keys.length; i++) if (slots[i] !== 0) this.place(keys[i]!, slots[i]!);
  }

  private placeOf(key: number): number {
    let place = homeOf(key) & this.mask;
    while (this.slots[place] === 0 || this.keys[place] !== key) place = (place + 1) & this.mask;
    return place;
  }

  private place(key: number, mark: number): void {
    let place = homeOf(key) & this.mask;
    while (this.slots[place] !== 0) place = (place + 1) & this.mask;
    this.keys[place] = key;
    this.slots[place] = mark;
  }
}

function homeOf(key: number): number {
  const int = key | 0;
  return int === key ? fmix32(int) : hashDouble(key);
}
