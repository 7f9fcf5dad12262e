import { ownCanonical } from "../entry.js";
import type { CanonicalKey } from "../key.js";

/**
 * A bounded cache in two generations: what was used since the last turnover, and what only before it. A
 * turnover forgets the older one, so that nothing used since the turnover before is lost.
 */
export class Generations<K extends CanonicalKey, V> {
  private readonly max: number;
  private readonly beforeTurnover: () => void;
  private young = new Map<K, V>();
  private old = new Map<K, V>();

  /** At most `max` of each generation; `beforeTurnover` saves what must not be forgotten. */
  constructor(max: number, beforeTurnover: () => void) {
    this.max = max;
    this.beforeTurnover = beforeTurnover;
  }

  get(key: K): V | undefined {
    const young = this.young.get(key);
    if (young !== undefined) return young;
    const old = this.old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.young.size >= this.max) {
      this.beforeTurnover();
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(ownCanonical(key), value);
  }

  delete(key: K): void {
    this.young.delete(key);
    this.old.delete(key);
  }

  clear(): void {
    this.young.clear();
    this.old.clear();
  }

  get size(): number {
    return this.young.size + this.old.size;
  }
}
