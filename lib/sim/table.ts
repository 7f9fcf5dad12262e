/** A transactional target outside of the job, and the sink that writes to it by the contract. */
import type {
  Committable,
  CommitterContext,
  FailedWriters,
  SinkCommitter,
  SinkDefinition,
  SinkWriter,
  WriterContext,
} from "../sink/contract.js";
import type { FaultSwitch } from "./fault-switch.js";
import type { Life, World } from "./world.js";

/** Rows of one sink: staged in transactions, visible once these are committed. */
export class Table {
  /** Visible rows, in the order of their commits. */
  readonly rows: unknown[] = [];
  /** What must never happen, if it has. */
  readonly broken: string[] = [];
  private readonly staged = new Map<string, readonly unknown[]>();
  private readonly committed = new Set<string>();

  stage(transaction: string, rows: readonly unknown[]): void {
    if (this.staged.has(transaction) || this.committed.has(transaction)) {
      this.broken.push(`transaction ${transaction} was written twice`);
    }
    this.staged.set(transaction, rows);
  }

  commit(transaction: string): void {
    if (this.committed.has(transaction)) return;
    const rows = this.staged.get(transaction);
    if (rows === undefined) this.broken.push(`transaction ${transaction} is gone and has to be committed`);
    this.staged.delete(transaction);
    this.committed.add(transaction);
    for (const row of rows ?? []) this.rows.push(row);
  }

  /** What is staged still: nothing, once its job has finished. */
  get left(): readonly string[] {
    return [...this.staged.keys()];
  }

  /** Throws away what is staged by a run, or by a writer of it. */
  drop(name: string): void {
    for (const transaction of this.staged.keys()) {
      if (transaction.startsWith(`${name}/`)) this.staged.delete(transaction);
    }
  }
}

/** What a sink needs of the world. */
export interface TableWorld {
  readonly world: World;
  readonly faults: FaultSwitch;
  readonly coordinator: () => Life;
  /** The slot that is being built. */
  readonly slot: () => Life;
  /** How often a writer pauses, as a share of its rows. */
  readonly pauses: number;
}

/** Mean length of a writer's pause, ms. */
const PAUSE_MS = 30;

export function tableSink(table: Table, name: string, given: TableWorld): SinkDefinition<any> {
  return {
    kind: "table",
    description: { name },
    createWriter: (context) => new TableWriter(table, context, given),
    createCommitter: (context) => new TableCommitter(table, context, given),
  };
}

class TableWriter implements SinkWriter {
  private readonly table: Table;
  private readonly given: TableWorld;
  private readonly context: WriterContext;
  private readonly name: string;
  private readonly life: Life;
  private buffer: unknown[] = [];
  private transactions = 0;
  private paused = false;

  constructor(table: Table, context: WriterContext, given: TableWorld) {
    const { runId, attempt, subtask } = context;
    this.table = table;
    this.given = given;
    this.context = context;
    this.name = `${runId}/${attempt}/${subtask}`;
    this.life = given.slot();
  }

  open(): void {}

  write(record: unknown): void {
    this.buffer.push(record);
    const { world, pauses } = this.given;
    if (pauses === 0 || this.paused || !world.chance(pauses)) return;
    this.paused = true;
    this.context.pause();
    world.after(this.life, world.delay(PAUSE_MS), `${this.name} resumes`, () => {
      this.paused = false;
      this.context.resume();
    });
  }

  flush(): void {}

  async prepareCommit(): Promise<readonly Committable[]> {
    const { world, faults } = this.given;
    const rows = this.buffer;
    this.buffer = [];
    faults.hook("prepare");
    if (rows.length === 0) return [];
    const transaction = `${this.name}/${++this.transactions}`;
    await world.wait(this.life, world.delay(1), `stage ${transaction}`);
    this.table.stage(transaction, rows);
    return [{ transaction }];
  }

  snapshot(): readonly unknown[] {
    this.given.faults.hook("snapshot");
    return [{ transactions: this.transactions }];
  }

  restore(): void {}

  async close(): Promise<void> {}
}

class TableCommitter implements SinkCommitter {
  private readonly table: Table;
  private readonly given: TableWorld;
  private readonly run: string;
  private readonly life: Life;

  constructor(table: Table, { runId }: CommitterContext, given: TableWorld) {
    this.table = table;
    this.given = given;
    this.run = runId;
    this.life = given.coordinator();
  }

  async open(): Promise<void> {}

  async commit(committables: readonly Committable[]): Promise<void> {
    if (committables.length === 0) return;
    const { world, faults } = this.given;
    for (const { transaction } of committables) {
      faults.hook("commit");
      await world.wait(this.life, world.delay(1), `commit ${String(transaction)}`);
      this.table.commit(transaction as string);
    }
  }

  async cleanUp(): Promise<void> {
    this.table.drop(this.run);
  }

  async cleanUpAfter({ attempt, subtasks }: FailedWriters): Promise<void> {
    for (const subtask of subtasks) this.table.drop(`${this.run}/${attempt}/${subtask}`);
  }

  async abort(): Promise<void> {}
}
