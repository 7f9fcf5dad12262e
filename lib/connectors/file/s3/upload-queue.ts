import { MillraceError } from "../../../base/error.js";
import type { WriterContext } from "../../../sink/contract.js";
import { sinkError } from "../sink-error.js";

/** Requests of one writer at once. */
const AT_ONCE = 4;
/** Bytes that wait to be taken before the writer asks for a pause. */
const WAITING_BYTES_MAX = 48 * 1024 * 1024;

interface Queued {
  readonly run: () => Promise<void>;
  readonly refuse: (error: unknown) => void;
}

/** What one writer sends: in the background, some at once, until one fails. */
export class UploadQueue {
  private readonly place: string;
  private readonly context: Pick<WriterContext, "pause" | "resume" | "fail">;
  private readonly queued: Queued[] = [];
  private running = 0;
  private waiting = 0;
  private paused = false;
  private failure: unknown;

  constructor(place: string, context: Pick<WriterContext, "pause" | "resume" | "fail">) {
    this.place = place;
    this.context = context;
  }

  /** A request that sends `bytes`; its answer. Behind a failed one, or `stop`, all are refused. */
  add<A>(bytes: number, request: () => Promise<A>): Promise<A> {
    this.waiting += bytes;
    if (this.waiting > WAITING_BYTES_MAX && !this.paused) {
      this.paused = true;
      this.context.pause();
    }
    const answer = new Promise<A>((resolve, refuse) => {
      const run = () =>
        request()
          .then(resolve)
          .then(() => this.taken(bytes));
      this.queued.push({ run, refuse });
    });
    // Told by `context.fail`; who waits for the answer is told, too.
    answer.catch(() => undefined);
    this.next();
    return answer;
  }

  /** Begins nothing any more. */
  stop(): void {
    this.refuse(new MillraceError("SINK_FAILED", `nothing is written to ${this.place} any more`));
  }

  private next(): void {
    if (this.failure !== undefined) this.refuse(this.failure);
    while (this.running < AT_ONCE && this.queued.length > 0) void this.run(this.queued.shift()!);
  }

  private async run({ run, refuse }: Queued): Promise<void> {
    this.running++;
    try {
      await run();
    } catch (cause) {
      const failure = sinkError(cause, this.place);
      refuse(failure);
      if (this.failure === undefined) {
        this.refuse(failure);
        this.context.fail(failure);
      }
    }
    this.running--;
    this.next();
  }

  private refuse(failure: unknown): void {
    this.failure ??= failure;
    for (const { refuse } of this.queued.splice(0)) refuse(this.failure);
  }

  private taken(bytes: number): void {
    this.waiting -= bytes;
    if (this.paused && this.waiting <= WAITING_BYTES_MAX / 2) {
      this.paused = false;
      this.context.resume();
    }
  }
}
