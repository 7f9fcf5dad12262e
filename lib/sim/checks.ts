/** What has to hold when a simulated run is over. */
import { readManifest } from "../checkpoint/load.js";
import { folderOfManifest, isManifest } from "../checkpoint/paths.js";
import { blobsOf } from "../checkpoint/places.js";
import type { Placement } from "../coordinator/placement.js";
import { createDoorbell, Doorbell } from "../exchange/doorbell.js";
import { RingReader } from "../exchange/ring.js";
import { ElementKind } from "../runtime/element-kind.js";
import type { MemoryBlobStore } from "../storage/memory.js";
import type { SimPlan } from "./plan.js";
import { recordAt, type SimRecord, splitsOf } from "./replay-source.js";
import { differences, type Rows, type Topology } from "./topologies/topology.js";

/** `prefix`: sources were not read to their end. */
export function checkRows(topology: Topology, plan: SimPlan, rows: Rows, prefix: boolean): string[] {
  const { rowsOf, check } = topology;
  if (rowsOf === undefined) return check!(rows, plan);
  const records = recordsRead(topology, plan, rows, prefix);
  return topology.sinks.flatMap((sink) => {
    const expected = records.flatMap((record) => rowsOf(record)[sink] ?? []);
    const actual = rows[sink]!;
    if (plan.mode !== "at-least-once") return differences(sink, actual, expected);
    const once = distinct(actual);
    // A record may be seen ahead of others of its split that a failure puts back and a drain then leaves unread.
    if (prefix) return differences(`${sink}, each once`, once, among(once, expected));
    return differences(`${sink}, each once`, once, distinct(expected));
  });
}

/** Those of `rows` that are among `possible`. */
function among(rows: readonly unknown[], possible: readonly unknown[]): unknown[] {
  const known = new Set(possible.map((row) => JSON.stringify(row)));
  return rows.filter((row) => known.has(JSON.stringify(row)));
}

function distinct(rows: readonly unknown[]): unknown[] {
  return [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
}

/** All records; of a job that did not read its sources to their end those up to the last one seen, by split. */
function recordsRead(topology: Topology, plan: SimPlan, rows: Rows, prefix: boolean): SimRecord[] {
  const seen = new Map<string, number>();
  for (const { id } of Object.values(rows).flat() as { id: string }[]) {
    const [name, split, position] = id.split("-");
    const place = `${name}-${split}`;
    seen.set(place, Math.max(seen.get(place) ?? 0, Number(position) + 1));
  }
  return topology.sources(plan).flatMap((options) =>
    splitsOf(options).flatMap(({ index, count }) => {
      const read = prefix ? (seen.get(`${options.name}-${index}`) ?? 0) : count;
      return Array.from({ length: read }, (_, position) => recordAt(options, index, position));
    }),
  );
}

const UNNEEDED: readonly number[] = [ElementKind.END, ElementKind.BARRIER];

/**
 * Frames that nobody has taken, but for ends and barriers: tasks whose final checkpoint is complete do not wait for
 * those.
 */
export function untakenFrames({ rings }: Placement): string[] {
  return rings.flatMap(({ memory, edge, from, to }) => {
    const reader = new RingReader(memory, new Doorbell(createDoorbell()));
    let frames = 0;
    for (; reader.peek(); reader.release()) if (!UNNEEDED.includes(reader.kind)) frames++;
    return frames === 0
      ? []
      : [`${frames} frames are left in the ring of edge ${edge} from ${from} to ${to}`];
  });
}

/** Blobs of a job that no manifest refers to; `spared` is not looked at. */
export async function orphans(
  store: MemoryBlobStore,
  jobId: string,
  spared: ReadonlySet<string>,
): Promise<string[]> {
  const paths = await store.list(jobId);
  const needed = new Set(spared);
  for (const path of paths.filter(isManifest)) {
    needed.add(path);
    const { manifest } = await readManifest(store, folderOfManifest(path));
    for (const blob of blobsOf(manifest).keys()) needed.add(blob);
  }
  const lost = paths.filter((path) => !needed.has(path) && !path.startsWith(`${jobId}/epochs/`));
  return lost.length === 0 ? [] : [`nobody refers to ${lost.slice(0, 3).join(", ")} (${lost.length} blobs)`];
}
