import { MillraceError } from "../base/error.js";
import { RESULT_ROWS_MAX } from "../base/limits.js";

interface Held {
  /** The last checkpoint the writer had taken part in: the rows belong to the next. */
  readonly checkpoint: number;
  readonly rows: readonly unknown[];
  /** Of the writer. */
  readonly slot: number;
}

/**
 * The rows of one collecting sink, waiting in the main thread for whoever reads them. With checkpoints rows are
 * given out when the checkpoint they belong to is complete: those of a failed attempt come again.
 */
export class ResultRows implements AsyncIterable<unknown> {
  private batches: (readonly unknown[])[] = [];
  private held: Held[] = [];
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
    this.notify?.();
    return this.count(rows.length);
  }

  /** As `push`, but to be given out only when a checkpoint after `checkpoint` is complete. */
  hold(rows: readonly unknown[], checkpoint: number, slot: number): MillraceError | undefined {
    this.held.push({ checkpoint, rows, slot });
    return this.count(rows.length);
  }

  /** A checkpoint is complete. */
  release(checkpoint: number): void {
    const due = this.held.filter((each) => each.checkpoint < checkpoint);
    if (due.length === 0) return;
    this.held = this.held.filter((each) => each.checkpoint >= checkpoint);
    for (const { rows } of due) this.batches.push(rows);
    this.notify?.();
  }

  /** The attempt has failed, or these slots of it: what they held comes again. */
  drop(slots?: readonly number[]): void {
    const isLost = ({ slot }: Held) => slots?.includes(slot) ?? true;
    for (const { rows } of this.held.filter(isLost)) this.waitingRows -= rows.length;
    this.held = this.held.filter((each) => !isLost(each));
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

  private count(rows: number): MillraceError | undefined {
    this.waitingRows += rows;
    if (this.waitingRows <= RESULT_ROWS_MAX) return undefined;
    return new MillraceError(
      "RESULTS_NOT_READ",
      `${this.waitingRows} rows of "${this.name}" wait to be read`,
    );
  }
}
