import { MillraceError } from "../base/error.js";
import { RESULT_ROWS_MAX } from "../base/limits.js";

/** The rows of one collecting sink, waiting in the main thread for whoever reads them. */
export class ResultRows implements AsyncIterable<unknown> {
  private batches: (readonly unknown[])[] = [];
  private waitingRows = 0;
  private ended = false;
  private failure: unknown;
  private notify: (() => void) | undefined;
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Answers an error when nobody reads and too much waits. */
  push(rows: readonly unknown[]): MillraceError | undefined {
    this.batches.push(rows);
    this.waitingRows += rows.length;
    this.notify?.();
    if (this.waitingRows <= RESULT_ROWS_MAX) return undefined;
    return new MillraceError(
      "RESULTS_NOT_READ",
      `${this.waitingRows} rows of "${this.name}" wait to be read`,
    );
  }

  end(failure?: unknown): void {
    this.ended = true;
    this.failure = failure;
    this.notify?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    for (;;) {
      const batch = this.batches.shift();
      if (batch !== undefined) {
        this.waitingRows -= batch.length;
        yield* batch;
      } else if (this.ended) {
        if (this.failure !== undefined) throw this.failure;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.notify = resolve;
        });
        this.notify = undefined;
      }
    }
  }
}
