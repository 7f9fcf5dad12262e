// @hot one call per record and window
/** What a window over two inputs holds, in keyed state: the records of either, in the order they came. */
import type { KeyedState, ListState } from "../state/contract.js";
import { list } from "../state/descriptors.js";
import type { Evictor, EvictorContext, Stamped } from "./evictors.js";
import { EvictedContents, type Give, type WindowContents } from "./window-contents.js";

/** What such a window fires: one of the two may be empty. */
export interface PairedRecords {
  readonly first: readonly unknown[];
  readonly second: readonly unknown[];
}

/** An evictor sees the records of both in one list. */
export function openPairedContents(keyed: KeyedState, evictor: Evictor | undefined): WindowContents {
  if (evictor !== undefined) {
    return new EvictedPairs(keyed.list("contents", list<Stamped<unknown>>()), evictor, pairedOf);
  }
  return new PairedContents(keyed.list("first", list<unknown>()), keyed.list("second", list<unknown>()));
}

class PairedContents implements WindowContents {
  private readonly first: ListState<unknown>;
  private readonly second: ListState<unknown>;

  constructor(first: ListState<unknown>, second: ListState<unknown>) {
    this.first = first;
    this.second = second;
  }

  add(record: unknown, _timestamp: number, input: 0 | 1): void {
    if (input === 0) this.first.add(record);
    else this.second.add(record);
  }

  fire(_ctx: EvictorContext, give: Give): void {
    const held = this.held();
    if (held.first.length + held.second.length > 0) give(held);
  }

  clear(): void {
    this.first.clear();
    this.second.clear();
  }

  take(): PairedRecords {
    const held = this.held();
    this.clear();
    return held;
  }

  absorb(taken: PairedRecords): void {
    this.first.addAll(taken.first);
    this.second.addAll(taken.second);
  }

  /** A copy: rows are made of it while the window gets more. */
  private held(): PairedRecords {
    return { first: this.first.get().slice(), second: this.second.get().slice() };
  }
}

class EvictedPairs extends EvictedContents {
  override add(record: unknown, timestamp: number, input: 0 | 1): void {
    this.state.add({ record, timestamp, input });
  }
}

function pairedOf(kept: readonly Stamped<unknown>[]): PairedRecords {
  const of = (wanted: 0 | 1) => kept.filter(({ input }) => input === wanted).map(({ record }) => record);
  return { first: of(0), second: of(1) };
}
