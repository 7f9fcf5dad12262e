/** Computes the oracle's digests in a thread of its own: its gigabytes must not burden the loops measured. */
import { parentPort, workerData } from "node:worker_threads";
import { allBids, oracles } from "../../fixtures/nexmark/oracle.js";
import { type Digest, RowDigest } from "../../lib/index.js";

const { queries, events, rate } = workerData as { queries: readonly string[]; events: number; rate: number };
const bids = allBids(events, rate);
const digests: [query: string, digest: Digest][] = queries.map((query) => {
  const digest = new RowDigest();
  for (const row of oracles[query]!(bids)) digest.add(row);
  return [query, digest.digest];
});
parentPort!.postMessage(new Map(digests));
