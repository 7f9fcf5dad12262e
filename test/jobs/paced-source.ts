/** A source for tests of recovery: lanes of numbered records at a pace, so that a job runs as long as it must. */
import type { ReaderContext, SourceDefinition, SourceReader, Split } from "../../lib/source/contract.js";
import { StaticEnumerator } from "../../lib/source/static-enumerator.js";

export interface Paced {
  readonly lane: number;
  /** Counts the records of its lane from 0; also its event time, in ms. */
  readonly id: number;
}

interface PacedLane extends Split {
  readonly lane: number;
  readonly next: number;
}

export interface PacedOptions {
  /** Records of each lane; Infinity: the lane never ends. */
  readonly counts: readonly number[];
  /** Records per lane and tick of TICK_MS. */
  readonly perTick: number;
  /** Number of the first lane; default 0. */
  readonly firstLane?: number;
}

const TICK_MS = 5;

/** One split a lane. Pure in what it gives: record `id` of a lane is the same in every run. */
export function pacedSource({
  counts: given,
  perTick,
  firstLane = 0,
}: PacedOptions): SourceDefinition<Paced, PacedLane> {
  const counts = [...Array.from({ length: firstLane }, () => 0), ...given];
  const all = counts.map((_, lane): PacedLane => ({ id: `lane-${lane}`, lane, next: 0 }));
  const lanes = all.slice(firstLane);
  return {
    kind: "paced",
    boundedness: counts.every(Number.isFinite) ? "bounded" : "unbounded",
    replayable: true,
    parallelismMax: lanes.length,
    description: { lanes: lanes.length },
    createEnumerator: (context) => new StaticEnumerator(lanes, context, undefined),
    createReader: (context) => new PacedReader(counts, perTick, context),
  };
}

class PacedReader implements SourceReader<Paced, PacedLane> {
  split = 0;
  consumed = 0;
  private readonly counts: readonly number[];
  private readonly perTick: number;
  private readonly context: ReaderContext;
  private readonly lanes: { lane: number; next: number; due: number; told: boolean }[] = [];
  private noMore = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(counts: readonly number[], perTick: number, context: ReaderContext) {
    this.counts = counts;
    this.perTick = perTick;
    this.context = context;
  }

  start(): void {
    this.context.requestSplits();
    this.timer = setInterval(() => {
      for (const lane of this.lanes) lane.due = lane.next + this.perTick;
      this.context.wake();
    }, TICK_MS);
  }

  addSplits(splits: readonly PacedLane[]): void {
    const restored = this.timer === undefined;
    for (const { lane, next } of splits) this.lanes.push({ lane, next, due: next, told: false });
    if (!restored) this.context.requestSplits();
  }

  noMoreSplits(): void {
    this.noMore = true;
  }

  next(): Paced | undefined {
    for (let tries = 0; tries < this.lanes.length; tries++) {
      this.split = (this.split + 1) % this.lanes.length;
      const at = this.lanes[this.split]!;
      if (at.next >= Math.min(at.due, this.counts[at.lane]!)) continue;
      this.consumed++;
      return { lane: at.lane, id: at.next++ };
    }
    return undefined;
  }

  get splitsBegun(): number {
    return this.lanes.length;
  }

  takeEndedSplits(): readonly number[] {
    return this.lanes.flatMap((lane, ordinal) => {
      if (lane.told || lane.next < this.counts[lane.lane]!) return [];
      lane.told = true;
      return [ordinal];
    });
  }

  get ended(): boolean {
    return this.noMore && this.lanes.every(({ lane, next }) => next >= this.counts[lane]!);
  }

  snapshot(): readonly PacedLane[] {
    return this.lanes
      .filter(({ lane, next }) => next < this.counts[lane]!)
      .map(({ lane, next }) => ({ id: `lane-${lane}`, lane, next }));
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
  }
}
