import type { ReaderContext, SourceDefinition, SourceReader, Split } from "../../lib/source/contract.js";
import { StaticEnumerator } from "../../lib/source/static-enumerator.js";

export interface PacedOptions<T> {
  /** Records a second over all subtasks, after the first ones. */
  readonly rate: number;
  /** Records that come as fast as they are taken, before the clock begins. */
  readonly first: number;
  readonly splits: number;
  readonly record: (index: number) => T;
}

interface Stride extends Split {
  readonly next: number;
}

/**
 * How often records are released, ms: several at once, as a broker's fetches give them. One by one a host would
 * never sleep, and every run would take all of a core, whatever its work costs.
 */
const RELEASE_MS = 4;

/** Makes records from their index and releases them by the clock. Only the last split given to a reader is read. */
export function pacedSource<T>(options: PacedOptions<T>): SourceDefinition<T, Stride> {
  const { splits } = options;
  return {
    kind: "paced",
    boundedness: "unbounded",
    replayable: true,
    parallelismMax: splits,
    description: {},
    createEnumerator: (context) => {
      const all = Array.from({ length: splits }, (_, i): Stride => ({ id: `stride-${i}`, next: i }));
      return new StaticEnumerator(all, context, undefined);
    },
    createReader: (context) => new PacedReader(options, context),
  };
}

class PacedReader<T> implements SourceReader<T, Stride> {
  readonly split = 0;
  consumed = 0;
  readonly ended = false;
  private readonly options: PacedOptions<T>;
  private readonly context: ReaderContext;
  private id = "";
  private at = Number.POSITIVE_INFINITY;
  private released = 0;
  /** When the clock began, and with which index. */
  private since = Number.NaN;
  private from = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: PacedOptions<T>, context: ReaderContext) {
    this.options = options;
    this.context = context;
    this.released = options.first;
  }

  start(): void {
    if (this.id === "") this.context.requestSplits();
  }

  addSplits(splits: readonly Stride[]): void {
    for (const { id, next } of splits) {
      this.id = id;
      this.at = next;
    }
    this.context.wake();
  }

  noMoreSplits(): void {}

  next(): T | undefined {
    if (this.at >= this.released && !this.release()) return undefined;
    const { at } = this;
    this.at += this.options.splits;
    this.consumed++;
    return this.options.record(at);
  }

  takeEndedSplits(): readonly number[] {
    return [];
  }

  snapshot(): readonly Stride[] {
    return this.id === "" ? [] : [{ id: this.id, next: this.at }];
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
  }

  private release(): boolean {
    if (this.id === "") return false;
    if (Number.isNaN(this.since)) {
      this.since = performance.now();
      this.from = this.at;
    }
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.released = this.from + ((performance.now() - this.since) * this.options.rate) / 1000;
      this.context.wake();
    }, RELEASE_MS);
    return false;
  }
}
