import type { ReaderContext, SourceReader, Split } from "./contract.js";

export interface Batch<T> {
  readonly records: readonly T[];
  /** Work this batch stands for, in the unit of the enumerator's total. */
  readonly work: number;
}

/** A split that remembers how many of its records were given. */
export interface CountedSplit extends Split {
  readonly given?: number;
}

/** Batches that may wait to be given. */
const AHEAD_MAX = 2;

interface Ready<T> {
  readonly ordinal: number;
  readonly records: readonly T[];
  readonly work: number;
  readonly isLast: boolean;
}

/** Reads splits one after the other, each as a sequence of batches fetched in the background. */
export class BatchReader<T, S extends CountedSplit> implements SourceReader<T, S> {
  split = 0;
  consumed = 0;
  private readonly context: ReaderContext;
  private readonly read: (split: S, signal: AbortSignal) => AsyncIterable<Batch<T>>;
  private readonly splits: S[] = [];
  private readonly given: number[] = [];
  private readonly done = new Set<number>();
  private ready: Ready<T>[] = [];
  private records: readonly T[] = [];
  private at = 0;
  private isLast = false;
  private work = 0;
  private endedSplits: number[] = [];
  private noMore = false;
  private reading = false;
  private room: (() => void) | undefined;

  constructor(context: ReaderContext, read: (split: S, signal: AbortSignal) => AsyncIterable<Batch<T>>) {
    this.context = context;
    this.read = read;
  }

  start(): void {
    this.context.requestSplits();
  }

  addSplits(splits: readonly S[]): void {
    const first = this.splits.length;
    for (const split of splits) {
      this.splits.push(split);
      this.given.push(split.given ?? 0);
    }
    if (!this.reading) void this.readFrom(first);
  }

  noMoreSplits(): void {
    this.noMore = true;
  }

  next(): T | undefined {
    while (this.at === this.records.length) if (!this.nextBatch()) return undefined;
    return this.records[this.at++];
  }

  takeEndedSplits(): readonly number[] {
    if (this.endedSplits.length === 0) return this.endedSplits;
    return this.endedSplits.splice(0);
  }

  get ended(): boolean {
    return this.noMore && this.done.size === this.splits.length && this.endedSplits.length === 0;
  }

  snapshot(): readonly S[] {
    return this.splits.flatMap((split, i) => {
      if (this.done.has(i)) return [];
      const current = i === this.split ? this.at - this.records.length : 0;
      return [{ ...split, given: this.given[i]! + current }];
    });
  }

  async close(): Promise<void> {
    this.room?.();
  }

  private nextBatch(): boolean {
    this.finishBatch();
    const batch = this.ready.shift();
    if (batch === undefined) return false;
    this.room?.();
    this.split = batch.ordinal;
    this.records = batch.records;
    this.at = 0;
    this.work = batch.work;
    this.isLast = batch.isLast;
    this.given[batch.ordinal]! += batch.records.length;
    return true;
  }

  private finishBatch(): void {
    this.consumed += this.work;
    this.work = 0;
    if (!this.isLast) return;
    this.isLast = false;
    this.done.add(this.split);
    this.endedSplits.push(this.split);
  }

  private async readFrom(first: number): Promise<void> {
    const { signal } = this.context;
    this.reading = true;
    try {
      for (let i = first; i < this.splits.length && !signal.aborted; i++) {
        await this.readSplit(i);
        // Asked for before the last records are given, so that reading goes on meanwhile.
        if (i === this.splits.length - 1) this.context.requestSplits();
      }
    } catch (error) {
      if (!signal.aborted) this.context.fail(error);
    } finally {
      this.reading = false;
    }
  }

  private async readSplit(ordinal: number): Promise<void> {
    const split = this.splits[ordinal]!;
    let skip = split.given ?? 0;
    for await (const { records, work } of this.read(split, this.context.signal)) {
      if (this.context.signal.aborted) return;
      const rest = skip > 0 ? records.slice(skip) : records;
      skip -= records.length - rest.length;
      this.offer({ ordinal, records: rest, work, isLast: false });
      while (this.ready.length >= AHEAD_MAX && !this.context.signal.aborted) await this.waitForRoom();
    }
    this.offer({ ordinal, records: [], work: 0, isLast: true });
  }

  private offer(batch: Ready<T>): void {
    this.ready.push(batch);
    this.context.wake();
  }

  private waitForRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.room = () => {
        this.room = undefined;
        resolve();
      };
    });
  }
}
