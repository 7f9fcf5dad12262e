/**
 * A task at the head of a job: pulls records from a reader through a generated loop, and makes watermarks
 * from what it has seen of each split.
 */
import type { Barrier } from "../checkpoint/barrier.js";
import type { SourceLogic } from "../operators/source.js";
import type { SourcePosition, SourceReader, Split } from "../source/contract.js";
import { SplitWatermarks } from "../time/split-watermarks.js";
import { TIMESTAMP_MAX, timestampOf } from "../time/timestamps.js";
import { WATERMARK_MAX, WATERMARK_MIN } from "../time/watermark-valve.js";
import type { WatermarkStrategy } from "../time/watermarks.js";
import type { Chain, ChainCode } from "./chain-code.js";
import type { EdgeOutput } from "./edge-code.js";
import { Task } from "./task.js";

type Pump = (limit: number) => number;

export class SourceTask extends Task {
  private reader!: SourceReader;
  private logic!: SourceLogic;
  private pump!: Pump;
  /** Absent: the source tells no event time. */
  private marks: SplitWatermarks | undefined;
  /** How event time is told, by stage of the reader, and the stage that it is in. */
  private strategies: readonly (WatermarkStrategy<any> | undefined)[] = [];
  private stage = 0;
  private emitted = WATERMARK_MIN;
  private records = 0;
  /** A record is on its way from the reader through the chain. */
  private isReading = false;
  /** Time in which there was nothing that kept the task from reading, ms, and when that was last looked at. */
  private readingMs = 0;
  private lookedAt = Number.NaN;
  private hasLooked = false;
  /** Up to which event time it reads, where it is aligned with others, and whether it has come further. */
  private limitedTo = WATERMARK_MAX;
  private isAhead = false;
  /** The splits that the reader was told to pause. */
  private pausedSplits = "";
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
    this.chain = chain;
    this.strategies = strategiesOf(logic);
    const some = this.strategies.find((each) => each !== undefined);
    if (some !== undefined) this.marks = new SplitWatermarks(some);
    // It waits for the others from the beginning: until it is told, it reads until it has a watermark.
    if (logic.watermarks?.alignment !== undefined) this.align(WATERMARK_MIN);
    this.enter(reader.stage ?? 0);
  }

  override async open(): Promise<void> {
    await super.open();
    if (!this.finishedData) this.reader.start();
  }

  override async close(aborted: boolean): Promise<void> {
    try {
      await this.reader?.close();
    } finally {
      await super.close(aborted);
    }
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

  /** The coordinator says up to which event time it may read. */
  align(limit: number): void {
    this.limitedTo = limit;
    this.holdBack();
    this.wiring.wake();
  }

  override restoreFinished(): void {
    super.restoreFinished();
    this.emitted = WATERMARK_MAX;
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
    this.hasLooked = false;
    const moved = super.turn();
    // A task that did not come to reading does not know what its splits have.
    if (!this.hasLooked) this.lookedAt = Number.NaN;
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
    metrics.set("sourceIdle", this.isWaiting ? 1 : 0);
  }

  /** Idle, or one of many aligned readers that has no split: nobody knows whether it ever gets one. */
  private get isWaiting(): boolean {
    const { marks, reader, logic } = this;
    if (marks === undefined || marks.allIdle) return marks !== undefined;
    return logic.watermarks?.alignment !== undefined && marks.hasNoSplit && reader.snapshot().length === 0;
  }

  protected override get inputEnded(): boolean {
    return this.readingEnded && this.emitted === WATERMARK_MAX && !this.stopped;
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
    const { stage = 0 } = this.reader;
    if (stage !== this.stage) this.enter(stage);
    this.wiring.latency?.turn(this.wiring.now());
    let taken = 0;
    // While it is ahead, nobody knows what its splits have.
    if (this.isAhead) this.lookedAt = Number.NaN;
    else if (this.stopping === undefined) {
      do taken += this.read(this.limit - taken);
      while (this.marks?.moved === true && this.sendSaid(this.marks) && taken < this.limit);
    }
    this.records += taken;
    this.advanceTime();
    return taken;
  }

  private read(limit: number): number {
    this.isReading = true;
    try {
      return this.pump(limit);
    } finally {
      this.isReading = false;
    }
  }

  /** Where the record lies that the chain is at work on; undefined where that is not the one last read. */
  position(): SourcePosition | undefined {
    return this.isReading ? this.reader.place?.() : undefined;
  }

  /** A watermark that a record has said goes on right behind it. False: nothing may be read at the moment. */
  private sendSaid(marks: SplitWatermarks): boolean {
    marks.moved = false;
    this.advanceTime();
    return !this.blocked && !this.readingEnded && !this.isAhead;
  }

  /** Looks at what is known of event time. */
  private advanceTime(): void {
    const { marks } = this;
    for (const ended of this.reader.takeEndedSplits()) marks?.end(ended);
    if (this.readingEnded) {
      this.becomeIdle(false);
      if (this.emitted !== WATERMARK_MAX) this.emit(WATERMARK_MAX);
      return;
    }
    if (marks === undefined) return;
    if (this.reader.splitsBegun !== undefined) marks.begin(this.reader.splitsBegun);
    this.lookAtClock();
    this.askGenerators(marks);
    const advanced = marks.combine(this.readingMs);
    this.becomeIdle(marks.allIdle);
    this.holdBack();
    if (advanced) this.emit(marks.current);
  }

  /** Pauses what is ahead: the splits one by one where the reader can, and all of it when its watermark is. */
  private holdBack(): void {
    const { marks, limitedTo, reader } = this;
    if (marks === undefined || this.logic.watermarks?.alignment === undefined) return;
    this.isAhead = marks.current > limitedTo;
    if (reader.pauseSplits === undefined) {
      marks.stopBehind(limitedTo);
      return;
    }
    const ahead = marks.pauseAhead(limitedTo);
    if (ahead.join() === this.pausedSplits) return;
    this.pausedSplits = ahead.join();
    reader.pauseSplits(ahead);
  }

  private lookAtClock(): void {
    const now = this.wiring.now();
    this.hasLooked = true;
    if (now > this.lookedAt) this.readingMs += now - this.lookedAt;
    this.lookedAt = now;
  }

  private askGenerators(marks: SplitWatermarks): void {
    try {
      marks.ask(this.lookedAt);
    } catch (error) {
      this.wiring.failed(error, this.name, undefined);
    }
  }

  private emit(watermark: number): void {
    this.emitted = watermark;
    this.beginAdvance(watermark);
  }

  /** What the reader gives from here on tells event time in another way, maybe. */
  private enter(stage: number): void {
    this.stage = stage;
    const strategy = this.strategies[Math.min(stage, this.strategies.length - 1)];
    if (this.pump !== undefined) {
      if (this.strategies.length === 1) return;
      if (strategy !== undefined) this.marks = this.marks!.toldBy(strategy);
      this.holdBack();
    }
    this.pump = this.compilePump(this.chain, strategy);
  }

  /** The loop around `reader.next()`: one function with the chain's head inlined into it. */
  private compilePump(chain: Chain, watermarks: WatermarkStrategy<any> | undefined): Pump {
    const { validate } = this.logic;
    return chain.compile(`${this.name}-pump`, "limit", (code) => {
      const reader = code.bind(this.reader, "reader");
      const gate = code.bind(this.readGate, "gate");
      const value = code.fresh();
      const time = code.fresh();
      code.line("let taken = 0;");
      code.line(`while (taken < limit && ${gate}.level === 0) {`);
      code.at(this.name, value);
      // What the reader throws is not about the record before.
      code.line(`${value} = undefined;`);
      code.line(`${value} = ${reader}.next();`);
      code.line(`if (${value} === undefined) break;`);
      code.line("taken++;");
      if (validate !== undefined) code.line(`${value} = ${code.bind(validate, "validate")}(${value});`);
      if (watermarks === undefined || this.marks === undefined) {
        code.line(`${time} = NaN;`);
        code.targets(0, undefined, value, time, "0");
      } else {
        code.line(`${time} = ${code.bind(watermarks.timestampOf, "timeOf")}(${value});`);
        const isTime = `${time} <= ${TIMESTAMP_MAX} && ${time} >= -${TIMESTAMP_MAX}`;
        code.line(`if (typeof ${time} !== "number" || !(${isTime}))`);
        code.line(`  ${time} = ${code.bind(timestampOf, "timestampOf")}(${time});`);
        this.writeMarks(code, watermarks, { marks: code.bind(this.marks, "marks"), reader, value, time });
      }
      code.line("}");
      code.line("return taken;");
    }) as unknown as Pump;
  }

  /** What a record says of event time, and the steps of everything that reads the source. */
  private writeMarks(
    code: ChainCode,
    { generation, idlenessMs, alignment }: WatermarkStrategy,
    { marks, reader, value, time }: Readonly<Record<"marks" | "reader" | "value" | "time", string>>,
  ): void {
    const split = `${reader}.split`;
    if (generation.kind === "bounded") {
      code.line(`if (!(${time} <= ${marks}.max[${split}])) ${marks}.note(${split}, ${time});`);
    } else if (generation.kind === "periodic") {
      code.line(`${marks}.onRecord(${split}, ${value}, ${time});`);
    } else code.line(`${marks}.punctuate(${split}, ${value}, ${time});`);
    if (idlenessMs > 0) code.line(`${marks}.seen[${split}] = 1;`);
    if (alignment !== undefined)
      code.line(`if (${marks}.max[${split}] > ${marks}.stopAt) ${marks}.moved = true;`);
    code.targets(0, undefined, value, time, "0");
    if (generation.kind === "punctuated" || alignment !== undefined) code.line(`if (${marks}.moved) break;`);
  }
}

/** By stage; at least one. Sources keep together as a whole. */
function strategiesOf({ watermarks, source }: SourceLogic): (WatermarkStrategy<any> | undefined)[] {
  return (source?.watermarks ?? [undefined]).map((own) =>
    own === undefined ? watermarks : { ...own, alignment: watermarks?.alignment },
  );
}
