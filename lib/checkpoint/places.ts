/** The one place that knows where in a manifest segments are. */
import type { Manifest, OperatorSnapshot, Segment, SegmentPlace } from "./snapshot.js";

/** The same manifest with every segment's place replaced. */
export function mapPlaces(manifest: Manifest, map: (place: SegmentPlace) => SegmentPlace): Manifest {
  const segment = (old: Segment): Segment => ({ ...old, place: map(old.place) });
  const subtask = (snapshot: OperatorSnapshot): OperatorSnapshot => ({
    ...snapshot,
    parts: snapshot.parts.map((part) => ({ ...part, chain: part.chain.map(segment) })),
  });
  return {
    ...manifest,
    operators: manifest.operators.map((operator) => ({
      ...operator,
      // an absent snapshot is null in JSON
      subtasks: operator.subtasks.map((snapshot) => (snapshot ? subtask(snapshot) : undefined)),
    })),
    edges: manifest.edges.map((edge) => ({
      ...edge,
      channels: edge.channels.map((channel) => ({ ...channel, segment: segment(channel.segment) })),
    })),
  };
}

/** Every blob that a manifest refers to, and how long it must at least be. */
export function blobsOf(manifest: Manifest): ReadonlyMap<string, number> {
  const lengths = new Map<string, number>();
  for (const { place, bytes } of segmentsOf(manifest)) {
    if ("inline" in place) continue;
    lengths.set(place.blob, Math.max(lengths.get(place.blob) ?? 0, place.offset + bytes));
  }
  return lengths;
}

function* segmentsOf(manifest: Manifest): Iterable<Segment> {
  for (const operator of manifest.operators)
    for (const snapshot of operator.subtasks) for (const part of snapshot?.parts ?? []) yield* part.chain;
  for (const edge of manifest.edges) for (const channel of edge.channels) yield channel.segment;
}
