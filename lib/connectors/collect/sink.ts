import type { SinkDefinition, SinkWriter, WriterContext } from "../../sink/contract.js";

const BATCH_ROWS = 512;

/**
 * Sends records to the program that runs the job: `for await (const row of job.results(name))`.
 * Records must be structured-cloneable. For results of moderate size; large ones belong in files.
 *
 * @example
 * hours.sink("worst", collectSink());
 */
export function collectSink<T = unknown>(): SinkDefinition<T> {
  return {
    kind: "collect",
    description: {},
    createWriter: (context) => new CollectWriter(context),
  };
}

class CollectWriter implements SinkWriter {
  private readonly context: WriterContext;
  private rows: unknown[] = [];

  constructor(context: WriterContext) {
    this.context = context;
  }

  open(): void {}

  write(record: unknown): void {
    this.rows.push(record);
    if (this.rows.length >= BATCH_ROWS) this.flush();
  }

  flush(): void {
    if (this.rows.length === 0) return;
    const { rows } = this;
    this.rows = [];
    this.context.sendRows(rows);
  }

  async prepareCommit(): Promise<readonly never[]> {
    this.flush();
    return [];
  }

  async close(): Promise<void> {}
}
