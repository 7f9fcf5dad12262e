import type { WriterContext } from "../../sink/contract.js";
import { sinkError } from "./sink-error.js";

/** Bytes on their way to the disk before the writer asks for a pause. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;

/** What one writer does with its files: in the background, one step after the other, until one fails. */
export class WriteQueue {
  private readonly folder: string;
  private readonly context: Pick<WriterContext, "pause" | "resume" | "fail">;
  private tail: Promise<void> = Promise.resolve();
  private failure: unknown;
  private waiting = 0;
  private paused = false;

  constructor(folder: string, context: Pick<WriterContext, "pause" | "resume" | "fail">) {
    this.folder = folder;
    this.context = context;
  }

  /** A step that writes `bytes`; what comes after a failed one is not done. */
  add(bytes: number, step: () => Promise<void>): void {
    this.waiting += bytes;
    if (this.waiting > WAITING_BYTES_MAX && !this.paused) {
      this.paused = true;
      this.context.pause();
    }
    this.tail = this.tail.then(() => this.run(bytes, step));
  }

  /** Everything added before this call is done. Throws what has failed. */
  async settled(): Promise<void> {
    await this.tail;
    if (this.failure !== undefined) throw this.failure;
  }

  /** As `settled`, for whoever does not ask how it went. */
  async ended(): Promise<void> {
    await this.tail;
  }

  private async run(bytes: number, step: () => Promise<void>): Promise<void> {
    if (this.failure !== undefined) return;
    try {
      await step();
    } catch (cause) {
      this.failure = sinkError(cause, this.folder);
      this.context.fail(this.failure);
      return;
    }
    this.waiting -= bytes;
    if (this.paused && this.waiting <= WAITING_BYTES_MAX / 2) {
      this.paused = false;
      this.context.resume();
    }
  }
}
