import type { ReadFormat } from "../../../formats/contract.js";
import { isPacked } from "../../../formats/file-bytes.js";
import { type Batch, BatchReader } from "../../../source/batch-reader.js";
import type { ReaderContext } from "../../../source/contract.js";
import type { FileSplit } from "../split.js";
import { bucketOf, readAheadOf } from "./objects.js";
import type { ObjectPart, ReadAhead } from "./read-ahead.js";

/** Reads splits of objects, with the ranges of those to come on their way. */
export class S3Reader<T> extends BatchReader<T, FileSplit> {
  private readonly format: ReadFormat<T>;
  private readonly ahead: ReadAhead;

  constructor(
    context: ReaderContext,
    url: string,
    format: ReadFormat<T>,
    read: (split: FileSplit, signal: AbortSignal) => AsyncIterable<Batch<T>>,
  ) {
    const ahead = readAheadOf(bucketOf(url));
    super(context, (split, signal) => read({ ...split, content: ahead.contentOf(partOf(split)) }, signal));
    this.format = format;
    this.ahead = ahead;
  }

  override addSplits(splits: readonly FileSplit[]): void {
    // Blocks are read by their format, which knows what of them it needs.
    if (this.format.blocks === undefined) for (const split of splits) this.plan(split);
    super.addSplits(splits);
  }

  override async close(): Promise<void> {
    this.ahead.close();
    await super.close();
  }

  private plan(split: FileSplit): void {
    const isWhole = !this.format.splitsAnywhere || isPacked(split.path);
    // A part looks at the byte before it: whether a line or a mark ends there.
    const begin = isWhole ? 0 : Math.max(0, split.begin - 1);
    this.ahead.plan(partOf(split), begin, isWhole ? split.size : split.end);
  }
}

function partOf({ id, path, size, etag = "" }: FileSplit): ObjectPart {
  return { id, path, size, etag };
}
