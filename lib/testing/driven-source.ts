/** The source of a job under test: gives what it is told to, and makes no watermarks by itself. */

import { SourceTask } from "../runtime/source-task.js";
import type { SourceDefinition, SourceReader } from "../source/contract.js";
import { WATERMARK_MAX } from "../time/watermark-valve.js";

export class DrivenSource extends SourceTask {
  private readonly waiting: (() => void)[] = [];
  private isOver = false;

  giveRecord(record: unknown, timestamp: number): void {
    this.later(() => this.entry(record, timestamp, 0));
  }

  giveWatermark(watermark: number): void {
    this.later(() => this.beginAdvance(watermark));
  }

  giveEnd(): void {
    this.giveWatermark(WATERMARK_MAX);
    this.isOver = true;
  }

  protected override take(): number {
    const next = this.waiting.shift();
    next?.();
    return next === undefined ? 0 : 1;
  }

  protected override get inputEnded(): boolean {
    return this.isOver && this.waiting.length === 0;
  }

  private later(what: () => void): void {
    this.waiting.push(what);
    this.wiring.wake();
  }
}

/** Gives nothing: what stands in a program for a source whose task is driven. */
export const DRIVEN: SourceDefinition<never> = {
  kind: "driven",
  boundedness: "unbounded",
  replayable: true,
  description: {},
  createEnumerator: () => ({
    total: undefined,
    async start() {},
    request: () => [],
    snapshot: () => [],
    async close() {},
  }),
  createReader: () => new NoReader(),
};

class NoReader implements SourceReader<never> {
  readonly split = 0;
  readonly consumed = 0;
  readonly ended = false;
  start(): void {}
  addSplits(): void {}
  noMoreSplits(): void {}
  next(): undefined {
    return undefined;
  }
  takeEndedSplits(): readonly number[] {
    return [];
  }
  snapshot(): readonly never[] {
    return [];
  }
  async close(): Promise<void> {}
}
