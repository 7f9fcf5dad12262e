/** Computes the oracle's digests in a thread of its own: its gigabytes must not burden the loops measured. */
import { parentPort, workerData } from "node:worker_threads";
import { allEvents, oracles } from "../../fixtures/nexmark/oracle.js";
import { tables } from "../../fixtures/nexmark/tables.js";
import { type Digest, RowDigest } from "../../lib/index.js";
import type { Expected } from "./answers.js";

const { queries, events, rate } = workerData as { queries: readonly string[]; events: number; rate: number };
const all = allEvents(events, rate);
const digests: [query: string, digest: Digest][] = queries.flatMap((query) => {
  const oracle = oracles[query];
  if (oracle === undefined) return [];
  const decided = tables[query]?.decided;
  const digest = new RowDigest();
  for (const row of oracle(all)) digest.add(decided === undefined ? row : decided(row));
  return [[query, digest.digest]];
});
const bidsOf = new Map<number, number>();
for (const { bidder } of all.bids) bidsOf.set(bidder, (bidsOf.get(bidder) ?? 0) + 1);
const answers: Expected = { digests: new Map(digests), bidsOf };
parentPort!.postMessage(answers);
