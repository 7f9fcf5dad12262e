import type { SinkDefinition, SinkWriter, WriterContext } from "../../sink/contract.js";
import { RowDigest } from "./row-digest.js";

/**
 * Counts records and sums their hashes, whatever their order: two runs that gave the same rows have the same
 * digest. Each subtask gives one `Digest` to `job.results(name)` at the end; `RowDigest.merge` adds them.
 */
export function digestSink(): SinkDefinition<unknown> {
  return { kind: "digest", description: {}, createWriter: (context) => new DigestWriter(context) };
}

class DigestWriter implements SinkWriter {
  private readonly context: WriterContext;
  private readonly digest = new RowDigest();

  constructor(context: WriterContext) {
    this.context = context;
  }

  open(): void {}

  write(record: unknown): void {
    this.digest.add(record);
  }

  flush(): void {}

  async prepareCommit(): Promise<readonly never[]> {
    this.context.sendRows([this.digest.digest]);
    return [];
  }

  async close(): Promise<void> {}
}
