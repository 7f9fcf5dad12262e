/**
 * Runs a source's enumerator and readers without a job, as the runtime does: what a reader asks for is answered
 * later, restored splits are dealt out before the readers start, and a cut waits for answers on their way.
 */
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

  private constructor(definition: SourceDefinition<any, any>, parallelism: number, from: Cut | undefined) {
    const place = { job: "job", operator: "source", parallelism };
    const restored = from === undefined ? {} : { restored: from.enumerator };
    this.enumerator = definition.createEnumerator({ ...place, ...restored });
    this.newReader = (subtask) =>
      definition.createReader({
        ...place,
        subtask,
        requestSplits: () => this.answer(subtask),
        wake: () => this.woken?.(),
        fail: (error) => {
          this.failure = error;
          this.woken?.();
        },
        signal: this.abort.signal,
      });
  }

  static async start(definition: SourceDefinition<any, any>, parallelism: number, from?: Cut) {
    const run = new SourceRun(definition, parallelism, from);
    await run.enumerator.start();
    const shares = dealSplits(from?.splits ?? [], parallelism);
    for (let subtask = 0; subtask < parallelism; subtask++) {
      run.subtasks.push({ reader: run.newReader(subtask), splits: [], ended: new Set() });
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
    Object.assign(failed, { reader: this.newReader(subtask), splits: [], ended: new Set() });
    failed.reader.start();
  }

  get total(): number | undefined {
    return this.enumerator.total;
  }

  get consumed(): number {
    return this.subtasks.reduce((sum, { reader }) => sum + reader.consumed, 0);
  }

  /** Takes records in turns until each reader gave its number of them, or ended. */
  async read(limits: (subtask: number) => number = () => Number.POSITIVE_INFINITY): Promise<void> {
    const taken = this.subtasks.map(() => 0);
    for (;;) {
      let [moved, waiting] = [false, false];
      for (const [i, subtask] of this.subtasks.entries()) {
        if (taken[i]! >= limits(i)) continue;
        if (this.take(subtask)) {
          taken[i]!++;
          moved = true;
        } else if (!subtask.reader.ended) waiting = true;
      }
      if (this.failure !== undefined) throw this.failure;
      if (moved) continue;
      if (!waiting) return;
      await new Promise<void>((resolve) => {
        this.woken = resolve;
      });
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
    }
    for (const ordinal of reader.takeEndedSplits()) {
      if (ended.has(ordinal) || ordinal >= splits.length)
        broken(`split ${ordinal} ended twice, or was never given`);
      ended.add(ordinal);
    }
    return record !== undefined;
  }

  private answer(subtask: number): void {
    const answer = (async () => {
      const splits = await this.enumerator.request(subtask);
      if (splits === undefined) this.subtasks[subtask]!.reader.noMoreSplits();
      else this.add(subtask, splits);
    })().finally(() => {
      this.onTheWay.delete(answer);
      this.woken?.();
    });
    this.onTheWay.add(answer);
  }

  private add(subtask: number, splits: readonly Split[]): void {
    const { reader, splits: given } = this.subtasks[subtask]!;
    given.push(...splits);
    reader.addSplits(splits);
  }
}
