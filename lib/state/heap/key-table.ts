// @hot one Map lookup per record and state
import { assert } from "../../base/assert.js";
import type { KeyGroupRange } from "../contract.js";
import { ownCanonical } from "../entry.js";
import type { CanonicalKey } from "../key.js";
import type { KeyScope } from "../key-scope.js";

/**
 * What a state holds per key, one Map per key group: a Map throws at 2^24 entries and rehashes all of them at
 * once. Remembers what it found for the key in hand.
 */
export class KeyTable<V> {
  private readonly maps: readonly Map<CanonicalKey, V>[];
  private readonly first: number;
  private readonly scope: KeyScope;
  private serial = -1;
  private found: V | undefined;

  constructor(groups: KeyGroupRange, scope: KeyScope) {
    this.maps = Array.from({ length: groups.last - groups.first + 1 }, () => new Map<CanonicalKey, V>());
    this.first = groups.first;
    this.scope = scope;
  }

  /** What is held for the key in hand. */
  current(): V | undefined {
    return this.serial === this.scope.serial ? this.found : this.find();
  }

  /** Takes in what is held for the key in hand. */
  put(held: V): void {
    const { scope } = this;
    this.mapOf(scope.group).set(ownCanonical(scope.canonical), held);
    this.serial = scope.serial;
    this.found = held;
  }

  /** Takes out what is held for the key in hand. */
  drop(): void {
    const { scope } = this;
    this.mapOf(scope.group).delete(scope.canonical);
    this.serial = scope.serial;
    this.found = undefined;
  }

  mapOf(group: number): Map<CanonicalKey, V> {
    const map = this.maps[group - this.first];
    assert(map !== undefined, "the key group is not this subtask's, or no key was selected");
    return map;
  }

  /** All that is held; what comes or goes between two steps may be missed or met. */
  values(): IterableIterator<V, undefined> {
    return new Values(this.maps);
  }

  private find(): V | undefined {
    const { scope } = this;
    this.serial = scope.serial;
    this.found = this.mapOf(scope.group).get(scope.canonical);
    return this.found;
  }
}

/** A generator that delegates to the maps' iterators takes three times as long. */
class Values<V> implements IterableIterator<V, undefined> {
  private readonly maps: readonly Map<CanonicalKey, V>[];
  private at = 0;
  private inner: Iterator<V, undefined>;

  constructor(maps: readonly Map<CanonicalKey, V>[]) {
    this.maps = maps;
    this.inner = maps[0]!.values();
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<V, undefined> {
    for (;;) {
      const step = this.inner.next();
      if (step.done !== true) return step;
      const map = this.maps[++this.at];
      if (map === undefined) return step;
      this.inner = map.values();
    }
  }
}
