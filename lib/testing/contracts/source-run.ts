/**
 * Runs a source's enumerator and readers without a job, as the runtime does: what a reader asks for is answered
 * later, restored splits are dealt out before the readers start, and a cut waits for answers on their way.
 */
import { ignoredMetrics } from "../../metrics/function-metrics.js";
import type { SourceDefinition, SourceReader, Split, SplitEnumerator } from "../../source/contract.js";
import { dealSplits } from "../../source/static-enumerator.js";
import { broken, same } from "./contract-case.js";

/** What a checkpoint keeps of a source, after it was text. */
export interface Cut {
  readonly enumerator?: unknown;
  readonly splits: readonly Split[];
}

/** Records by the id of their split, in the order in which they were given. */
export type BySplit = Map<string, unknown[]>;

interface Subtask {
  reader: SourceReader;
  /** Its splits, by ordinal. */
  splits: Split[];
  ended: Set<number>;
  /** Its request was answered with "not now": what it has reported. */
  waiting: { readonly report: unknown } | undefined;
}

export class SourceRun {
  readonly records: BySplit = new Map();
  /** In the order in which they were given, of all subtasks. */
  readonly sequence: unknown[] = [];
  private readonly subtasks: Subtask[] = [];
  private readonly enumerator: SplitEnumerator;
  private readonly newReader: (subtask: number) => SourceReader;
  private readonly abort = new AbortController();
  private readonly onTheWay = new Set<Promise<void>>();
  private failure: unknown;
  private woken: (() => void) | undefined;
  /** Something has come since all readers had nothing. */
  private isAwake = false;
  /** How often the enumerator has said that there may be something. */
  private availables = 0;

  private constructor(definition: SourceDefinition<any, any>, parallelism: number, from: Cut | undefined) {
    const place = { job: "job", operator: "source", parallelism };
    const restored = from === undefined ? {} : { restored: from.enumerator };
    this.enumerator = definition.createEnumerator({
      ...place,
      ...restored,
      available: () => this.askAgain(),
    });
    this.newReader = (subtask) =>
      definition.createReader({
        ...place,
        subtask,
        requestSplits: (report) => this.answer(subtask, asText(report)),
        wake: () => this.wake(),
        fail: (error) => {
          this.failure = error;
          this.wake();
        },
        signal: this.abort.signal,
        metrics: ignoredMetrics,
      });
  }

  static async start(definition: SourceDefinition<any, any>, parallelism: number, from?: Cut) {
    const run = new SourceRun(definition, parallelism, from);
    await run.enumerator.start();
    const shares = dealSplits(from?.splits ?? [], parallelism);
    for (let subtask = 0; subtask < parallelism; subtask++) {
      run.subtasks.push({ reader: run.newReader(subtask), splits: [], ended: new Set(), waiting: undefined });
      if (shares[subtask]!.length > 0) run.add(subtask, shares[subtask]!);
    }
    for (const { reader } of run.subtasks) reader.start();
    return run;
  }

  /** Whether readers can fail one by one. */
  get takesBack(): boolean {
    return this.enumerator.addSplitsBack !== undefined;
  }

  /** A reader fails before any checkpoint: its splits go back, what it gave is forgotten, another one begins. */
  async fail(subtask: number): Promise<void> {
    while (this.onTheWay.size > 0) await Promise.all(this.onTheWay);
    const failed = this.subtasks[subtask]!;
    await failed.reader.close();
    for (const { id } of failed.splits) this.records.delete(id);
    this.enumerator.addSplitsBack!(failed.splits, subtask);
    const reader = this.newReader(subtask);
    Object.assign(failed, { reader, splits: [], ended: new Set(), waiting: undefined });
    failed.reader.start();
  }

  get total(): number | undefined {
    return this.enumerator.total;
  }

  /** Where the enumerator says that the source ends. */
  get endPosition(): unknown {
    return this.enumerator.endPosition?.();
  }

  get consumed(): number {
    return this.subtasks.reduce((sum, { reader }) => sum + reader.consumed, 0);
  }

  /**
   * Takes records in turns until each reader gave its number of them, or ended. A reader that has nothing and was told
   * to wait is waited for, unless it may wait for one that gives no more than its number.
   */
  async read(limits: (subtask: number) => number = () => Number.POSITIVE_INFINITY): Promise<void> {
    const taken = this.subtasks.map(() => 0);
    for (;;) {
      let [moved, reading, held, told] = [false, false, false, false];
      for (const [i, subtask] of this.subtasks.entries()) {
        if (taken[i]! >= limits(i)) held ||= !subtask.reader.ended;
        else if (this.take(subtask)) {
          taken[i]!++;
          moved = true;
        } else if (subtask.waiting !== undefined && subtask.reader.snapshot().length === 0) told = true;
        else if (!subtask.reader.ended) reading = true;
      }
      if (this.failure !== undefined) throw this.failure;
      if (moved) continue;
      if (!reading && (!told || (held && this.onTheWay.size === 0))) return;
      if (!this.isAwake) {
        await new Promise<void>((resolve) => {
          this.woken = resolve;
        });
      }
      this.isAwake = false;
    }
  }

  /** Snapshots of all, and the end of this run. */
  async cut(): Promise<Cut> {
    while (this.onTheWay.size > 0) await Promise.all(this.onTheWay);
    const live = {
      enumerator: this.enumerator.snapshot(),
      splits: this.subtasks.flatMap(({ reader }) => reader.snapshot()),
    };
    const text = JSON.stringify(live);
    // Going on must not change what was answered.
    for (const subtask of this.subtasks) subtask.reader.next();
    this.enumerator.request(0);
    const cut = JSON.parse(text) as Cut;
    same(
      cut,
      { ...(live.enumerator === undefined ? {} : { enumerator: live.enumerator }), splits: live.splits },
      "what is restored from JSON",
    );
    await this.close();
    return cut;
  }

  async close(): Promise<void> {
    this.abort.abort();
    for (const { reader } of this.subtasks) await reader.close();
    await this.enumerator.close();
  }

  private wake(): void {
    this.isAwake = true;
    this.woken?.();
  }

  private take({ reader, splits, ended }: Subtask): boolean {
    const before = JSON.stringify(reader.snapshot());
    if (JSON.stringify(reader.snapshot()) !== before)
      broken("what a reader answers to snapshot() differs from what it answered just before");
    const record = reader.next();
    if (record !== undefined) {
      const split = splits[reader.split];
      if (split === undefined) return broken(`a record of split ${reader.split}, which was never given`);
      const { id } = split;
      if (ended.has(reader.split)) broken(`a record of split "${id}", which was told to have ended`);
      if (!this.records.has(id)) this.records.set(id, []);
      this.records.get(id)!.push(record);
      this.sequence.push(record);
      checkPlace(reader, id);
    }
    for (const ordinal of reader.takeEndedSplits()) {
      if (ended.has(ordinal) || ordinal >= splits.length)
        broken(`split ${ordinal} ended twice, or was never given`);
      ended.add(ordinal);
    }
    return record !== undefined;
  }

  private answer(subtask: number, report: unknown): void {
    this.subtasks[subtask]!.waiting = undefined;
    const answer = this.ask(subtask, report)
      .catch((error: unknown) => {
        this.failure = error;
      })
      .finally(() => {
        this.onTheWay.delete(answer);
        this.wake();
      });
    this.onTheWay.add(answer);
  }

  private async ask(subtask: number, report: unknown): Promise<void> {
    const asking = this.subtasks[subtask]!;
    for (;;) {
      const { availables } = this;
      const splits = await this.enumerator.request(subtask, report);
      if (splits === undefined) asking.reader.noMoreSplits();
      else if (splits.length > 0) this.add(subtask, splits);
      else if (this.availables !== availables) continue;
      else asking.waiting = { report };
      return;
    }
  }

  private askAgain(): void {
    this.availables++;
    if (this.abort.signal.aborted) return;
    for (const [i, { waiting }] of this.subtasks.entries()) {
      if (waiting !== undefined) this.answer(i, waiting.report);
    }
  }

  private add(subtask: number, splits: readonly Split[]): void {
    const { reader, splits: given } = this.subtasks[subtask]!;
    given.push(...splits);
    reader.addSplits(splits);
  }
}

/** Where a reader says that the record lies it has just given. */
function checkPlace(reader: SourceReader, id: string): void {
  const split = reader.place?.()?.split ?? id;
  if (split !== id) broken(`place() names split "${split}" of a record of split "${id}"`);
}

/** As it travels. */
function asText(report: unknown): unknown {
  return report === undefined ? undefined : JSON.parse(JSON.stringify(report));
}
