/**
 * Which source of a chain is being read, and what a reader that asks gets: the decisions of the enumerator. Pure.
 *
 * Invariants
 * - The next source is begun when every reader has said that it has finished the current one: so no record of it is
 *   given before all of the sources before.
 * - A reader that goes on from before a switch reads what it had to the end by itself: it is told at once that there
 *   is no more of a source that is over. What it got behind its checkpoint, of sources that are over, is *parked*
 *   for it; behind a restore of the whole it goes to whoever asks first.
 * - What readers have said is in no snapshot: they say it again.
 */
import type { Split } from "../../source/contract.js";

/** A split of one of the sources, or, without `split`, word to a reader that there are no more of that source. */
export interface HybridSplit extends Split {
  readonly source: number;
  /** Where the source before has ended: what a source that is made at its turn is made with. */
  readonly from?: unknown;
  readonly split?: Split;
}

/** What a reader says when it asks. */
export interface HybridReport {
  /** It wants more of this source. */
  readonly reading?: number;
  /** It has read all that it got of this source, and was told that there is no more. */
  readonly finished?: number;
  /** What the reader of that source has reported. */
  readonly report?: unknown;
}

/** What goes into a checkpoint. */
export interface SwitchingSnapshot {
  readonly source: number;
  readonly parked?: readonly HybridSplit[];
}

/** What becomes of a request. */
export type Decision =
  | { readonly kind: "give"; readonly splits: readonly HybridSplit[] }
  /** The current source's enumerator decides. */
  | { readonly kind: "ask" }
  | { readonly kind: "wait" }
  /** As wait; the next source is to be begun. */
  | { readonly kind: "switch" };

/** Word that there are no more splits of a source. */
export function overMark(source: number): HybridSplit {
  return { id: `${source}:over`, source };
}

export class Switching {
  /** The current one; while the next one is being begun, the one before. */
  source: number;
  /** The next source is being begun. */
  isSwitching = false;
  private readonly parallelism: number;
  private readonly last: number;
  private readonly finished = new Set<number>();
  private readonly parked: { readonly split: HybridSplit; readonly subtask: number | undefined }[];

  /** `sources`: how many the chain has. */
  constructor(
    parallelism: number,
    sources: number,
    { source, parked = [] }: SwitchingSnapshot = { source: 0 },
  ) {
    this.parallelism = parallelism;
    this.last = sources - 1;
    this.source = source;
    this.parked = parked.map((split) => ({ split, subtask: undefined }));
  }

  onRequest(subtask: number, { reading, finished }: HybridReport = {}): Decision {
    const parked = this.takeParked(subtask);
    if (parked.length > 0) return { kind: "give", splits: parked };
    if (reading !== undefined && this.isOver(reading)) return { kind: "give", splits: [overMark(reading)] };
    if (this.isSwitching || this.finished.has(subtask)) return { kind: "wait" };
    if (finished !== this.source || finished === this.last) return { kind: "ask" };
    this.finished.add(subtask);
    if (this.finished.size < this.parallelism) return { kind: "wait" };
    this.isSwitching = true;
    return { kind: "switch" };
  }

  onSwitched(): void {
    this.source++;
    this.isSwitching = false;
    this.finished.clear();
  }

  /** A reader begins anew, or was gone; answers those of its splits that go back to the current source's enumerator. */
  takeBack(splits: readonly HybridSplit[], subtask: number): Split[] {
    this.finished.delete(subtask);
    const back: Split[] = [];
    for (const each of splits) {
      if (each.split === undefined) continue;
      if (each.source === this.source && !this.isSwitching) back.push(each.split);
      else this.parked.push({ split: each, subtask });
    }
    return back;
  }

  snapshot(): SwitchingSnapshot {
    const { source, parked } = this;
    return parked.length === 0 ? { source } : { source, parked: parked.map(({ split }) => split) };
  }

  private isOver(source: number): boolean {
    return source < this.source || (this.isSwitching && source === this.source);
  }

  /** What waits for a reader, the earliest sources first; else one split of those that wait for anybody. */
  private takeParked(subtask: number): HybridSplit[] {
    const own = this.parked.filter((each) => each.subtask === subtask);
    const taken = own.length > 0 ? own : this.parked.filter((each) => each.subtask === undefined).slice(0, 1);
    for (const each of taken) this.parked.splice(this.parked.indexOf(each), 1);
    const splits = taken.map(({ split }) => split).sort((a, b) => a.source - b.source);
    const over = [...new Set(splits.map(({ source }) => source))].filter((source) => this.isOver(source));
    return [...splits, ...over.map(overMark)];
  }
}
