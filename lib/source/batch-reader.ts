import { MillraceError } from "../base/error.js";
import type { ReaderContext, SourcePosition, SourceReader, Split } from "./contract.js";

export interface Batch<T> {
  readonly records: readonly T[];
  /** Work this batch stands for, in the unit of the enumerator's total. */
  readonly work: number;
}

/** A split whose position is the number of its records that were given. */
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

/**
 * Reads splits one after the other, each as a sequence of batches fetched in the background. A restored split
 * is read from its begin and the records given before are skipped: reading a split must give the same records
 * in the same order every time, cut into batches in any way. Fails with SPLIT_CHANGED if there are fewer.
 */
export class BatchReader<T, S extends CountedSplit> implements SourceReader<T, S> {
  split = 0;
  private readonly context: ReaderContext;
  private readonly read: (split: S, signal: AbortSignal) => AsyncIterable<Batch<T>>;
  private readonly splits: S[] = [];
  /** Splits read to their end: the first so many, as they are read in order. */
  private done = 0;
  /** Of split `done`: records given, the current batch's counted in full. */
  private given = 0;
  private ready: Ready<T>[] = [];
  private records: readonly T[] = [];
  private at = 0;
  private isLast = false;
  private work = 0;
  private workBefore = 0;
  private endedSplits: number[] = [];
  private started = false;
  private noMore = false;
  private reading = false;
  private room: (() => void) | undefined;

  constructor(context: ReaderContext, read: (split: S, signal: AbortSignal) => AsyncIterable<Batch<T>>) {
    this.context = context;
    this.read = read;
  }

  start(): void {
    this.started = true;
    if (this.splits.length === 0) this.context.requestSplits();
    else void this.readFrom(0);
  }

  addSplits(splits: readonly S[]): void {
    const first = this.splits.length;
    if (first === this.done) this.given = splits[0]?.given ?? 0;
    this.splits.push(...splits);
    if (this.started && !this.reading) void this.readFrom(first);
  }

  noMoreSplits(): void {
    this.noMore = true;
  }

  next(): T | undefined {
    while (this.at === this.records.length) if (!this.nextBatch()) return undefined;
    return this.records[this.at++];
  }

  /** The number of the record in its split, from 0. */
  place(): SourcePosition {
    const position = this.given - (this.records.length - this.at) - 1;
    return { split: this.splits[this.split]!.id, position };
  }

  takeEndedSplits(): readonly number[] {
    if (this.endedSplits.length === 0) return this.endedSplits;
    return this.endedSplits.splice(0);
  }

  get ended(): boolean {
    return this.noMore && this.done === this.splits.length && this.endedSplits.length === 0;
  }

  /** A batch's work is done with its last record, so that a restored reader need not know of batches. */
  get consumed(): number {
    return this.at === this.records.length ? this.workBefore + this.work : this.workBefore;
  }

  snapshot(): readonly S[] {
    const left = this.splits.slice(this.done);
    const [current] = left;
    if (current === undefined) return left;
    left[0] = { ...current, given: this.given - (this.records.length - this.at) };
    return left;
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
    this.given += batch.records.length;
    return true;
  }

  private finishBatch(): void {
    this.workBefore += this.work;
    this.work = 0;
    if (!this.isLast) return;
    this.isLast = false;
    this.done++;
    this.given = this.splits[this.done]?.given ?? 0;
    this.endedSplits.push(this.split);
  }

  private async readFrom(first: number): Promise<void> {
    const { signal } = this.context;
    this.reading = true;
    try {
      for (let i = first; i < this.splits.length && !signal.aborted; i++) {
        await this.readSplit(i);
        // Asked for before the last records are given, so that reading goes on meanwhile.
        if (i === this.splits.length - 1 && !signal.aborted) this.context.requestSplits();
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
    // Work of batches without records: done with the record that follows.
    let passed = 0;
    for await (const { records, work } of this.read(split, this.context.signal)) {
      if (this.context.signal.aborted) return;
      passed += work;
      if (records.length === 0) continue;
      const skipped = Math.min(skip, records.length);
      skip -= skipped;
      if (skipped < records.length) {
        const rest = skipped > 0 ? records.slice(skipped) : records;
        this.offer({ ordinal, records: rest, work: passed, isLast: false });
        while (this.ready.length >= AHEAD_MAX && !this.context.signal.aborted) await this.waitForRoom();
      }
      passed = 0;
    }
    if (this.context.signal.aborted) return;
    if (skip > 0) {
      const found = `${split.id} has ${split.given! - skip} records, ${split.given} were read before`;
      throw new MillraceError("SPLIT_CHANGED", found);
    }
    this.offer({ ordinal, records: [], work: passed, isLast: true });
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
