/** What a job of the soak test should have answered, and how what it did answer differs. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { allEvents, type Oracle, oracles } from "../../fixtures/nexmark/oracle.js";
import { SLIDE_MS } from "../../fixtures/nexmark/queries.js";
import { type Digest, RowDigest } from "../../lib/index.js";
import { RATE } from "../jobs/soak.js";

export interface Difference {
  readonly lost: number;
  readonly duplicated: number;
  /** The first rows that differ. */
  readonly examples?: readonly string[];
}

const NONE: Difference = { lost: 0, duplicated: 0 };

const answers = new Map<string, readonly object[]>();

function answerOf(query: string, events: number): readonly object[] {
  const name = `${query} ${events}`;
  const known = answers.get(name);
  if (known !== undefined) return known;
  const made = (query === "buckets" ? buckets : oracles[query]!)(allEvents(events, RATE));
  answers.set(name, made);
  return made;
}

/** Bids per auction and slide with a running total. */
const buckets: Oracle = ({ bids }) => {
  const counts = new Map<number, Map<number, number>>();
  for (const { auction, dateTime } of bids) {
    const end = dateTime - (dateTime % SLIDE_MS) + SLIDE_MS;
    const own = counts.get(auction) ?? new Map<number, number>();
    counts.set(auction, own);
    own.set(end, (own.get(end) ?? 0) + 1);
  }
  return [...counts].flatMap(([auction, own]) => {
    let total = 0;
    return [...own]
      .sort(([a], [b]) => a - b)
      .map(([end, bids]) => ({ auction, end, bids, total: (total += bids) }));
  });
};

export function compareDigest(query: string, events: number, parts: readonly Digest[]): Difference {
  const expected = new RowDigest();
  for (const row of answerOf(query, events)) expected.add(row);
  const { rows, sum } = RowDigest.merge(parts);
  if (rows === expected.digest.rows && sum === expected.digest.sum) return NONE;
  const missing = expected.digest.rows - rows;
  return {
    lost: Math.max(missing, 0),
    duplicated: Math.max(-missing, 0),
    examples: [`digest ${rows}/${sum} instead of ${expected.digest.rows}/${expected.digest.sum}`],
  };
}

export function visibleFiles(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith(".")) : [];
}

/** Compares the rows of a file sink, as a reader that ignores hidden files sees them. */
export function compareFiles(query: string, events: number, folder: string): Difference {
  const rows = visibleFiles(folder)
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, number>);
  const expected = answerOf(query, events);
  return query === "q17" ? compareUpdates(expected, rows) : compareRows(expected, rows);
}

export function compareRows(expected: readonly object[], rows: readonly object[]): Difference {
  const open = new Map<string, number>();
  for (const row of expected) open.set(textOf(row), (open.get(textOf(row)) ?? 0) + 1);
  for (const row of rows) open.set(textOf(row), (open.get(textOf(row)) ?? 0) - 1);
  let [lost, duplicated] = [0, 0];
  const examples: string[] = [];
  for (const [text, count] of open) {
    if (count === 0) continue;
    if (count > 0) lost += count;
    else duplicated -= count;
    if (examples.length < 5) examples.push(`${count > 0 ? "lost" : "too many"}: ${text}`);
  }
  return lost + duplicated === 0 ? NONE : { lost, duplicated, examples };
}

/** Rows that replace each other: none comes twice, and the last one of each key is the answer. */
export function compareUpdates(
  expected: readonly object[],
  rows: readonly Record<string, number>[],
): Difference {
  const last = new Map<string, Record<string, number>>();
  const seen = new Set<string>();
  const again: string[] = [];
  for (const row of rows) {
    const key = `${row.auction}/${row.day}`;
    const update = `${key}/${row.totalBids}`;
    if (seen.has(update)) again.push(`twice: ${update}`);
    seen.add(update);
    if ((last.get(key)?.totalBids ?? 0) < row.totalBids!) last.set(key, row);
  }
  const { lost, duplicated, examples = [] } = compareRows(expected, [...last.values()]);
  const all = [...again.slice(0, 5), ...examples];
  return { lost, duplicated: duplicated + again.length, ...(all.length === 0 ? {} : { examples: all }) };
}

function textOf(row: object): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
