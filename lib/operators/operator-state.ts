/**
 * Operator state: what a subtask of an operator remembers that belongs to no key.
 *
 * Invariant: a freeze copies the list (or the map's entries), not the values: these are not changed in place
 * once they were given to a handle.
 */
import type {
  EntrySink,
  FrozenPart,
  ListState,
  MapState,
  StatePart,
  StateParts,
  StateSchema,
  StateScope,
} from "../state/contract.js";
import type { OperatorStateDescriptor } from "../state/descriptors.js";
import { type CanonicalKey, canonicalKey } from "../state/key.js";
import type { ReadonlyMapState } from "./process-context.js";

/** Descriptors by the names of their states. */
export type OperatorDescriptors = Readonly<Record<string, OperatorStateDescriptor>>;

/** Makes the handles of descriptors and declares their parts. */
export function openOperatorState(
  descriptors: OperatorDescriptors,
  parts: StateParts,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(descriptors).map(([name, descriptor]) => {
      const { kind, types } = descriptor;
      const schema = { kind, ...(types === undefined ? {} : { types }) };
      const made =
        kind === "broadcast"
          ? new BroadcastMap(name, schema)
          : new OperatorList(name, kind === "split-list" ? "split" : "union", schema);
      parts.declare(made);
      return [name, made];
    }),
  );
}

class OperatorList implements ListState<unknown>, StatePart {
  readonly name: string;
  readonly scope: StateScope;
  readonly schema: StateSchema;
  private list: unknown[] = [];

  constructor(name: string, scope: StateScope, schema: StateSchema) {
    this.name = name;
    this.scope = scope;
    this.schema = schema;
  }

  get(): readonly unknown[] {
    return this.list;
  }

  add(value: unknown): void {
    this.list.push(value);
  }

  addAll(values: readonly unknown[]): void {
    for (const value of values) this.list.push(value);
  }

  update(values: readonly unknown[]): void {
    this.list = [...values];
  }

  clear(): void {
    this.list = [];
  }

  freeze(_wanted: "full" | "delta", sink: EntrySink): FrozenPart {
    return frozenList(this.list.slice(), sink);
  }

  load(value: unknown): void {
    this.list.push(value);
  }
}

/** A map that is equal in all subtasks. */
export class BroadcastMap implements MapState<unknown, unknown>, StatePart {
  readonly name: string;
  readonly scope: StateScope = "broadcast";
  readonly schema: StateSchema;
  private readonly map = new Map<CanonicalKey, [unknown, unknown]>();

  constructor(name: string, schema: StateSchema) {
    this.name = name;
    this.schema = schema;
  }

  get size(): number {
    return this.map.size;
  }

  get(key: unknown): unknown {
    return this.map.get(canonicalKey(key))?.[1];
  }

  has(key: unknown): boolean {
    return this.map.has(canonicalKey(key));
  }

  set(key: unknown, value: unknown): void {
    this.map.set(canonicalKey(key), [key, value]);
  }

  delete(key: unknown): void {
    this.map.delete(canonicalKey(key));
  }

  clear(): void {
    this.map.clear();
  }

  *entries(): IterableIterator<[unknown, unknown]> {
    for (const [key, value] of this.map.values()) yield [key, value];
  }

  *keys(): IterableIterator<unknown> {
    for (const [key] of this.map.values()) yield key;
  }

  *values(): IterableIterator<unknown> {
    for (const [, value] of this.map.values()) yield value;
  }

  freeze(_wanted: "full" | "delta", sink: EntrySink): FrozenPart {
    const entries = [...this.map.values()].map(([key, value]) => ({ key, value }));
    return frozenList(entries, sink);
  }

  load({ key, value }: { key: unknown; value: unknown }): void {
    this.set(key, value);
  }
}

/** A map state through which nothing can be written. */
export function readOnly<K, V>(state: MapState<K, V>): ReadonlyMapState<K, V> {
  return Object.freeze({
    get: (key: K) => state.get(key),
    has: (key: K) => state.has(key),
    entries: () => state.entries(),
    keys: () => state.keys(),
    values: () => state.values(),
    get size() {
      return state.size;
    },
  });
}

/** Values that are copied already, written one by one. */
function frozenList(values: readonly unknown[], sink: EntrySink): FrozenPart {
  let next = 0;
  return {
    kind: "full",
    pack(timeIsUp) {
      while (next < values.length) {
        sink.entry(values[next++], 0, 0);
        if (next % 64 === 0 && timeIsUp()) return false;
      }
      return true;
    },
    release() {
      next = values.length;
    },
  };
}
