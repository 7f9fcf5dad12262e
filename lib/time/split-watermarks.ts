// @hot `note` and what generated code writes, once per record; `combine` once a turn
/**
 * The watermark of one reader, made from what it has seen of each of its splits: the smallest over the splits that are
 * read and not idle (Flink's WatermarkOutputMultiplexer).
 *
 * Invariants
 * - `current` never goes back: a split that is behind it, new or idle before, holds it where it is until it has caught
 *   up. What a generator says that is not later than before is ignored; NaN is refused.
 * - A split that has begun and given nothing yet holds the watermark back, unless it is idle.
 * - A split is idle when it has given no record for longer than the idleness, counted from the first look that
 *   found none; the reader is when all of its splits are, or when it has had none for as long.
 */
import { MillraceError } from "../base/error.js";
import { refusePromise } from "../base/promise-check.js";
import { WATERMARK_MAX, WATERMARK_MIN } from "./watermark-valve.js";
import type { PeriodicGenerator, Timestamp, WatermarkStrategy } from "./watermarks.js";

const FIRST_SPLITS = 64;

export class SplitWatermarks {
  /** By split: the largest timestamp, or what its generator has said. Read by generated code. */
  max = new Float64Array(FIRST_SPLITS).fill(WATERMARK_MIN);
  /** By split: 1 where it gave a record since the last look. Written by generated code. */
  seen = new Uint8Array(FIRST_SPLITS);
  current = WATERMARK_MIN;
  allIdle = false;
  /** Since the last look a generator has said more than before, or a split has come further than `stopAt`. */
  moved = false;
  /** What of `max` means that a split has come as far as it may. Read by generated code. */
  stopAt = WATERMARK_MAX;
  private readonly strategy: WatermarkStrategy<any>;
  /** How far the watermark is behind `max`. */
  private readonly lag: number;
  private readonly ended = new Set<number>();
  /** When a look found nothing new of a split for the first time; NaN: it gave something. */
  private quietSince = new Float64Array(FIRST_SPLITS).fill(Number.NaN);
  private noneSince = Number.NaN;
  private readonly generators: PeriodicGenerator<unknown>[] = [];
  private askedAt = Number.NEGATIVE_INFINITY;
  /** The first split that has not ended, and how many there are. */
  private first = 0;
  private count = 0;

  constructor(strategy: WatermarkStrategy<any>) {
    this.strategy = strategy;
    const { generation } = strategy;
    this.lag = generation.kind === "bounded" ? generation.outOfOrdernessMs + 1 : 0;
  }

  /** The same splits at the same watermark, told by another strategy from here on. */
  toldBy(strategy: WatermarkStrategy<any>): SplitWatermarks {
    const other = new SplitWatermarks(strategy);
    other.begin(this.count);
    other.first = this.first;
    for (const split of this.ended) other.ended.add(split);
    other.current = this.current;
    return other;
  }

  /** As far as is known here: a split may not have given its first record. */
  get hasNoSplit(): boolean {
    return this.count - this.first === this.ended.size;
  }

  /** Raises what is known of a split. */
  note(split: number, time: number): void {
    if (split >= this.count) this.begin(split + 1);
    if (time > this.max[split]!) this.max[split] = time;
  }

  /** The splits below `count` are being read. */
  begin(count: number): void {
    if (count <= this.count) return;
    this.count = count;
    const room = this.max.length;
    if (count <= room) return;
    const larger = Math.max(count, room * 2);
    this.max = grown(this.max, new Float64Array(larger).fill(WATERMARK_MIN));
    this.quietSince = grown(this.quietSince, new Float64Array(larger).fill(Number.NaN));
    const seen = new Uint8Array(larger);
    seen.set(this.seen);
    this.seen = seen;
  }

  end(split: number): void {
    this.begin(split + 1);
    this.ended.add(split);
    while (this.ended.delete(this.first)) this.first++;
  }

  /** Tells the generator of a split about a record. */
  onRecord(split: number, record: unknown, time: number): void {
    this.begin(split + 1);
    this.generators[split] ??= this.newGenerator();
    this.generators[split].onRecord(record, time);
  }

  /** Asks what a record says of the watermark of its split. */
  punctuate(split: number, record: unknown, time: number): void {
    const { generation } = this.strategy;
    if (generation.kind !== "punctuated") return;
    this.begin(split + 1);
    this.say(split, generation.watermarkOf(record, time));
  }

  /** The generators are asked, where it is time. May throw what they throw. */
  ask(now: number): void {
    const { generation } = this.strategy;
    if (generation.kind !== "periodic" || now - this.askedAt < generation.intervalMs) return;
    this.askedAt = now;
    for (let split = this.first; split < this.count; split++) {
      const generator = this.generators[split];
      if (generator !== undefined && !this.ended.has(split)) this.say(split, generator.watermark());
    }
  }

  /**
   * Looks at all splits; true when the watermark advanced. `now`, in ms, counts only while the splits could have given
   * something.
   */
  combine(now: number): boolean {
    const { idlenessMs } = this.strategy;
    this.moved = false;
    let least = WATERMARK_MAX;
    let active = false;
    for (let split = this.first; split < this.count; split++) {
      if (this.ended.size > 0 && this.ended.has(split)) continue;
      if (idlenessMs > 0 && this.isIdle(split, now, idlenessMs)) continue;
      active = true;
      if (this.max[split]! < least) least = this.max[split]!;
    }
    this.allIdle = !active && idlenessMs > 0 && this.isWithout(now, idlenessMs);
    if (active) this.noneSince = Number.NaN;
    const watermark = least - this.lag;
    if (!active || !(watermark > this.current)) return false;
    this.current = watermark;
    return true;
  }

  /** From now on a split whose watermark comes further than `limit` is told of by `moved`. */
  stopBehind(limit: number): void {
    this.stopAt = limit + this.lag;
  }

  /** As `stopBehind`; answers the splits that are further. They are paused: what they do not give says nothing. */
  pauseAhead(limit: number): number[] {
    this.stopBehind(limit);
    const found: number[] = [];
    for (let split = this.first; split < this.count; split++) {
      if (!(this.max[split]! > this.stopAt) || this.ended.has(split)) continue;
      found.push(split);
      this.seen[split] = 1;
    }
    return found;
  }

  private isIdle(split: number, now: number, idlenessMs: number): boolean {
    if (this.seen[split] === 1) {
      this.seen[split] = 0;
      this.quietSince[split] = Number.NaN;
      return false;
    }
    const since = this.quietSince[split]!;
    if (Number.isNaN(since)) this.quietSince[split] = now;
    return now - since > idlenessMs;
  }

  /** No split is active: at once where all are idle, after a while where there is none. */
  private isWithout(now: number, idlenessMs: number): boolean {
    if (!this.hasNoSplit) return true;
    if (Number.isNaN(this.noneSince)) this.noneSince = now;
    return now - this.noneSince > idlenessMs;
  }

  private say(split: number, said: Timestamp | undefined): void {
    if (said === undefined) return;
    const watermark = Number(said);
    if (Number.isNaN(watermark)) {
      refusePromise(said, "the watermark generator");
      throw new MillraceError("WATERMARK_INVALID", `the watermark of a split is ${String(said)}`);
    }
    if (!(watermark > this.max[split]!)) return;
    this.max[split] = watermark;
    this.moved = true;
  }

  private newGenerator(): PeriodicGenerator<unknown> {
    const { generation } = this.strategy;
    if (generation.kind === "periodic") return generation.create();
    throw new MillraceError("INTERNAL", "only strategies with generators have them");
  }
}

function grown(old: Float64Array<ArrayBuffer>, made: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  made.set(old);
  return made;
}
