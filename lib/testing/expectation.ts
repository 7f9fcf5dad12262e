/** What a test expects of a sink, held against every variation's rows. */
import { MillraceError } from "../base/error.js";
import { diff, type Line, printRow, type Row } from "./rows.js";
import type { Variation } from "./variations.js";

/** The rows of one sink in one variation. */
export interface VariedRows {
  readonly variation: Variation;
  readonly rows: readonly Row[];
}

export interface Expected {
  /** For messages: `sink "alerts"`. */
  readonly of: string;
  readonly rows: readonly unknown[];
  /** What of a row is compared. */
  readonly by: (row: Row) => unknown;
  readonly ordered: boolean;
  /** Variations may swap what one step has led to. */
  readonly swaps: boolean;
}

/** Which rows are compared, and how. */
export type Compared = Pick<Expected, "of" | "by" | "swaps">;

/**
 * The first variation has to give the expected rows, every other the same after each step. `steps`: printed.
 * Throws TEST_EXPECTATION_FAILED.
 */
export function check(expected: Expected, all: readonly VariedRows[], steps: readonly string[]): void {
  const { of, ordered, by } = expected;
  const first = all[0]!;
  const arrange = (lines: Line[]) => (ordered ? lines : sorted(lines));
  const wanted = expected.rows.map((row) => ({ text: printRow(row) }));
  const wrong = diff(arrange(wanted), arrange(linesOf(first.rows, by, steps)));
  if (wrong !== undefined) fail(of, first.variation, wrong);
  compareAll(expected, all, steps);
}

/** Every variation has to give what the first one has, after each step. Throws TEST_EXPECTATION_FAILED. */
export function compareAll(compared: Compared, all: readonly VariedRows[], steps: readonly string[]): void {
  const { of, by, swaps } = compared;
  const first = all[0]!;
  const grouped = (rows: readonly Row[]) =>
    linesOf(rows, by, steps).map((line, i) => ({ ...line, group: rows[i]!.step }));
  for (const { variation, rows } of all.slice(1)) {
    const maySwap = swaps || variation.restores === true;
    const arrange = (given: readonly Row[]) => (maySwap ? byStep(grouped(given)) : grouped(given));
    const differs = diff(arrange(first.rows), arrange(rows));
    if (differs !== undefined) fail(of, variation, differs);
  }
}

function linesOf(rows: readonly Row[], by: (row: Row) => unknown, steps: readonly string[]): Line[] {
  return rows.map((row) => {
    const step = steps[row.step];
    return {
      text: printRow(by(row)),
      ...(step === undefined ? {} : { note: `at step ${row.step + 1}, ${step}` }),
    };
  });
}

function fail(of: string, variation: Variation, difference: string): never {
  const what = variation.finds === "" ? "" : ` (${variation.finds})`;
  throw new MillraceError(
    "TEST_EXPECTATION_FAILED",
    `${of} is not as expected in the variation "${variation.name}"${what}\n${difference}`,
  );
}

function sorted(lines: readonly Line[]): Line[] {
  return [...lines].sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
}

/** The lines of each step in order of their texts. */
function byStep(lines: readonly (Line & { readonly group: number })[]): Line[] {
  const steps = new Map<number, Line[]>();
  for (const line of lines) {
    const known = steps.get(line.group);
    if (known === undefined) steps.set(line.group, [line]);
    else known.push(line);
  }
  return [...steps.values()].flatMap(sorted);
}
