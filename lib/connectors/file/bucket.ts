/** Buckets: the sub-folder of a record. */
import { MillraceError } from "../../base/error.js";
import { printRecord } from "../../base/print-record.js";

/** The sub-folder a record belongs in, such as `2024-03-01--07` or `country=de/day=1`. */
export type Bucket<T> = (record: T, timestamp: number) => string;

const BUCKET_CHARS_MAX = 512;
const NAME_BYTES_MAX = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NAME = /^(?![._ ])[^\\/:*?"<>|\x00-\x1f\x7f]+(?<![. ])$/;

/**
 * A bucket is names with `/` between them that are good on every system: no `..`, none of `\:*?"<>|` and
 * control characters, nothing that begins with `.` or `_` (readers skip those) or ends with `.` or a space.
 * Throws SINK_BUCKET_INVALID.
 */
export function checkBucket(bucket: unknown): asserts bucket is string {
  const isGood =
    typeof bucket === "string" &&
    bucket.length <= BUCKET_CHARS_MAX &&
    bucket.split("/").every((name) => NAME.test(name) && Buffer.byteLength(name) <= NAME_BYTES_MAX);
  if (isGood) return;
  throw new MillraceError("SINK_BUCKET_INVALID", `${printRecord(bucket)} is no name for a bucket`);
}

const UNITS: Readonly<Record<string, readonly [ms: number, part: (date: Date) => number]>> = {
  yyyy: [86_400_000, (date) => date.getUTCFullYear()],
  MM: [86_400_000, (date) => date.getUTCMonth() + 1],
  dd: [86_400_000, (date) => date.getUTCDate()],
  HH: [3_600_000, (date) => date.getUTCHours()],
  mm: [60_000, (date) => date.getUTCMinutes()],
  ss: [1_000, (date) => date.getUTCSeconds()],
};

/**
 * Buckets by time, in UTC. The pattern knows `yyyy MM dd HH mm ss`; other letters stand between quotes:
 * `"'day='yyyy-MM-dd/HH"`. `time` answers ms since the epoch or a Date; by default it is the record's event
 * time. A record without a time is refused (SINK_BUCKET_INVALID). Throws OPTION_INVALID for another pattern.
 *
 * @example
 * fileSink({ path: "out", format: jsonl<Order>(), bucket: bucketByTime("yyyy-MM-dd--HH", (order) => order.at) })
 */
export function bucketByTime<T = unknown>(
  pattern: string,
  time?: (record: T) => number | Date,
): (record: T, timestamp: number) => string {
  const pieces = piecesOf(pattern);
  const unit = Math.min(...pieces.map((piece) => UNITS[piece.unit]?.[0] ?? 86_400_000));
  let [known, name] = [Number.NaN, ""];
  return (record, timestamp) => {
    const at = time === undefined ? timestamp : Number(time(record));
    const count = Math.floor(at / unit);
    if (count === known) return name;
    const date = new Date(at);
    if (Number.isNaN(date.getTime())) {
      throw new MillraceError("SINK_BUCKET_INVALID", `${at} is no time to choose a bucket by`);
    }
    name = pieces.map((piece) => textOf(piece, date)).join("");
    known = count;
    return name;
  };
}

interface Piece {
  readonly unit: string;
  readonly literal: string;
}

function piecesOf(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  const token = /(yyyy|MM|dd|HH|mm|ss)|'([^']*)'|([^A-Za-z']+)/y;
  while (token.lastIndex < pattern.length) {
    const at = token.lastIndex;
    const found = token.exec(pattern);
    if (found === null) {
      throw new MillraceError(
        "OPTION_INVALID",
        `bucketByTime: "${pattern}" has no meaning at "${pattern.slice(at)}"`,
        {
          hint: "Use yyyy MM dd HH mm ss, and put other letters between single quotes.",
        },
      );
    }
    pieces.push({ unit: found[1] ?? "", literal: found[2] ?? found[3] ?? "" });
  }
  if (pieces.every((piece) => piece.unit === "")) {
    throw new MillraceError("OPTION_INVALID", `bucketByTime: "${pattern}" names no unit of time`, {
      hint: "Use yyyy MM dd HH mm ss.",
    });
  }
  return pieces;
}

function textOf({ unit, literal }: Piece, date: Date): string {
  return unit === "" ? literal : String(UNITS[unit]![1](date)).padStart(unit.length, "0");
}
