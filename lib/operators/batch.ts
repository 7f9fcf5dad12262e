// @hot one call per record, one emit per batch
/**
 * Arrays of the records of a subtask, without keys. The open batch is state that is dealt out record by record: with
 * another parallelism records come together that were not, each in one batch all the same.
 *
 * The watermark is held back before the open batch's time, or what is behind would find the batch late.
 */
import type { EntrySink, FrozenPart, StatePart } from "../state/contract.js";
import { refuseUnstamped } from "../time/windows.js";
import type { Operator, OperatorContext, OperatorLogic } from "./contract.js";

export interface BatchSpec {
  /** Records of a batch; Infinity: as many as come. */
  readonly size: number;
  /** How long it waits from its first record on, ms; Infinity: for ever. */
  readonly ms: number;
  readonly by: "event" | "processing";
}

/** A batch when there are `size` records, when `ms` have passed, and at the end of the input. */
export function batchLogic(spec: BatchSpec): OperatorLogic {
  return { functions: [], retains: true, create: (context) => new Batch(context, spec) };
}

class Batch implements Operator {
  private readonly context: OperatorContext;
  private readonly size: number;
  private readonly ms: number;
  private readonly byEvents: boolean;
  private records: unknown[] = [];
  /** When the open batch has waited long enough. */
  private until = Number.POSITIVE_INFINITY;
  /** The latest of its records; NaN where they have none. */
  private timestamp = Number.NaN;
  /** The clock has reached `until`. */
  private due = false;
  private passed = Number.NEGATIVE_INFINITY;
  private holdsBack = false;

  constructor(context: OperatorContext, { size, ms, by }: BatchSpec) {
    this.context = context;
    this.size = size;
    this.ms = ms;
    this.byEvents = by === "event";
    context.parts.declare(this.part());
  }

  element(record: unknown, timestamp: number): void {
    const { records, ms } = this;
    if (records.length === 0 && ms !== Number.POSITIVE_INFINITY) this.until = this.now(timestamp) + ms;
    records.push(record);
    if (!(timestamp <= this.timestamp)) this.timestamp = timestamp;
    if (records.length >= this.size) this.give();
  }

  advance(watermark: number): boolean {
    const isEnd = watermark === Number.POSITIVE_INFINITY;
    while (this.records.length > 0 && (isEnd || this.isFull || (this.byEvents && this.until <= watermark))) {
      if (this.context.gate.level !== 0) return false;
      this.give();
    }
    return true;
  }

  passes(watermark: number): number {
    const isHeld = this.records.length > 0 && this.timestamp <= watermark;
    const upTo = isHeld ? this.timestamp - 1 : watermark;
    if (upTo > this.passed) this.passed = upTo;
    this.holdsBack = isHeld;
    return this.passed;
  }

  rest(): void {
    if (this.due || this.records.length === 0 || !(this.isFull || this.isDue)) return;
    this.due = true;
    this.context.wake();
  }

  proceed(): boolean {
    // What has to wait for the gate is as good as not due: the state is whole at any time.
    while (this.due && this.context.gate.level === 0) {
      this.give();
      this.due = this.records.length > 0 && (this.isFull || this.isDue);
    }
    return true;
  }

  finish(): boolean {
    while (this.records.length > 0) {
      if (this.context.gate.level !== 0) return false;
      this.give();
    }
    return true;
  }

  /** More can be there than a batch takes, where several subtasks' were restored into one. */
  private get isFull(): boolean {
    return this.records.length >= this.size;
  }

  private get isDue(): boolean {
    return !this.byEvents && this.until !== Number.POSITIVE_INFINITY && this.until <= this.context.wallNow();
  }

  private give(): void {
    const { records, size, timestamp, context } = this;
    if (records.length === 0) return;
    const batch = records.length > size ? records.slice(0, size) : records;
    this.records = records.length > size ? records.slice(size) : [];
    if (this.records.length === 0) {
      this.until = Number.POSITIVE_INFINITY;
      this.timestamp = Number.NaN;
    }
    context.out(batch, timestamp);
    if (this.holdsBack) context.advanceAgain();
  }

  private now(timestamp: number): number {
    if (!this.byEvents) return this.context.wallNow();
    if (Number.isNaN(timestamp)) refuseUnstamped();
    return timestamp;
  }

  private part(): StatePart {
    return {
      name: "batch",
      scope: "split",
      schema: { kind: "batch" },
      freeze: (_wanted, sink) => frozen(this.records.slice(), this.until, this.timestamp, sink),
      load: ({ r, until }: { r: unknown; until: number }, timestamp) => {
        this.records.push(r);
        this.until = Math.min(this.until, until);
        if (!(timestamp <= this.timestamp)) this.timestamp = timestamp;
      },
    };
  }
}

function frozen(records: readonly unknown[], until: number, timestamp: number, sink: EntrySink): FrozenPart {
  let at = 0;
  return {
    kind: "full",
    pack(timeIsUp) {
      for (; at < records.length; at++) {
        if (at % 64 === 63 && timeIsUp()) return false;
        sink.entry({ r: records[at], until }, timestamp, 0);
      }
      return true;
    },
    release() {
      at = records.length;
    },
  };
}
