/**
 * A task at the head of a job: pulls records from a reader through a generated loop, and makes watermarks
 * from what it has seen of each split.
 */
import type { Barrier } from "../checkpoint/barrier.js";
import type { SourceLogic } from "../operators/source.js";
import type { SourceReader, Split } from "../source/contract.js";
import type { Chain } from "./chain-code.js";
import type { EdgeOutput } from "./edge-code.js";
import { Task } from "./task.js";

/** Largest timestamp seen of each split, by ordinal; the generated loop writes it. */
class SplitTimes {
  max = new Float64Array(256).fill(Number.NEGATIVE_INFINITY);
  count = 0;

  note(split: number, timestamp: number): void {
    if (split >= this.max.length) {
      const grown = new Float64Array(Math.max(split + 1, this.max.length * 2)).fill(Number.NEGATIVE_INFINITY);
      grown.set(this.max);
      this.max = grown;
    }
    if (split >= this.count) this.count = split + 1;
    if (timestamp > this.max[split]!) this.max[split] = timestamp;
  }
}

type Pump = (limit: number) => number;

export class SourceTask extends Task {
  private reader!: SourceReader;
  private logic!: SourceLogic;
  private pump!: Pump;
  private readonly times = new SplitTimes();
  private emitted = Number.NEGATIVE_INFINITY;
  private records = 0;
  /** Per split: the largest timestamp at the last look, and when it last changed. */
  private lookedAt: number[] = [];
  private changedAt: number[] = [];
  private idle = false;
  /** The barrier behind which the job ends: no more is read. */
  private stopping: Barrier | undefined;
  /** The newest checkpoint triggered here. */
  private triggered = 0;
  /** Splits given behind the trigger of a checkpoint that was not taken yet: it does not hold them. */
  private waitingSplits: { readonly splits: readonly Split[] | undefined; readonly behind: number }[] = [];

  wireSource(logic: SourceLogic, reader: SourceReader, chain: Chain, edges: readonly EdgeOutput[]): void {
    this.wire(chain, edges);
    this.logic = logic;
    this.reader = reader;
    this.pump = this.compilePump(chain);
  }

  override async open(): Promise<void> {
    await super.open();
    if (!this.finishedData) this.reader.start();
  }

  override async close(aborted: boolean): Promise<void> {
    await this.reader?.close();
    await super.close(aborted);
  }

  /** The coordinator triggers a checkpoint here. */
  override trigger(barrier: Barrier): void {
    this.triggered = barrier.id;
    if (barrier.purpose === "checkpoint" || barrier.purpose === "savepoint")
      this.checkpoints?.trigger(barrier);
    else {
      this.stopping = barrier;
      if (barrier.purpose === "stop" || this.finishedData) this.checkpoints?.trigger(barrier);
    }
    this.wiring.wake();
  }

  override aborted(checkpoint: number): void {
    // Not stopped after all: reading goes on. (What was drained cannot be taken back: the coordinator restarts.)
    if (this.stopping?.purpose === "stop" && this.stopping.id === checkpoint) this.stopping = undefined;
    super.aborted(checkpoint);
  }

  /** `undefined`: there will be no more. */
  addSplits(splits: readonly Split[] | undefined): void {
    if (this.checkpoints?.pending === true || this.waitingSplits.length > 0) {
      this.waitingSplits.push({ splits, behind: this.triggered });
    } else this.giveSplits(splits);
    this.wiring.wake();
  }

  override prepareSnapshot(checkpoint: number): void {
    this.takeWaiting(checkpoint);
    super.prepareSnapshot(checkpoint);
  }

  private giveSplits(splits: readonly Split[] | undefined): void {
    if (splits === undefined) this.reader.noMoreSplits();
    else this.reader.addSplits(splits);
  }

  /** Hands on the splits that came before the trigger of `checkpoint`. */
  private takeWaiting(checkpoint: number): void {
    const due = this.waitingSplits.filter(({ behind }) => behind < checkpoint);
    this.waitingSplits = this.waitingSplits.filter(({ behind }) => behind >= checkpoint);
    for (const { splits } of due) this.giveSplits(splits);
  }

  override completed(checkpoint: number): void {
    super.completed(checkpoint);
    const { stopping } = this;
    if (stopping?.purpose === "stop" && checkpoint >= stopping.id && this.phase === "running")
      this.endOutputs();
  }

  override turn(): boolean {
    const before = this.phase;
    const moved = super.turn();
    if (this.waitingSplits.length > 0 && this.checkpoints?.pending !== true) {
      this.takeWaiting(Number.POSITIVE_INFINITY);
    }
    // Drained: what the end of data led to goes before the barrier.
    if (before !== "awaiting" && this.finishedData && this.stopping?.purpose === "terminate") {
      this.checkpoints?.trigger(this.stopping);
    }
    return moved;
  }

  override report(): void {
    super.report();
    const { metrics } = this.wiring;
    metrics.set("recordsIn", this.records);
    metrics.set("consumed", this.reader.consumed);
    metrics.set("watermark", this.emitted);
  }

  protected override get inputEnded(): boolean {
    return this.readingEnded && this.emitted === Number.POSITIVE_INFINITY && !this.stopped;
  }

  /** Behind the barrier of a stop nothing comes: what would, has its place in the run that goes on from there. */
  private get stopped(): boolean {
    return this.stopping?.purpose === "stop";
  }

  private get readingEnded(): boolean {
    return this.reader.ended || this.stopping?.purpose === "terminate";
  }

  protected override take(): number {
    if (this.stopped) return 0;
    const taken = this.stopping === undefined ? this.pump(this.limit) : 0;
    this.records += taken;
    this.advanceTime();
    return taken;
  }

  /** After a turn: the smallest time over the splits being read, if it moved. */
  private advanceTime(): void {
    for (const ended of this.reader.takeEndedSplits()) this.times.note(ended, Number.POSITIVE_INFINITY);
    if (this.readingEnded) {
      if (this.emitted !== Number.POSITIVE_INFINITY) this.emit(Number.POSITIVE_INFINITY);
      return;
    }
    const strategy = this.logic.watermarks;
    if (strategy === undefined) return;
    let least = Number.POSITIVE_INFINITY;
    const { max, count } = this.times;
    const idleAfter = strategy.idlenessMs;
    for (let split = 0; split < count; split++) {
      if (idleAfter > 0 && this.isIdle(split, max[split]!, idleAfter)) continue;
      if (max[split]! < least) least = max[split]!;
    }
    const nothing = least === Number.POSITIVE_INFINITY;
    if (idleAfter > 0 && nothing !== this.idle) {
      this.idle = nothing;
      for (const output of this.outputs) output.idle(nothing);
    }
    const watermark = least - strategy.outOfOrdernessMs - 1;
    if (!nothing && watermark > this.emitted) this.emit(watermark);
  }

  private isIdle(split: number, max: number, idleAfter: number): boolean {
    const now = this.wiring.now();
    if (this.lookedAt[split] !== max) {
      this.lookedAt[split] = max;
      this.changedAt[split] = now;
    }
    return now - (this.changedAt[split] ?? now) >= idleAfter;
  }

  private emit(watermark: number): void {
    this.emitted = watermark;
    this.beginAdvance(watermark);
  }

  /** The loop around `reader.next()`: one function with the chain's head inlined into it. */
  private compilePump(chain: Chain): Pump {
    const { watermarks, validate } = this.logic;
    return chain.compile(`${this.name}-pump`, "limit", (code) => {
      const reader = code.bind(this.reader, "reader");
      const gate = code.bind(this.readGate, "gate");
      const value = code.fresh();
      const time = code.fresh();
      code.line("let taken = 0;");
      code.line(`while (taken < limit && ${gate}.level === 0) {`);
      code.at(this.name, value);
      code.line(`${value} = ${reader}.next();`);
      code.line(`if (${value} === undefined) break;`);
      code.line("taken++;");
      if (validate !== undefined) code.line(`${value} = ${code.bind(validate, "validate")}(${value});`);
      if (watermarks === undefined) code.line(`${time} = NaN;`);
      else {
        const times = code.bind(this.times, "times");
        code.line(`${time} = +${code.bind(watermarks.timestampOf, "timestampOf")}(${value});`);
        code.line(`if (${time} !== ${time}) ${code.bind(refuseTime, "refuseTime")}();`);
        code.line(
          `if (!(${time} <= ${times}.max[${reader}.split])) ${times}.note(${reader}.split, ${time});`,
        );
      }
      code.targets(0, undefined, value, time, "0");
      code.line("}");
      code.line("return taken;");
    }) as unknown as Pump;
  }
}

function refuseTime(): never {
  throw new TypeError("the timestamp function of the source gave no time (ms since the epoch or a Date)");
}
