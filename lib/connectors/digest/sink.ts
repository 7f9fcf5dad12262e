import type { SinkDefinition, SinkWriter, WriterContext } from "../../sink/contract.js";
import { type Digest, RowDigest } from "./row-digest.js";

/**
 * Counts records and sums their hashes, whatever their order: two runs that gave the same rows have the same
 * digest. Each subtask gives one `Digest` to `job.results(name)` at the end; `RowDigest.merge` adds them.
 */
export function digestSink(): SinkDefinition<unknown> {
  return { kind: "digest", description: {}, createWriter: (context) => new DigestWriter(context) };
}

class DigestWriter implements SinkWriter {
  private readonly context: WriterContext;
  private readonly rows = new RowDigest();
  /** Of the rows before a restore. */
  private earlier: readonly Digest[] = [];
  private given = false;

  constructor(context: WriterContext) {
    this.context = context;
  }

  restore(items: readonly unknown[]): void {
    this.earlier = items as readonly Digest[];
  }

  open(): void {}

  write(record: unknown): void {
    this.rows.add(record);
  }

  flush(): void {}

  finish(): void {
    this.context.sendRows([this.digest]);
    this.given = true;
  }

  async prepareCommit(): Promise<readonly never[]> {
    return [];
  }

  /** Nothing once the digest is given: a checkpoint after that holds it among the job's results. */
  snapshot(): readonly Digest[] {
    return this.given ? [] : [this.digest];
  }

  async close(): Promise<void> {}

  private get digest(): Digest {
    return RowDigest.merge([...this.earlier, this.rows.digest]);
  }
}
