/** Rows as they are compared and shown: by their printed text, in which fields are in order. */
import { inspect } from "node:util";

export interface Row {
  readonly record: unknown;
  /** Event time in ms; NaN where it has none. */
  readonly timestamp: number;
  /** Index of the step that led to it. */
  readonly step: number;
}

/** Equal texts are equal rows. */
export function printRow(row: unknown): string {
  return inspect(row, {
    depth: Number.POSITIVE_INFINITY,
    breakLength: Number.POSITIVE_INFINITY,
    maxArrayLength: Number.POSITIVE_INFINITY,
    maxStringLength: Number.POSITIVE_INFINITY,
    sorted: true,
  });
}

/** A row to be compared, and what is said about it when it is shown. */
export interface Line {
  readonly text: string;
  /** Lines of different groups are different, whatever their texts. */
  readonly group?: number;
  readonly note?: string;
}

/** Lines shown before and behind a difference. */
const CONTEXT = 3;

/** What to change in `got` so that it is `expected`: undefined where they are the same. */
export function diff(expected: readonly Line[], got: readonly Line[]): string | undefined {
  const marked = compare(expected, got);
  const changes = marked.flatMap(({ mark }, i) => (mark === " " ? [] : [i]));
  if (changes.length === 0) return undefined;
  const lines: string[] = [];
  let skipped = 0;
  marked.forEach(({ mark, line }, i) => {
    if (!changes.some((change) => Math.abs(change - i) <= CONTEXT)) {
      skipped++;
      return;
    }
    if (skipped > 0) lines.push(`  ... ${skipped} more that are the same`);
    skipped = 0;
    lines.push(`${mark} ${line.text}${mark === " " || line.note === undefined ? "" : `   (${line.note})`}`);
  });
  if (skipped > 0) lines.push(`  ... ${skipped} more that are the same`);
  return lines.join("\n");
}

interface Marked {
  readonly mark: " " | "-" | "+";
  readonly line: Line;
}

/** By the longest common subsequence of what is between the common begin and end. */
function compare(expected: readonly Line[], got: readonly Line[]): Marked[] {
  let first = 0;
  while (first < expected.length && first < got.length && same(expected[first]!, got[first]!)) first++;
  let [lastA, lastB] = [expected.length, got.length];
  while (lastA > first && lastB > first && same(expected[lastA - 1]!, got[lastB - 1]!)) {
    lastA--;
    lastB--;
  }
  const plain = (lines: readonly Line[]): Marked[] => lines.map((line) => ({ mark: " ", line }));
  const middle = subsequence(expected.slice(first, lastA), got.slice(first, lastB));
  return [...plain(expected.slice(0, first)), ...middle, ...plain(expected.slice(lastA))];
}

function same(left: Line, right: Line): boolean {
  return left.text === right.text && left.group === right.group;
}

/** Beyond so many comparisons only what is missing and what is too much is told. */
const TABLE_MAX = 4_000_000;

function subsequence(expected: readonly Line[], got: readonly Line[]): Marked[] {
  const [n, m] = [expected.length, got.length];
  const mark = (kind: "-" | "+", lines: readonly Line[]) => lines.map((line) => ({ mark: kind, line }));
  if (n * m > TABLE_MAX) return [...mark("-", expected), ...mark("+", got)];
  const width = m + 1;
  const length = new Uint32Array((n + 1) * width);
  for (let a = n - 1; a >= 0; a--) {
    for (let b = m - 1; b >= 0; b--) {
      length[a * width + b] = same(expected[a]!, got[b]!)
        ? length[(a + 1) * width + b + 1]! + 1
        : Math.max(length[(a + 1) * width + b]!, length[a * width + b + 1]!);
    }
  }
  const marked: Marked[] = [];
  let [a, b] = [0, 0];
  while (a < n && b < m) {
    if (same(expected[a]!, got[b]!)) {
      marked.push({ mark: " ", line: expected[a++]! });
      b++;
    } else if (length[(a + 1) * width + b]! >= length[a * width + b + 1]!) {
      marked.push({ mark: "-", line: expected[a++]! });
    } else marked.push({ mark: "+", line: got[b++]! });
  }
  return [...marked, ...mark("-", expected.slice(a)), ...mark("+", got.slice(b))];
}
