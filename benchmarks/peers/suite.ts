/** Nexmark queries by what Node programs use today, and by Millrace, over the same generated events. */
import { type Measured, median, rounded } from "../measure.js";
import { printRows } from "./aligned-table.js";
import type { Peer, QueryName } from "./contract.js";
import { MillracePeer } from "./millrace-peer.js";
import { PiscinaPeer } from "./piscina-peer.js";
import { interleaved } from "./rounds.js";
import { threadPeers } from "./thread-peers.js";

const QUERIES: readonly QueryName[] = ["q0", "q2", "q17", "q5"];
const ROUNDS = 5;
const WARM_UPS = 1;
/** Events of the untimed run in which all answers are compared. */
const CHECKED_EVENTS = 100_000;

export async function peers(options: { json: boolean; events: number }): Promise<void> {
  const { events, json } = options;
  for (const query of QUERIES) {
    // The first is what the others are compared with.
    const all: Peer[] = [
      new MillracePeer(query, 1),
      new MillracePeer(query, 2),
      ...threadPeers(query),
      new PiscinaPeer(query),
    ];
    try {
      await compareAnswers(query, all, Math.min(events, CHECKED_EVENTS));
      const runs = await timed(all, events);
      printRows(rowsOf(query, all, events, runs), json);
    } finally {
      await Promise.all(all.map((peer) => peer.close()));
    }
  }
}

async function compareAnswers(query: QueryName, all: readonly Peer[], events: number): Promise<void> {
  let expected: string | undefined;
  for (const peer of all) {
    const digest = JSON.stringify(await peer.run({ events, isChecked: true }));
    expected ??= digest;
    if (digest !== expected) throw new Error(`${query}: ${peer.name} answers ${digest}, not ${expected}`);
  }
}

async function timed(all: readonly Peer[], events: number): Promise<Map<string, Measured[]>> {
  const contestants = all.map((peer) => ({
    name: peer.name,
    run: () => peer.run({ events, isChecked: false }),
  }));
  await interleaved(contestants, WARM_UPS);
  return interleaved(contestants, ROUNDS);
}

function rowsOf(
  query: QueryName,
  all: readonly Peer[],
  events: number,
  runs: ReadonlyMap<string, readonly Measured[]>,
) {
  const rateOf = ({ name }: Peer) => median(runs.get(name)!.map(({ wallMs }) => (events / wallMs) * 1000));
  const first = rateOf(all[0]!);
  return all.map((peer) => ({
    suite: "peers",
    query,
    peer: peer.name,
    events,
    recordsPerSecond: Math.round(rateOf(peer)),
    cpuNsPerEvent: rounded(median(runs.get(peer.name)!.map(({ cpuMs }) => (cpuMs * 1e6) / events)), 1),
    ratioToMillrace: rounded(rateOf(peer) / first),
  }));
}
