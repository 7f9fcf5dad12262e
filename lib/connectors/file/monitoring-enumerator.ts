import { type Clock, systemClock } from "../../base/clock.js";
import { MillraceError } from "../../base/error.js";
import { type Scheduler, systemScheduler } from "../../base/scheduler.js";
import type { EnumeratorContext, SplitEnumerator } from "../../source/contract.js";
import { listFiles } from "./find-files.js";
import { SeenFiles, type SeenOptions, type SeenSnapshot } from "./seen-files.js";
import { cutFile, type FileSplit, type FilesToRead, takeSplits } from "./split.js";

export interface MonitoringOptions extends SeenOptions {
  /** From the end of one look to the next, ms. */
  readonly intervalMs: number;
}

/** What goes into a checkpoint. */
interface Remaining extends SeenSnapshot {
  readonly remaining: readonly FileSplit[];
}

/** Looks for new files again and again, and gives out their parts in the order of their times. */
export class MonitoringEnumerator implements SplitEnumerator<FileSplit> {
  readonly total = undefined;
  private readonly files: FilesToRead;
  private readonly options: MonitoringOptions;
  private readonly context: EnumeratorContext;
  private readonly clock: Clock;
  private readonly scheduler: Scheduler;
  private readonly seen: SeenFiles;
  private readonly splits: FileSplit[];
  private failure: { readonly error: unknown } | undefined;
  private closed = false;
  private cancel: () => void = () => undefined;

  constructor(
    files: FilesToRead,
    options: MonitoringOptions,
    context: EnumeratorContext,
    clock = systemClock,
    scheduler = systemScheduler,
  ) {
    this.files = files;
    this.options = options;
    this.context = context;
    this.clock = clock;
    this.scheduler = scheduler;
    const restored = context.restored as Remaining | undefined;
    // Which files were read was not kept: they would be read again.
    if (restored !== undefined && !("seen" in restored)) {
      throw new MillraceError(
        "SPLIT_CHANGED",
        `${files.path} was not monitored when the checkpoint was taken`,
      );
    }
    this.seen = new SeenFiles(options, restored);
    this.splits = [...(restored?.remaining ?? [])];
  }

  async start(): Promise<void> {
    await this.look();
    this.lookLater();
  }

  request(): readonly FileSplit[] {
    if (this.failure !== undefined) throw this.failure.error;
    return takeSplits(this.splits);
  }

  addSplitsBack(splits: readonly FileSplit[]): void {
    this.splits.unshift(...splits);
    if (splits.length > 0) this.context.available();
  }

  snapshot(): Remaining {
    return { remaining: [...this.splits], ...this.seen.snapshot() };
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cancel();
  }

  private lookLater(): void {
    if (this.closed) return;
    this.cancel = this.scheduler.after(this.options.intervalMs, () => {
      this.look()
        .then((found) => {
          if (found && !this.closed) this.context.available();
          this.lookLater();
        })
        .catch((error: unknown) => {
          this.failure = { error };
          this.context.available();
        });
    });
  }

  /** True when there is something new. A file is remembered when its parts can be given: no checkpoint has one only. */
  private async look(): Promise<boolean> {
    const found = await listFiles(this.files.path);
    const fresh = this.seen.newOnes(found, this.clock.now());
    const splits: FileSplit[] = [];
    for (const file of fresh) splits.push(...(await cutFile(file, this.files)));
    if (this.closed) return false;
    this.seen.remember(found, fresh);
    this.splits.push(...splits);
    return splits.length > 0;
  }
}
