/**
 * What a window operator has given out already, as state. Subtasks stand at the same windows when a barrier is
 * aligned; one that overtakes finds them at different ones, and after a change of parallelism a subtask may have
 * keys of several: then the end of the last window given out is kept per key group until all have passed it.
 */
import type { EntrySink, FrozenPart, StatePart } from "../state/contract.js";
import { type CanonicalKey, canonicalKey, keyGroupOf, rangeOf } from "../state/key.js";
import type { OperatorContext } from "./contract.js";

export interface WindowProgress {
  /** End of the last window given out. */
  readonly firedEnd: number;
  /** Records before this are late. */
  readonly closedBefore: number;
}

interface Entry extends WindowProgress {
  /** The key groups it speaks of. */
  readonly first: number;
  readonly last: number;
}

export class FiredWindows implements StatePart {
  readonly name = "fired";
  readonly scope = "union";
  readonly schema = { kind: "fired-windows" };
  /** Some key groups are ahead of the operator. */
  differs = false;
  private readonly maxParallelism: number;
  private readonly groups: { readonly first: number; readonly last: number };
  private readonly progress: { now(): WindowProgress; restore(progress: WindowProgress): void };
  private restored: Entry[] = [];

  constructor(
    context: OperatorContext,
    progress: { now(): WindowProgress; restore(progress: WindowProgress): void },
  ) {
    const { subtask, maxParallelism, parallelism } = context;
    this.maxParallelism = maxParallelism;
    this.groups = rangeOf(subtask, maxParallelism, parallelism);
    this.progress = progress;
  }

  /** Whether the window that ends there was given out for this key before the restore. */
  includes(key: unknown, end: number): boolean {
    const canonical = typeof key === "object" && key !== null ? canonicalKey(key) : (key as CanonicalKey);
    const group = keyGroupOf(canonical, this.maxParallelism);
    let ahead = false;
    for (const { first, last, firedEnd } of this.restored) {
      if (end > firedEnd) continue;
      ahead = true;
      if (group >= first && group <= last) return true;
    }
    this.differs = ahead;
    return false;
  }

  freeze(_wanted: "full" | "delta", sink: EntrySink): FrozenPart {
    const now = this.progress.now();
    const rest = this.restored.filter(({ firedEnd }) => firedEnd > now.firedEnd);
    for (const each of this.differs ? rest : []) sink.entry(each, 0, 0);
    sink.entry({ ...this.groups, ...now } satisfies Entry, 0, 0);
    return { kind: "full", pack: () => true, release: () => undefined };
  }

  load(entry: Entry): void {
    if (entry.last < this.groups.first || entry.first > this.groups.last) return;
    this.restored.push(entry);
    const firedEnd = Math.min(...this.restored.map((each) => each.firedEnd));
    const closedBefore = Math.min(...this.restored.map((each) => each.closedBefore));
    this.progress.restore({ firedEnd, closedBefore });
    this.differs = this.restored.some((each) => each.firedEnd > firedEnd);
  }
}
