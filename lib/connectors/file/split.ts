import type { FilePart, ReadFormat } from "../../formats/contract.js";
import { isPacked } from "../../formats/file-bytes.js";
import type { CountedSplit } from "../../source/batch-reader.js";
import type { FoundFile } from "./find-files.js";

/** A part of a file. */
export interface FileSplit extends FilePart, CountedSplit {
  readonly bytes: number;
}

/** What files are, and into what they are cut. */
export interface FilesToRead {
  readonly path: string;
  readonly format: ReadFormat<unknown>;
  readonly splitBytes: number;
}

/** The parts of a file that readers take one by one, in order. */
export async function cutFile(
  { path, size }: FoundFile,
  { format, splitBytes }: FilesToRead,
): Promise<FileSplit[]> {
  const split = (begin: number, end: number, bytes: number): FileSplit => {
    return { id: `${path}:${begin}`, path, size, begin, end, bytes };
  };
  if (format.blocks !== undefined) {
    const blocks = await format.blocks(path, size);
    return blocks.map(({ begin, end, bytes }) => split(begin, end, bytes));
  }
  if (!format.splitsAtLines || isPacked(path)) return [split(0, size, size)];
  const splits: FileSplit[] = [];
  for (let begin = 0; begin < size; begin += splitBytes) {
    const end = Math.min(begin + splitBytes, size);
    splits.push(split(begin, end, end - begin));
  }
  return splits;
}
