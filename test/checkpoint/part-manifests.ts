/** Manifests for tests: the entries of a part are its blob's name and an index, so that each can be told. */
import type {
  ChannelSnapshot,
  EdgeManifest,
  Manifest,
  OperatorManifest,
  OperatorSnapshot,
  PartSnapshot,
  Segment,
} from "../../lib/checkpoint/snapshot.js";
import type { PartRestore } from "../../lib/checkpoint/task-restore.js";
import type { StateScope } from "../../lib/state/contract.js";

export function segment(blob: string, entries: number, kind: Segment["kind"] = "full"): Segment {
  return { place: { blob, offset: 0, crc: 0 }, bytes: entries * 10, kind, entries };
}

export function part(name: string, scope: StateScope, ...chain: Segment[]): PartSnapshot {
  return { name, scope, schema: { kind: "list" }, chain };
}

export function operator(
  uid: string,
  subtasks: readonly (Partial<OperatorSnapshot> | undefined)[],
  given: Partial<OperatorManifest> = {},
): OperatorManifest {
  return {
    uid,
    name: `name of ${uid}`,
    parallelism: subtasks.length,
    maxParallelism: 128,
    subtasks: subtasks.map((each) => each && { uid, parts: [], ...each }),
    finished: subtasks.map((each) => each === undefined),
    ...given,
  };
}

export function manifest(operators: OperatorManifest[], edges: EdgeManifest[] = []): Manifest {
  return {
    job: "test",
    jobId: "j",
    checkpoint: 12,
    purpose: "checkpoint",
    timestamp: 0,
    operators,
    edges,
  };
}

/** Channels named "0>1" by their subtasks, with what the receiver and, after "+", the sender held. */
export function edge(
  from: string,
  to: string,
  partitioner: string,
  channels: readonly string[],
): EdgeManifest {
  const made = channels.flatMap((name): ChannelSnapshot[] => {
    const [, source, target, both] = /^(\d+)>(\d+)(\+?)$/.exec(name)!;
    const place = { edge: 0, from: Number(source), to: Number(target) };
    const receiver = { ...place, side: "receiver" as const, segment: segment(`${name}/r`, 1) };
    const sender = { ...place, side: "sender" as const, segment: segment(`${name}/s`, 1) };
    return both === "+" ? [sender, receiver] : [receiver];
  });
  return { from, to, partitioner, channels: made };
}

/** The entries a loader would load, as "blob/index"; `groupOf` says an entry's key group. */
export function load(parts: readonly PartRestore[], groupOf: (entry: string) => number): string[] {
  return parts.flatMap(({ chain, take }) => {
    const entries = chain.flatMap(({ place, entries: count }) =>
      Array.from({ length: count }, (_, i) => `${"blob" in place ? place.blob : ""}/${i}`),
    );
    if (take.kind === "groups") {
      return entries.filter((entry) => {
        const group = groupOf(entry);
        return group >= take.groups.first && group <= take.groups.last;
      });
    }
    return take.kind === "all" ? entries : entries.slice(take.first, take.first + take.count);
  });
}
