/** Computes the oracle's digests in a thread of its own: its gigabytes must not burden the loops measured. */
import { parentPort, workerData } from "node:worker_threads";
import { allEvents, oracles } from "../../fixtures/nexmark/oracle.js";
import { tables } from "../../fixtures/nexmark/tables.js";
import { type Digest, RowDigest } from "../../lib/index.js";

const { queries, events, rate } = workerData as { queries: readonly string[]; events: number; rate: number };
const all = allEvents(events, rate);
const digests: [query: string, digest: Digest][] = queries.map((query) => {
  const decided = tables[query]?.decided;
  const digest = new RowDigest();
  for (const row of oracles[query]!(all)) digest.add(decided === undefined ? row : decided(row));
  return [query, digest.digest];
});
parentPort!.postMessage(new Map(digests));
