/**
 * Runs a source's enumerator and readers without a job, as the runtime does: what a reader asks for is answered
 * later, restored splits are dealt out before the readers start, and a cut waits for answers on their way.
 */
import type { SourceDefinition, SourceReader, Split, SplitEnumerator } from "../../source/contract.js";
import { dealSplits } from "../../source/static-enumerator.js";

/** What a checkpoint keeps of a source, after it was text. */
export interface Cut {
  readonly enumerator?: unknown;
  readonly splits: readonly Split[];
}

/** Records by the id of their split, in the order in which they were given. */
export type BySplit = Map<string, unknown[]>;

interface Subtask {
  readonly reader: SourceReader;
  /** Ids of its splits, by ordinal. */
  readonly ids: string[];
  readonly ended: Set<number>;
}

export class SourceRun {
  readonly records: BySplit = new Map();
  /** In the order in which they were given, of all subtasks. */
  readonly sequence: unknown[] = [];
  private readonly subtasks: Subtask[] = [];
  private readonly enumerator: SplitEnumerator;
  private readonly abort = new AbortController();
  private readonly onTheWay = new Set<Promise<void>>();
  private failure: unknown;
  private woken: (() => void) | undefined;

  private constructor(enumerator: SplitEnumerator) {
    this.enumerator = enumerator;
  }

  static async start(definition: SourceDefinition<any, any>, parallelism: number, from?: Cut) {
    const place = { job: "job", operator: "source", parallelism };
    const restored = from === undefined ? {} : { restored: from.enumerator };
    const run = new SourceRun(definition.createEnumerator({ ...place, ...restored }));
    await run.enumerator.start();
    const shares = dealSplits(from?.splits ?? [], parallelism);
    for (let subtask = 0; subtask < parallelism; subtask++) {
      const reader = definition.createReader({
        ...place,
        subtask,
        requestSplits: () => run.answer(subtask),
        wake: () => run.woken?.(),
        fail: (error) => {
          run.failure = error;
          run.woken?.();
        },
        signal: run.abort.signal,
      });
      run.subtasks.push({ reader, ids: [], ended: new Set() });
      if (shares[subtask]!.length > 0) run.add(subtask, shares[subtask]!);
    }
    for (const { reader } of run.subtasks) reader.start();
    return run;
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
    // Going on must not change what was answered.
    for (const subtask of this.subtasks) subtask.reader.next();
    this.enumerator.request(0);
    const cut = JSON.parse(JSON.stringify(live)) as Cut;
    await this.close();
    return cut;
  }

  async close(): Promise<void> {
    this.abort.abort();
    for (const { reader } of this.subtasks) await reader.close();
    await this.enumerator.close();
  }

  private take({ reader, ids, ended }: Subtask): boolean {
    const before = JSON.stringify(reader.snapshot());
    if (JSON.stringify(reader.snapshot()) !== before) throw new Error("a snapshot changes the reader");
    const record = reader.next();
    if (record !== undefined) {
      const id = ids[reader.split]!;
      if (ended.has(reader.split)) throw new Error(`a record of ${id}, which has ended`);
      if (!this.records.has(id)) this.records.set(id, []);
      this.records.get(id)!.push(record);
      this.sequence.push(record);
    }
    for (const ordinal of reader.takeEndedSplits()) {
      if (ended.has(ordinal) || ordinal >= ids.length) throw new Error(`split ${ordinal} ended twice`);
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
    const { reader, ids } = this.subtasks[subtask]!;
    ids.push(...splits.map(({ id }) => id));
    reader.addSplits(splits);
  }
}
