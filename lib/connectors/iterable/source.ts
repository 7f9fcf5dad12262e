import type { ReaderContext, SourceDefinition, SourceReader, Split } from "../../source/contract.js";
import { StaticEnumerator } from "../../source/static-enumerator.js";

/** What an iterable source's factory is given. */
export interface IterableContext {
  /** Aborted when the job stops: end a request that waits. */
  readonly signal: AbortSignal;
}

/** Makes the records of an iterable source; called in the worker thread. */
export type IterableFactory<T> = (context: IterableContext) => Iterable<T> | AsyncIterable<T>;

/** Records of an asynchronous iterable read ahead of the job. */
const AHEAD_MAX = 1024;

/**
 * Reads an Iterable or AsyncIterable: an array, a generator, an event emitter, a paged API. The factory is
 * called in the worker thread. Runs with parallelism 1.
 *
 * @example
 * env.source("numbers", iterableSource(() => [1, 2, 3]));
 * env.source("ticks", iterableSource(({ signal }) => setInterval(1000, "tick", { signal })));
 */
export function iterableSource<T>(factory: IterableFactory<T>): SourceDefinition<T> {
  return {
    kind: "iterable",
    boundedness: "bounded",
    parallelismMax: 1,
    description: {},
    createEnumerator: () => new StaticEnumerator([[{ id: "iterable" }]], undefined),
    createReader: (context) => new IterableReader(factory, context),
  };
}

class IterableReader<T> implements SourceReader<T, Split> {
  readonly split = 0;
  consumed = 0;
  private readonly factory: IterableFactory<T>;
  private readonly context: ReaderContext;
  private iterator: Iterator<T> | undefined;
  private ahead: T[] = [];
  private head = 0;
  private more: (() => void) | undefined;
  private state: "waiting" | "reading" | "done" | "told" = "waiting";

  constructor(factory: IterableFactory<T>, context: ReaderContext) {
    this.factory = factory;
    this.context = context;
  }

  start(): void {
    this.context.requestSplits();
  }

  addSplits(): void {
    this.state = "reading";
    const records = this.factory({ signal: this.context.signal });
    if (Symbol.asyncIterator in records) void this.readAhead(records);
    else this.iterator = records[Symbol.iterator]();
  }

  noMoreSplits(): void {
    if (this.state === "waiting") this.state = "told";
  }

  next(): T | undefined {
    if (this.iterator === undefined) return this.nextAhead();
    for (;;) {
      const step = this.iterator.next();
      if (step.done === true) {
        this.iterator = undefined;
        this.state = "done";
        return undefined;
      }
      this.consumed++;
      if (step.value !== undefined) return step.value;
    }
  }

  takeEndedSplits(): readonly number[] {
    if (this.state !== "done" || this.head < this.ahead.length) return [];
    this.state = "told";
    return [0];
  }

  get ended(): boolean {
    return (this.state === "done" || this.state === "told") && this.head === this.ahead.length;
  }

  snapshot(): readonly Split[] {
    return this.ended ? [] : [{ id: "iterable" }];
  }

  async close(): Promise<void> {
    this.iterator?.return?.();
    this.more?.();
  }

  private nextAhead(): T | undefined {
    if (this.head === this.ahead.length) return undefined;
    const record = this.ahead[this.head++]!;
    this.consumed++;
    if (this.head === this.ahead.length) {
      this.ahead = [];
      this.head = 0;
      this.more?.();
    }
    return record;
  }

  private async readAhead(records: AsyncIterable<T>): Promise<void> {
    const { signal } = this.context;
    try {
      for await (const record of records) {
        if (signal.aborted) return;
        if (record === undefined) continue;
        this.ahead.push(record);
        this.context.wake();
        if (this.ahead.length < AHEAD_MAX) continue;
        await new Promise<void>((resolve) => {
          this.more = resolve;
        });
        this.more = undefined;
      }
      this.state = "done";
      this.context.wake();
    } catch (error) {
      if (!signal.aborted) this.context.fail(error);
    }
  }
}
