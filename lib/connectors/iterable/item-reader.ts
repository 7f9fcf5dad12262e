import type { ReaderContext, SourcePosition, SourceReader, Split } from "../../source/contract.js";
import { assertJson, pairOf } from "./position.js";

/** The one split of an iterable source. */
export interface IterableSplit extends Split {
  /** Behind the record last given; absent where the iterable gives no positions. */
  readonly position?: unknown;
}

/** What a reader says when it has given all. */
export interface IterableReport {
  /** The position behind the last record. */
  readonly ended?: unknown;
}

type Items = Iterable<unknown> | AsyncIterable<unknown>;

/** Items of an asynchronous iterable read ahead of the job. */
const AHEAD_MAX = 1024;

/** Gives the records of an iterable: its items, or with positions the first of each pair. */
export class ItemReader<T> implements SourceReader<T, IterableSplit> {
  readonly split = 0;
  consumed = 0;
  private readonly open: (split: IterableSplit) => Items;
  private readonly positioned: boolean;
  private readonly context: ReaderContext;
  private current: IterableSplit | undefined;
  private position: unknown;
  private iterator: Iterator<unknown> | undefined;
  private item: unknown;
  private ahead: unknown[] = [];
  private head = 0;
  private more: (() => void) | undefined;
  private started = false;
  /** "done": no item will come, but the split's end was not told. */
  private state: "waiting" | "reading" | "done" | "told" = "waiting";
  /** Where it ended was reported; the split is over when the enumerator has answered. */
  private reported = false;
  private noMore = false;

  constructor(open: (split: IterableSplit) => Items, positioned: boolean, context: ReaderContext) {
    this.open = open;
    this.positioned = positioned;
    this.context = context;
  }

  start(): void {
    this.started = true;
    if (this.current === undefined) this.context.requestSplits();
    else this.read(this.current);
  }

  addSplits(splits: readonly IterableSplit[]): void {
    const [split] = splits;
    if (split === undefined) return;
    this.current = split;
    this.position = split.position;
    this.state = "reading";
    if (this.started) this.read(split);
  }

  noMoreSplits(): void {
    this.noMore = true;
    if (this.state === "waiting") this.state = "told";
  }

  next(): T | undefined {
    while (this.advance()) {
      this.consumed++;
      const record = this.positioned ? this.unpaired() : this.item;
      if (record !== undefined) return record as T;
    }
    if (this.positioned && !this.reported && this.isDrained) this.reportEnd();
    return undefined;
  }

  /** What the iterable gave with the record; without positions its number, from 0, since the iterable was opened. */
  place(): SourcePosition {
    return { split: this.current!.id, position: this.positioned ? this.position : this.consumed - 1 };
  }

  takeEndedSplits(): readonly number[] {
    if (this.state !== "done" || !this.ended) return [];
    this.state = "told";
    return [0];
  }

  get ended(): boolean {
    return this.state === "told" || (this.isDrained && (this.noMore || !this.positioned));
  }

  snapshot(): readonly IterableSplit[] {
    if (this.current === undefined || this.ended) return [];
    if (!this.positioned) return [this.current];
    assertJson(this.position);
    return [{ ...this.current, position: this.position }];
  }

  async close(): Promise<void> {
    this.iterator?.return?.();
    this.more?.();
  }

  private get isDrained(): boolean {
    return this.state === "done" && this.head === this.ahead.length;
  }

  /** The enumerator says where the source ends: it has to know it before the split is gone from snapshots. */
  private reportEnd(): void {
    assertJson(this.position);
    this.reported = true;
    this.context.requestSplits({ ended: this.position } satisfies IterableReport);
  }

  private read(split: IterableSplit): void {
    const items = this.open(split);
    if (Symbol.asyncIterator in items) void this.readAhead(items);
    else this.iterator = items[Symbol.iterator]();
  }

  private unpaired(): unknown {
    const [record, position] = pairOf(this.item);
    this.position = position;
    return record;
  }

  /** Moves on to the next item; false when there is none at the moment. */
  private advance(): boolean {
    if (this.iterator === undefined) return this.advanceAhead();
    const step = this.iterator.next();
    if (step.done === true) {
      this.iterator = undefined;
      this.state = "done";
      return false;
    }
    this.item = step.value;
    return true;
  }

  private advanceAhead(): boolean {
    if (this.head === this.ahead.length) return false;
    this.item = this.ahead[this.head++];
    if (this.head === this.ahead.length) {
      this.ahead = [];
      this.head = 0;
      this.more?.();
    }
    return true;
  }

  private async readAhead(items: AsyncIterable<unknown>): Promise<void> {
    const { signal } = this.context;
    try {
      for await (const item of items) {
        if (signal.aborted) return;
        this.ahead.push(item);
        this.context.wake();
        if (this.ahead.length < AHEAD_MAX) continue;
        await new Promise<void>((resolve) => {
          this.more = resolve;
        });
        this.more = undefined;
      }
      if (signal.aborted) return;
      this.state = "done";
      this.context.wake();
    } catch (error) {
      if (!signal.aborted) this.context.fail(error);
    }
  }
}
