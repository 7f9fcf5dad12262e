/**
 * Who takes the records in flight of a checkpoint: by edge, from old receivers to new ones. Senders' records
 * are given to the receivers, too, behind what these had queued. Pure.
 *
 * Called by: redistribution.ts, region-restore.ts.
 */
import { MillraceError } from "../base/error.js";
import type { JobEdge, JobGraph, JobVertex } from "../graph/job-graph.js";
import type { Partitioner } from "../graph/stream-graph.js";
import { rangeOf } from "../state/key.js";
import type { ChannelSnapshot, EdgeManifest, Manifest } from "./snapshot.js";
import { oldReceivers } from "./subtask-mapping.js";
import type { ChannelRestore } from "./task-restore.js";

/** Where an old edge leads in the new job. */
interface EdgeTarget {
  readonly vertex: JobVertex;
  /** Undefined: the two operators are fused. */
  readonly edge: JobEdge | undefined;
}

/**
 * For every vertex and subtask, what it takes. Throws CHANNEL_STATE_MOVED where records fit no edge any more.
 * Edges to operators that the job does not have are left out; the caller has said so by then.
 */
export function shareChannels(manifest: Manifest, graph: JobGraph): ChannelRestore[][][] {
  const shares: ChannelRestore[][][] = graph.vertices.map(({ parallelism }) =>
    Array.from({ length: parallelism }, () => []),
  );
  const uids = new Set(graph.vertices.flatMap(({ operators }) => operators.map(({ uid }) => uid)));
  const seen = new Map<string, number>();
  for (const old of manifest.edges) {
    const pair = JSON.stringify([old.from, old.to]);
    const ordinal = seen.get(pair) ?? 0;
    seen.set(pair, ordinal + 1);
    if (old.channels.length === 0 || !uids.has(old.to)) continue;
    const target = findEdge(graph, old, ordinal);
    if (target === undefined) throw moved(old, "there is no such edge any more");
    shareEdge(manifest, old, target, shares[target.vertex.id]!);
  }
  return shares;
}

/** Edges between the same two operators (of side outputs, of a union with itself) correspond by their order. */
function findEdge(graph: JobGraph, old: EdgeManifest, ordinal: number): EdgeTarget | undefined {
  const vertex = graph.vertices.find(({ operators }) => operators.some(({ uid }) => uid === old.to))!;
  const index = vertex.operators.findIndex(({ uid }) => uid === old.to);
  const feeder = vertex.operators[vertex.operators[index]!.feeder];
  if (feeder !== undefined) {
    return feeder.uid === old.from && ordinal === 0 ? { vertex, edge: undefined } : undefined;
  }
  const edges = graph.edges.filter(
    (edge) =>
      edge.to === vertex.id && graph.vertices[edge.from]!.operators[edge.fromOperator]!.uid === old.from,
  );
  const edge = edges[ordinal];
  return edge === undefined ? undefined : { vertex, edge };
}

function shareEdge(
  manifest: Manifest,
  old: EdgeManifest,
  { vertex, edge }: EdgeTarget,
  shares: readonly ChannelRestore[][],
): void {
  const receiver = manifest.operators.find(({ uid }) => uid === old.to);
  if (receiver === undefined) throw moved(old, "the checkpoint does not hold its receiver");
  const partitioner: Partitioner = edge?.partitioner ?? "forward";
  const before = old.partitioner as Partitioner;
  for (const each of [before, partitioner]) {
    if (each === "broadcast" || each === "custom") throw moved(old, `a ${each} edge cannot have any`);
  }
  if (partitioner === "hash" && before !== "hash") throw moved(old, "it was not keyed before");
  const isSame = vertex.parallelism === receiver.parallelism;
  if (partitioner === "hash" && vertex.maxParallelism !== receiver.maxParallelism) {
    throw new MillraceError(
      "MAX_PARALLELISM_CHANGED",
      `records in flight to "${receiver.name}" have key groups of maxParallelism ${receiver.maxParallelism}, ` +
        `not ${vertex.maxParallelism}`,
    );
  }
  const byReceiver = new Map<number, ChannelSnapshot[]>();
  for (const channel of [...old.channels].sort(inOrder)) {
    const own = byReceiver.get(channel.to);
    if (own === undefined) byReceiver.set(channel.to, [channel]);
    else own.push(channel);
  }
  const isFiltered = partitioner === "hash" && !isSame;
  shares.forEach((own, subtask) => {
    const { parallelism, maxParallelism } = vertex;
    const receivers = isSame
      ? [subtask]
      : oldReceivers(partitioner, subtask, parallelism, receiver.parallelism, maxParallelism)!;
    const groups = isFiltered ? { groups: rangeOf(subtask, maxParallelism, parallelism) } : {};
    for (const { from, to, side, segment } of receivers.flatMap((each) => byReceiver.get(each) ?? [])) {
      own.push({ edge: edge?.id, operator: old.to, from, to, side, segment, ...groups });
    }
  });
}

/** What the receiver had queued goes before what its sender still held. */
function inOrder(one: ChannelSnapshot, other: ChannelSnapshot): number {
  return (
    one.to - other.to ||
    one.from - other.from ||
    Number(one.side === "sender") - Number(other.side === "sender")
  );
}

function moved({ from, to, channels, partitioner }: EdgeManifest, why: string): MillraceError {
  return new MillraceError(
    "CHANNEL_STATE_MOVED",
    `the checkpoint holds records in flight on ${channels.length} channels from "${from}" to "${to}" ` +
      `(${partitioner}), and ${why}`,
  );
}
