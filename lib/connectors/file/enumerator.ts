import { MillraceError } from "../../base/error.js";
import type { SplitEnumerator } from "../../source/contract.js";
import { findFiles } from "./find-files.js";
import { cutFile, type FileSplit, type FilesToRead, takeSplits } from "./split.js";

/** Where a file source ends: what a source begins with that goes on behind it (see `hybridSource`). */
export interface FileEnd {
  /** The last file, by name. */
  readonly path: string;
  /** When the newest of the files was written to, ms. */
  readonly modified: number;
}

/** What goes into a checkpoint: files are looked for once, so those that come later are not read. */
interface Remaining {
  readonly remaining: readonly FileSplit[];
  readonly total: number;
  /** Older checkpoints have none. */
  readonly end?: FileEnd;
}

/** Gives out the parts of the files that are there at its start, in the order of their names. */
export class FileEnumerator implements SplitEnumerator<FileSplit> {
  total: number | undefined;
  private readonly files: FilesToRead;
  /** Not given out yet; undefined until files were looked for. */
  private splits: FileSplit[] | undefined;
  private end: FileEnd | undefined;

  constructor(files: FilesToRead, restored: unknown) {
    this.files = files;
    if (restored === undefined) return;
    if ("seen" in (restored as object)) {
      throw new MillraceError("SPLIT_CHANGED", `${files.path} was monitored when the checkpoint was taken`);
    }
    const { remaining, total, end } = restored as Remaining;
    this.splits = [...remaining];
    this.total = total;
    this.end = end;
  }

  async start(): Promise<void> {
    if (this.splits !== undefined) return;
    const splits: FileSplit[] = [];
    const found = await findFiles(this.files.path);
    for (const file of found) splits.push(...(await cutFile(file, this.files)));
    this.end = { path: found.at(-1)!.path, modified: Math.max(...found.map(({ modified }) => modified)) };
    this.total = splits.reduce((sum, { bytes }) => sum + bytes, 0);
    this.splits = splits;
  }

  request(): readonly FileSplit[] | undefined {
    const next = takeSplits(this.splits ?? []);
    return next.length === 0 ? undefined : next;
  }

  addSplitsBack(splits: readonly FileSplit[]): void {
    this.splits?.unshift(...splits);
  }

  /** Before `start()` has ended nothing is known: undefined, so that a restored one starts like a new one. */
  snapshot(): Remaining | undefined {
    if (this.splits === undefined || this.total === undefined) return undefined;
    const { splits, total, end } = this;
    return { remaining: [...splits], total, ...(end === undefined ? {} : { end }) };
  }

  endPosition(): FileEnd | undefined {
    return this.end;
  }

  async close(): Promise<void> {}
}
