/** A source whose every record follows from its place, cut into splits in time order and given out one at a time. */
import type {
  EnumeratorContext,
  ReaderContext,
  SourceDefinition,
  SourcePosition,
  SourceReader,
  Split,
  SplitEnumerator,
} from "../source/contract.js";
import type { Life, World } from "./world.js";

export interface SimRecord {
  /** source-split-position */
  readonly id: string;
  readonly key: number;
  /** Event time, ms. */
  readonly time: number;
  readonly value: number;
  readonly text: string;
}

export interface ReplaySplit extends Split {
  readonly index: number;
  readonly count: number;
  readonly given: number;
}

/** Event time between two records of a split, and how far one may come early or late. */
const STEP_MS = 10;
export const DISORDER_MS = 30;
const KEYS = 7;
const FIND_MS = 2;

export interface ReplayOptions {
  readonly name: string;
  readonly splits: number;
  /** Records of each split. */
  readonly records: number;
  /** The last split has no end. */
  readonly endless?: boolean;
  /** How many records of other sources come before, in time; default none. */
  readonly before?: number;
  /** Mean time until a split is found, ms; default FIND_MS. */
  readonly findMs?: number;
}

/** A split's records never end for anybody who asks. */
const NO_END = 1_000_000_000;

export function splitsOf({ splits, records, endless = false }: ReplayOptions): ReplaySplit[] {
  return Array.from({ length: splits }, (_, index) => ({
    id: `${index}`,
    index,
    count: endless && index === splits - 1 ? NO_END : records,
    given: 0,
  }));
}

/** The record at a place: hashed, so that values look random. */
export function recordAt(
  { name, records, before = 0 }: ReplayOptions,
  split: number,
  position: number,
): SimRecord {
  const place = before + split * records + position;
  const noise = mix(place * 31 + name.length * 7919 + name.charCodeAt(0));
  return {
    id: `${name}-${split}-${position}`,
    key: noise % KEYS,
    time: place * STEP_MS + ((noise >>> 5) % DISORDER_MS),
    value: (noise >>> 9) % 100,
    text: "x".repeat(noise % 11 === 0 ? (noise >>> 13) % 900 : (noise >>> 13) % 9),
  };
}

/** What `before` is of the source that comes next. */
export function endOf({ splits, records, before = 0 }: ReplayOptions): number {
  return before + splits * records;
}

/** All records of a source that ends. */
export function recordsOf(options: ReplayOptions): SimRecord[] {
  return splitsOf(options).flatMap(({ index, count }) =>
    Array.from({ length: count }, (_, position) => recordAt(options, index, position)),
  );
}

export function replaySource(
  options: ReplayOptions,
  world: World,
  coordinator: () => Life,
): SourceDefinition<SimRecord, ReplaySplit> {
  return {
    kind: "replay",
    boundedness: options.endless === true ? "unbounded" : "bounded",
    replayable: true,
    description: { ...options },
    createEnumerator: (context) => new ReplayEnumerator(options, context, world, coordinator()),
    createReader: (context) => new ReplayReader(options, context, world),
  };
}

class ReplayEnumerator implements SplitEnumerator<ReplaySplit> {
  readonly total = undefined;
  private readonly left: ReplaySplit[];
  private readonly world: World;
  private readonly life: Life;
  private readonly findMs: number;
  private readonly end: number;

  constructor(options: ReplayOptions, { restored }: EnumeratorContext, world: World, life: Life) {
    this.left = restored === undefined ? splitsOf(options) : [...(restored as readonly ReplaySplit[])];
    this.world = world;
    this.life = life;
    this.findMs = options.findMs ?? FIND_MS;
    this.end = endOf(options);
  }

  async start(): Promise<void> {
    await this.world.wait(this.life, this.world.delay(1), "enumerator starts");
  }

  async request(): Promise<readonly ReplaySplit[] | undefined> {
    // A slow one is on its way for long: it is neither here nor there.
    const early = this.findMs > FIND_MS ? this.left.shift() : undefined;
    await this.world.wait(this.life, this.world.delay(this.findMs), "split found");
    const next = early ?? this.left.shift();
    return next === undefined ? undefined : [next];
  }

  addSplitsBack(splits: readonly ReplaySplit[]): void {
    this.left.unshift(...splits);
  }

  snapshot(): readonly ReplaySplit[] {
    return [...this.left];
  }

  endPosition(): number {
    return this.end;
  }

  async close(): Promise<void> {}
}

/** Reads its splits one after the other, the earliest first, and pauses now and then. */
class ReplayReader implements SourceReader<SimRecord, ReplaySplit> {
  split = 0;
  consumed = 0;
  private readonly options: ReplayOptions;
  private readonly context: ReaderContext;
  private readonly world: World;
  private splits: { readonly split: ReplaySplit; given: number }[] = [];
  private at = 0;
  private endedSplits: number[] = [];
  private asked = false;
  private started = false;
  private noMore = false;

  constructor(options: ReplayOptions, context: ReaderContext, world: World) {
    this.options = options;
    this.context = context;
    this.world = world;
  }

  start(): void {
    this.started = true;
    this.splits.sort((a, b) => a.split.index - b.split.index);
  }

  addSplits(splits: readonly ReplaySplit[]): void {
    this.asked = false;
    for (const split of splits) this.splits.push({ split, given: split.given });
  }

  noMoreSplits(): void {
    this.noMore = true;
  }

  next(): SimRecord | undefined {
    for (;;) {
      const current = this.splits[this.at];
      if (current === undefined) {
        this.ask();
        return undefined;
      }
      const { split } = current;
      if (current.given < split.count) {
        if (this.world.chance(0.15)) return undefined;
        this.split = this.at;
        this.consumed++;
        return recordAt(this.options, split.index, current.given++);
      }
      this.endedSplits.push(this.at++);
    }
  }

  place(): SourcePosition {
    const { split, given } = this.splits[this.split]!;
    return { split: split.id, position: given - 1 };
  }

  takeEndedSplits(): readonly number[] {
    return this.endedSplits.splice(0);
  }

  get ended(): boolean {
    return this.noMore && this.at === this.splits.length;
  }

  snapshot(): readonly ReplaySplit[] {
    return this.splits.slice(this.at).map(({ split, given }) => ({ ...split, given }));
  }

  async close(): Promise<void> {}

  private ask(): void {
    if (this.asked || this.noMore || !this.started) return;
    this.asked = true;
    this.context.requestSplits();
  }
}

/** SplitMix32's finaliser. */
function mix(n: number): number {
  let z = Math.imul(n + 1, 0x9e3779b9);
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
