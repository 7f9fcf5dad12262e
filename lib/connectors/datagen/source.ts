import { MillraceError } from "../../base/error.js";
import { type Random, seededRandom } from "../../base/random.js";
import type {
  ReaderContext,
  SourceDefinition,
  SourcePosition,
  SourceReader,
  Split,
} from "../../source/contract.js";
import { StaticEnumerator } from "../../source/static-enumerator.js";

/** What `datagenSource` takes. */
export interface DatagenOptions<T> {
  /** How many records in all; the stream never ends without it. */
  readonly count?: number;
  /** Makes the record of an index. `random` is seeded by the index, so that runs agree. */
  readonly record: (index: number, random: Random) => T;
  /** Into how many splits the indexes are dealt; also the highest parallelism. Default 128. */
  readonly splits?: number;
}

/** Every index that is `step` further, from `next` on; it holds its step, as the option may change. */
export interface Stride extends Split {
  readonly next: number;
  readonly step: number;
}

/**
 * Makes records from their index: for trying things out, tests and load.
 *
 * @example
 * env.source("clicks", datagenSource({ count: 1000, record: (i, random) => ({ user: random.u32() % 10, at: i }) }));
 *
 * Throws OPTION_INVALID.
 */
export function datagenSource<T>(options: DatagenOptions<T>): SourceDefinition<T, Stride> {
  const { count = Number.POSITIVE_INFINITY, record, splits = 128 } = options;
  if (!(count >= 0)) throw new MillraceError("OPTION_INVALID", `datagenSource: count is ${count}`);
  const isBounded = count !== Number.POSITIVE_INFINITY;
  return {
    kind: "datagen",
    boundedness: isBounded ? "bounded" : "unbounded",
    replayable: true,
    parallelismMax: splits,
    description: { count: isBounded ? count : "unbounded" },
    createEnumerator: (context) => {
      const all = Array.from({ length: splits }, (_, i): Stride => {
        return { id: `stride-${i}`, next: i, step: splits };
      });
      return new StaticEnumerator(all, context, isBounded ? count : undefined);
    },
    createReader: (context) => new DatagenReader(record, count, context),
  };
}

class DatagenReader<T> implements SourceReader<T, Stride> {
  split = 0;
  consumed = 0;
  private readonly make: (index: number, random: Random) => T;
  private readonly count: number;
  private readonly context: ReaderContext;
  private ids: string[] = [];
  /** By ordinal; infinite when the split has ended. */
  private nexts: number[] = [];
  private steps: number[] = [];
  private turn = -1;
  private open = 0;
  private paused: readonly number[] = [];
  private endedSplits: number[] = [];
  private started = false;
  private noMore = false;

  constructor(make: (index: number, random: Random) => T, count: number, context: ReaderContext) {
    this.make = make;
    this.count = count;
    this.context = context;
  }

  start(): void {
    this.started = true;
    this.context.requestSplits();
  }

  addSplits(splits: readonly Stride[]): void {
    for (const { id, next, step } of splits) {
      this.ids.push(id);
      this.nexts.push(next);
      this.steps.push(step);
      this.open++;
    }
    if (this.started) this.context.requestSplits();
  }

  noMoreSplits(): void {
    this.noMore = true;
  }

  next(): T | undefined {
    for (let passed = 0; this.open > 0; ) {
      this.turn = this.turn + 1 === this.nexts.length ? 0 : this.turn + 1;
      const index = this.nexts[this.turn]!;
      if (this.paused.length > 0 && this.paused.includes(this.turn)) {
        if (++passed === this.nexts.length) return undefined;
        continue;
      }
      if (index < this.count) {
        this.nexts[this.turn] = index + this.steps[this.turn]!;
        this.split = this.turn;
        this.consumed++;
        return this.make(index, seededRandom(index));
      }
      if (index !== Number.POSITIVE_INFINITY) {
        this.nexts[this.turn] = Number.POSITIVE_INFINITY;
        this.endedSplits.push(this.turn);
        this.open--;
      }
    }
    return undefined;
  }

  pauseSplits(ordinals: readonly number[]): void {
    this.paused = ordinals;
  }

  /** The record's index. */
  place(): SourcePosition {
    const { turn } = this;
    return { split: this.ids[turn]!, position: this.nexts[turn]! - this.steps[turn]! };
  }

  get splitsBegun(): number {
    return this.nexts.length;
  }

  takeEndedSplits(): readonly number[] {
    return this.endedSplits.splice(0);
  }

  get ended(): boolean {
    return this.noMore && this.open === 0;
  }

  snapshot(): readonly Stride[] {
    return this.ids
      .map((id, i) => ({ id, next: this.nexts[i]!, step: this.steps[i]! }))
      .filter(({ next }) => next !== Number.POSITIVE_INFINITY);
  }

  async close(): Promise<void> {}
}
