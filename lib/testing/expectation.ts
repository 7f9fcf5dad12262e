/** What a test expects of a sink, held against every variation's rows. */
import { MillraceError } from "../base/error.js";
import { diff, type Line, printRow, type Row } from "./rows.js";
import { printStep, type Step } from "./steps.js";
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

/**
 * The first variation has to give the expected rows, every other the same after each step.
 * Throws TEST_EXPECTATION_FAILED.
 */
export function check(expected: Expected, all: readonly VariedRows[], steps: readonly Step[]): void {
  const { of, ordered, swaps, by } = expected;
  const note = ({ step }: Row) =>
    step < steps.length ? `at step ${step + 1}, ${printStep(steps[step]!)}` : "";
  const linesOf = (rows: readonly Row[]): Line[] =>
    rows.map((row) => ({ text: printRow(by(row)), note: note(row) }));
  const first = all[0]!;
  const wanted: Line[] = expected.rows.map((row) => ({ text: printRow(row) }));
  const wrong = ordered
    ? diff(wanted, linesOf(first.rows))
    : diff(sorted(wanted), sorted(linesOf(first.rows)));
  if (wrong !== undefined) fail(of, first.variation, wrong);
  const grouped = (rows: readonly Row[]) =>
    linesOf(rows).map((line, i) => ({ ...line, group: rows[i]!.step }));
  for (const { variation, rows } of all.slice(1)) {
    const maySwap = swaps || variation.restores === true;
    const arrange = (given: readonly Row[]) => (maySwap ? byStep(grouped(given)) : grouped(given));
    const differs = diff(arrange(first.rows), arrange(rows));
    if (differs !== undefined) fail(of, variation, differs);
  }
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
