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

  private place(key: number, mark: number): void {
    const int = key | 0;
    let place = (int === key ? fmix32(int) : hashDouble(key)) & this.mask;
    while (this.slots[place] !== 0) place = (place + 1) & this.mask;
    this.keys[place] = key;
    this.slots[place] = mark;
  }
}
