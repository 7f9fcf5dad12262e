/**
 * Groups as state parts: an entry is a group's *partial*, the record that local combining sends too (see
 * accumulators.ts). Numbers are copied when the part is frozen, which takes 1 ms per 100,000 groups, and
 * written in slices; accumulators that are objects may change in place, so they are written at once.
 */
import type { EntrySink, FrozenPart, StatePart, StateScope } from "../state/contract.js";
import { type CanonicalKey, canonicalKey, keyGroupOf } from "../state/key.js";
import type { GroupCode, Partial } from "./group-code.js";
import type { GroupTable } from "./group-table.js";

/** Groups taken between two looks at the clock. */
const LOOK_EVERY = 256;

/** Copies of groups, and what goes with them. */
export interface FrozenGroups {
  readonly table: GroupTable;
  /** Start of the pane they belong to; 0 without panes. */
  readonly pane: number;
  /** The stamp of the group at a place of the copy. */
  stamp(place: number): number;
}

export interface GroupPartOptions {
  readonly name: string;
  readonly scope: StateScope;
  readonly code: GroupCode;
  readonly maxParallelism: number;
  /** Copies of everything, or with `delta`, if that can be told, of what has changed since the last call. */
  copy(wanted: "full" | "delta"): {
    readonly kind: "full" | "delta";
    readonly groups: readonly FrozenGroups[];
  };
  load(partial: Partial, stamp: number): void;
}

export function groupPart(options: GroupPartOptions): StatePart {
  const { name, scope, code, maxParallelism } = options;
  return {
    name,
    scope,
    schema: { kind: "groups", types: { accumulators: code.layout } },
    freeze(wanted, sink) {
      const { kind, groups } = options.copy(wanted);
      const frozen = new FrozenGroupPart(kind, groups, code, sink, scope === "keyed" ? maxParallelism : 0);
      if (code.hasObjects) frozen.pack(() => false);
      return frozen;
    },
    load: (partial: Partial, stamp) => options.load(partial, stamp),
  };
}

/** `maxParallelism` 0: entries have no key group. */
class FrozenGroupPart implements FrozenPart {
  readonly kind: "full" | "delta";
  private groups: readonly FrozenGroups[];
  private readonly code: GroupCode;
  private readonly sink: EntrySink;
  private readonly maxParallelism: number;
  private at = 0;
  private place = 0;

  constructor(
    kind: "full" | "delta",
    groups: readonly FrozenGroups[],
    code: GroupCode,
    sink: EntrySink,
    maxParallelism: number,
  ) {
    this.kind = kind;
    this.groups = groups;
    this.code = code;
    this.sink = sink;
    this.maxParallelism = maxParallelism;
  }

  pack(timeIsUp: () => boolean): boolean {
    for (; this.at < this.groups.length; this.at++, this.place = 0) {
      const groups = this.groups[this.at]!;
      const { table, pane } = groups;
      while (this.place < table.size) {
        const place = this.place++;
        const group = this.maxParallelism === 0 ? 0 : groupOf(table.keys[place], this.maxParallelism);
        this.sink.entry(this.code.partial(table, place, pane), groups.stamp(place), group);
        if (this.place % LOOK_EVERY === 0 && timeIsUp()) return false;
      }
    }
    this.groups = [];
    this.at = 0;
    return true;
  }

  release(): void {
    this.groups = [];
  }
}

function groupOf(key: unknown, maxParallelism: number): number {
  const canonical = typeof key === "object" && key !== null ? canonicalKey(key) : (key as CanonicalKey);
  return keyGroupOf(canonical, maxParallelism);
}
