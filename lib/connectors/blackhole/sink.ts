import type { SinkDefinition, SinkWriter } from "../../sink/contract.js";

/** Throws every record away: for measuring what comes before. */
export function blackholeSink(): SinkDefinition<unknown> {
  return { kind: "blackhole", description: {}, createWriter: () => new BlackholeWriter() };
}

class BlackholeWriter implements SinkWriter {
  /** Kept, so that making the record cannot be optimised away. */
  last: unknown;

  open(): void {}

  write(record: unknown): void {
    this.last = record;
  }

  flush(): void {}

  async prepareCommit(): Promise<readonly never[]> {
    return [];
  }

  async close(): Promise<void> {}
}
