// @hot one Map lookup per record and state
import { assert } from "../../base/assert.js";
import type { KeyGroupRange } from "../contract.js";
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
    this.mapOf(scope.group).set(scope.canonical, held);
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

  *values(): Generator<V, void> {
    for (const map of this.maps) yield* map.values();
  }

  private find(): V | undefined {
    const { scope } = this;
    this.serial = scope.serial;
    this.found = this.mapOf(scope.group).get(scope.canonical);
    return this.found;
  }
}
