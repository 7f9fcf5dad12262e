import { MillraceError, messageOf } from "../base/error.js";
import { printRecord } from "../base/print-record.js";
import type { ReadFormat, WriteFormat } from "./contract.js";
import { type LineBatch, readLines } from "./lines.js";

/**
 * JSON Lines: one JSON value a line; empty lines are skipped. Written with dates as ISO text and bigints as
 * digits.
 *
 * @example
 * env.source("orders", fileSource({ path: "orders/*.jsonl.gz", format: jsonl<Order>() }));
 */
export function jsonl<T = unknown>(): ReadFormat<T> & WriteFormat<T> {
  return {
    name: "jsonl",
    description: {},
    extension: "jsonl",
    splitsAnywhere: true,
    async *read(part, signal) {
      for await (const batch of readLines(part, signal)) {
        yield { records: parseLines<T>(batch, part.path, part.begin > 0), bytes: batch.bytes };
      }
    },
    createEncoder: () => ({ encode: (record) => `${JSON.stringify(record, digits)}\n` }),
  };
}

function digits(_key: string, value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
}

function parseLines<T>({ lines, first, unfinished }: LineBatch, path: string, isLaterPart: boolean): T[] {
  const records: T[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.trim() === "") continue;
    try {
      records.push(JSON.parse(line) as T);
    } catch (cause) {
      const place = isLaterPart ? `a line (${first + i} of a part)` : `line ${first + i}`;
      const isCut = unfinished && i === lines.length - 1 && /^[[{"]/.test(line.trim());
      throw new MillraceError(
        isCut ? "FILE_TRUNCATED" : "FILE_FORMAT_INVALID",
        `${path}: ${place} is not JSON${isCut ? " and the file ends there" : ""}: ${messageOf(cause)}: ` +
          printRecord(line, 80),
        { cause },
      );
    }
  }
  return records;
}
