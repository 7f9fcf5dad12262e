/** What a query should have answered, and whether what it did answer is that. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { WINDOW_MS } from "../../fixtures/nexmark/queries.js";
import { type Digest, type Job, RowDigest } from "../../lib/index.js";

/** What the oracle says. */
export interface Expected {
  readonly digests: ReadonlyMap<string, Digest>;
  /** How many bids each bidder made. */
  readonly bidsOf: ReadonlyMap<number, number>;
}

/** Asks the oracle in a thread of its own: its gigabytes must not burden the loops measured. */
export async function expectedAnswers(
  queries: readonly string[],
  events: number,
  rate: number,
): Promise<Expected> {
  const worker = new Worker(new URL("./oracle-thread.js", import.meta.url), {
    workerData: { queries, events, rate },
    resourceLimits: { maxOldGenerationSizeMb: 8192 },
  });
  const [expected] = (await once(worker, "message")) as [Expected];
  await worker.terminate();
  return expected;
}

export interface Answer {
  readonly digest: Digest;
  readonly isRight: boolean;
}

/** Reads the answer of a job that was given `answerSink(query)`. */
export async function answerOf(query: string, job: Job, expected: Expected): Promise<Answer> {
  if (query === "q12") return processingTimeAnswer(job, expected.bidsOf);
  const parts: Digest[] = [];
  for await (const part of job.results<Digest>("out")) parts.push(part);
  await job.completed;
  const digest = RowDigest.merge(parts);
  const right = expected.digests.get(query)!;
  return { digest, isRight: digest.sum === right.sum && digest.rows === right.rows };
}

/** A row of q12. */
export interface BidderWindow {
  readonly bidder: number;
  readonly bidCount: number;
  readonly startTime: number;
  readonly endTime: number;
}

async function processingTimeAnswer(job: Job, bidsOf: ReadonlyMap<number, number>): Promise<Answer> {
  const rows: BidderWindow[] = [];
  for await (const row of job.results<BidderWindow>("out")) rows.push(row);
  await job.completed;
  const digest = new RowDigest();
  for (const row of rows) digest.add(row);
  return { digest: digest.digest, isRight: arePossible(rows, bidsOf) };
}

/**
 * By the wall clock no two runs are alike. Windows are aligned, and none comes twice for a bidder; those that are open
 * when the input ends do not fire, so that a bidder may have fewer bids than were made.
 */
export function arePossible(rows: readonly BidderWindow[], bidsOf: ReadonlyMap<number, number>): boolean {
  const counts = new Map<number, number>();
  const windows = new Set<string>();
  for (const { bidder, bidCount, startTime, endTime } of rows) {
    if (startTime % WINDOW_MS !== 0 || endTime !== startTime + WINDOW_MS || bidCount < 1) return false;
    counts.set(bidder, (counts.get(bidder) ?? 0) + bidCount);
    windows.add(`${bidder} ${startTime}`);
  }
  return windows.size === rows.length && [...counts].every(([bidder, n]) => n <= (bidsOf.get(bidder) ?? 0));
}
