// @hot one Map look-up per key that registers timers; guarded by test/time/timers.test.ts
import type { CanonicalKey } from "../state/key.js";

/** Numbers for the keys that have timers, counted by their timers; a number without timers is used again. */
export class TimerKeys {
  /** By number. */
  readonly keys: unknown[] = [];
  readonly groups: number[] = [];
  private readonly canonical: CanonicalKey[] = [];
  private readonly counts: number[] = [];
  private readonly numbers = new Map<CanonicalKey, number>();
  private readonly free: number[] = [];

  /** The number of a key, or -1. */
  find(canonical: CanonicalKey): number {
    return this.numbers.get(canonical) ?? -1;
  }

  /** The number of a key, made where there is none; it lasts from `hold` to the last `release`. */
  numberOf(key: unknown, canonical: CanonicalKey, keyGroup: number): number {
    const known = this.numbers.get(canonical);
    if (known !== undefined) return known;
    const number = this.free.pop() ?? this.keys.length;
    this.keys[number] = key;
    this.groups[number] = keyGroup;
    this.canonical[number] = canonical;
    this.counts[number] = 0;
    this.numbers.set(canonical, number);
    return number;
  }

  canonicalOf(number: number): CanonicalKey {
    return this.canonical[number];
  }

  hold(number: number): void {
    this.counts[number]!++;
  }

  release(number: number): void {
    if (--this.counts[number]! > 0) return;
    this.numbers.delete(this.canonical[number]);
    this.keys[number] = undefined;
    this.canonical[number] = undefined;
    this.free.push(number);
  }
}
