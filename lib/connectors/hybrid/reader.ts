// @hot `next`, once per record
import type { ReaderContext, SourcePosition, SourceReader, Split } from "../../source/contract.js";
import type { SourceChain } from "./chain.js";
import type { HybridReport, HybridSplit } from "./switching.js";

/** What a reader has to read of one source. */
interface Stage<T> {
  readonly source: number;
  /** Where the source before has ended. */
  readonly from: unknown;
  /** Of its splits, by the ordinals that the source's own reader knows. */
  readonly ordinals: number[];
  /** Own ordinals of those that have ended. */
  readonly ended: Set<number>;
  /** Not handed to the reader yet. */
  waiting: Split[];
  /** No more splits will come; the reader knows it when it is "told". */
  over: "no" | "yes" | "told";
  /** The reader has asked for splits, with this report, and nothing has come yet. */
  asks: { readonly report: unknown } | undefined;
  /** Opened when its turn comes. */
  reader: SourceReader<T> | undefined;
}

/**
 * Reads its splits source by source, each with the source's own reader. A reader that goes on from a checkpoint
 * around a switch may have splits of several, and may get splits of an earlier source while it reads a later one (see
 * `Switching`): the earlier ones are read first.
 */
export class HybridReader<T> implements SourceReader<T, HybridSplit> {
  split = 0;
  private readonly chain: SourceChain<T>;
  private readonly context: ReaderContext;
  /** In the order of their sources. */
  private readonly stages: Stage<T>[] = [];
  /** The first one, which is open. */
  private reading: Stage<T> | undefined;
  private readonly closing: Promise<void>[] = [];
  private ordinals = 0;
  private begun = 0;
  private endedSplits: number[] = [];
  private paused: readonly number[] = [];
  /** Of the sources that were read to their ends. */
  private consumedBefore = 0;
  private finished: number | undefined;
  private started = false;
  /** A request is on its way, or waits. */
  private asked = false;
  private noMore = false;

  constructor(chain: SourceChain<T>, context: ReaderContext) {
    this.chain = chain;
    this.context = context;
  }

  start(): void {
    this.started = true;
    this.goOn();
  }

  addSplits(splits: readonly HybridSplit[]): void {
    this.asked = false;
    for (const { source, from, split } of splits) {
      const ordinal = this.ordinals++;
      if (split === undefined) {
        this.endedSplits.push(ordinal);
        this.endSource(source);
        continue;
      }
      const stage = this.stageOf(source, from);
      stage.ordinals.push(ordinal);
      stage.waiting.push(split);
    }
    this.goOn();
  }

  noMoreSplits(): void {
    this.noMore = true;
    this.endSource(this.chain.length - 1);
    this.goOn();
  }

  next(): T | undefined {
    const stage = this.reading;
    if (stage === undefined) return undefined;
    const reader = stage.reader!;
    const record = reader.next();
    if (record !== undefined) {
      this.split = stage.ordinals[reader.split]!;
      return record;
    }
    this.noteEnded(stage, reader);
    if (reader.ended) this.finish(stage, reader);
    return undefined;
  }

  /** As the reader of the source in turn says it. */
  place(): SourcePosition | undefined {
    const { source, reader } = this.reading ?? {};
    const place = reader?.place?.();
    return place && { split: `${source}:${place.split}`, position: place.position };
  }

  get stage(): number {
    return this.reading?.source ?? this.finished ?? 0;
  }

  get splitsBegun(): number {
    const begun = this.reading?.reader?.splitsBegun ?? 0;
    if (begun > 0) this.begun = Math.max(this.begun, this.reading!.ordinals[begun - 1]! + 1);
    return this.begun;
  }

  pauseSplits(ordinals: readonly number[]): void {
    this.paused = ordinals;
    this.pauseReader();
  }

  takeEndedSplits(): readonly number[] {
    if (this.reading !== undefined) this.noteEnded(this.reading, this.reading.reader!);
    const ended = this.endedSplits;
    if (ended.length > 0) this.endedSplits = [];
    return ended;
  }

  get ended(): boolean {
    return this.noMore && this.stages.length === 0 && this.endedSplits.length === 0;
  }

  get consumed(): number {
    let consumed = this.consumedBefore;
    for (const { reader } of this.stages) consumed += reader?.consumed ?? 0;
    return consumed;
  }

  snapshot(): readonly HybridSplit[] {
    return this.stages.flatMap(({ source, from, reader, waiting }) =>
      (reader?.snapshot() ?? waiting).map((split) => {
        return { id: `${source}:${split.id}`, source, ...(from === undefined ? {} : { from }), split };
      }),
    );
  }

  close(): Promise<void> {
    for (const { reader } of this.stages) this.closeReader(reader);
    return Promise.all(this.closing).then(() => undefined);
  }

  /** Where new splits of a source belong. */
  private stageOf(source: number, from: unknown): Stage<T> {
    const known = this.stages.find((stage) => stage.source === source && stage.over !== "told");
    if (known !== undefined) return known;
    const stage: Stage<T> = {
      source,
      from,
      ordinals: [],
      ended: new Set(),
      waiting: [],
      over: "no",
      asks: undefined,
      reader: undefined,
    };
    let place = this.stages.length;
    while (place > 0 && this.stages[place - 1]!.source > source) place--;
    this.stages.splice(place, 0, stage);
    return stage;
  }

  private endSource(source: number): void {
    const stages = this.stages.filter((stage) => stage.source === source);
    for (const stage of stages) if (stage.over === "no") stage.over = "yes";
    if (stages.length === 0) this.noteFinished(source);
  }

  private noteFinished(source: number): void {
    this.finished = Math.max(this.finished ?? source, source);
  }

  /** Hands on what has come, opens what is to be read next, and asks for what is missing. */
  private goOn(): void {
    if (!this.started) return;
    for (const stage of this.stages) if (stage.reader !== undefined) this.handOver(stage, stage.reader);
    const [first] = this.stages;
    if (first !== undefined && first.reader === undefined) this.open(first);
    if (first !== this.reading) {
      this.reading = first;
      this.pauseReader();
      this.context.wake();
    }
    this.ask();
  }

  private handOver(stage: Stage<T>, reader: SourceReader<T>): void {
    const { waiting } = stage;
    if (waiting.length > 0) {
      stage.waiting = [];
      stage.asks = undefined;
      reader.addSplits(waiting);
    }
    if (stage.over !== "yes") return;
    stage.over = "told";
    reader.noMoreSplits();
  }

  private open(stage: Stage<T>): void {
    const { context } = this;
    const { source, from, waiting } = stage;
    const reader = this.chain.definitionOf(source, from).createReader({
      job: context.job,
      operator: context.operator,
      subtask: context.subtask,
      parallelism: context.parallelism,
      signal: context.signal,
      metrics: context.metrics,
      requestSplits: (report) => {
        stage.asks = { report };
        this.ask();
      },
      wake: () => context.wake(),
      fail: (error) => context.fail(error),
    });
    stage.reader = reader;
    stage.waiting = [];
    reader.addSplits(waiting);
    reader.start();
    this.handOver(stage, reader);
  }

  /** One request at a time: what the reader asks that reads, or for what comes when nothing is left. */
  private ask(): void {
    if (!this.started || this.asked || this.noMore) return;
    const [stage] = this.stages;
    let said: HybridReport | undefined;
    if (stage === undefined) said = this.finished === undefined ? undefined : { finished: this.finished };
    else if (stage.asks === undefined || stage.over !== "no") return;
    else {
      const { report } = stage.asks;
      said = { reading: stage.source, ...(report === undefined ? {} : { report }) };
    }
    this.asked = true;
    this.context.requestSplits(said);
  }

  private noteEnded(stage: Stage<T>, reader: SourceReader<T>): void {
    for (const ordinal of reader.takeEndedSplits()) {
      stage.ended.add(ordinal);
      this.endedSplits.push(stage.ordinals[ordinal]!);
    }
  }

  private finish(stage: Stage<T>, reader: SourceReader<T>): void {
    for (const [own, ordinal] of stage.ordinals.entries()) {
      if (!stage.ended.has(own)) this.endedSplits.push(ordinal);
    }
    this.stages.splice(this.stages.indexOf(stage), 1);
    this.consumedBefore += reader.consumed;
    this.noteFinished(stage.source);
    this.closeReader(reader);
    this.goOn();
  }

  private closeReader(reader: SourceReader<T> | undefined): void {
    const closed = reader?.close().catch((error: unknown) => this.context.fail(error));
    if (closed !== undefined) this.closing.push(closed);
  }

  private pauseReader(): void {
    const { reading, paused } = this;
    if (reading?.reader?.pauseSplits === undefined) return;
    reading.reader.pauseSplits(
      paused.map((ordinal) => reading.ordinals.indexOf(ordinal)).filter((own) => own >= 0),
    );
  }
}
