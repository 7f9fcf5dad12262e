import type { FilePart, ReadFormat } from "../../formats/contract.js";
import { isPacked } from "../../formats/file-bytes.js";
import type { CountedSplit } from "../../source/batch-reader.js";
import type { FoundFile } from "./found-file.js";

/** A part of a file. */
export interface FileSplit extends FilePart, CountedSplit {
  /** What the part stands for, for progress. */
  readonly bytes: number;
  /** Of an object: it is read only as long as it is the same. */
  readonly etag?: string;
}

/** Parts of objects are given out together up to this size: requests for them are on their way at once. */
const OBJECTS_BYTES = 4 * 1024 * 1024;

/** Takes what a reader is given next: one part of a file, or some small ones of objects. */
export function takeSplits(splits: FileSplit[]): FileSplit[] {
  let count = Math.min(1, splits.length);
  let bytes = splits[0]?.bytes ?? 0;
  while (splits[count]?.etag !== undefined && (bytes += splits[count]!.bytes) <= OBJECTS_BYTES) count++;
  return splits.splice(0, count);
}

/** What files are, and into what they are cut. */
export interface FilesToRead {
  readonly path: string;
  readonly format: ReadFormat<unknown>;
  readonly splitBytes: number;
}

/** The parts of a file that readers take one by one, in order. */
export async function cutFile(file: FoundFile, { format, splitBytes }: FilesToRead): Promise<FileSplit[]> {
  const { path, size, etag } = file;
  const split = (begin: number, end: number, bytes: number): FileSplit => {
    const part = { id: `${path}:${begin}`, path, size, begin, end, bytes };
    return etag === undefined ? part : { ...part, etag };
  };
  if (format.blocks !== undefined) {
    const blocks = await format.blocks(file);
    return blocks.map(({ begin, end, bytes }) => split(begin, end, bytes));
  }
  // An empty file is for its format to judge.
  if (size === 0 || !format.splitsAnywhere || isPacked(path)) return [split(0, size, size)];
  const splits: FileSplit[] = [];
  for (let begin = 0; begin < size; begin += splitBytes) {
    const end = Math.min(begin + splitBytes, size);
    splits.push(split(begin, end, end - begin));
  }
  return splits;
}
