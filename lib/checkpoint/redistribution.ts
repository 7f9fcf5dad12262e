/**
 * Redistribution: from a checkpoint's manifest and the job as it is now to what every new subtask loads, at
 * whatever parallelism. Pure; refuses with a coded error what would lose or double state.
 *
 * Called by: coordinator, when a job starts from a checkpoint or is restarted. May import: base, graph, state.
 */
import { MillraceError } from "../base/error.js";
import type { JobGraph, JobVertex } from "../graph/job-graph.js";
import { shareChannels } from "./channel-shares.js";
import { finishedShare, finishedVertices } from "./finished-operators.js";
import { activeSubtasks, shareOperator } from "./part-shares.js";
import type { Manifest, OperatorManifest } from "./snapshot.js";
import type { JobRestore, OperatorRestore, TaskRestore } from "./task-restore.js";
import { printDifference, uidDifference } from "./uid-difference.js";

export interface RedistributionOptions {
  /** State of operators that the job does not have is dropped rather than refused. */
  readonly allowNonRestoredState?: boolean;
}

/**
 * What the job's subtasks load of a checkpoint.
 *
 * Throws STATE_NOT_RESTORED, MAX_PARALLELISM_CHANGED, PARALLELISM_INVALID, UNION_STATE_PARTLY_FINISHED,
 * FINISHED_OPERATORS_CHANGED, CHANNEL_STATE_MOVED.
 */
export function redistribute(
  manifest: Manifest,
  graph: JobGraph,
  options: RedistributionOptions = {},
): JobRestore {
  const dropped = checkOperators(manifest, graph, options.allowNonRestoredState === true);
  const known = new Map(manifest.operators.map((operator) => [operator.uid, operator]));
  const finished = finishedVertices(manifest, graph);
  const channels = shareChannels(manifest, graph);
  const tasks: TaskRestore[] = [];
  for (const vertex of graph.vertices) {
    const isFinished = finished[vertex.id] === "all";
    const shares = isFinished ? [] : shareVertex(vertex, known);
    for (let subtask = 0; subtask < vertex.parallelism; subtask++) {
      tasks.push({
        vertex: vertex.id,
        subtask,
        finished: isFinished,
        operators: shares
          .map((operator) => operator[subtask]!)
          .filter(({ parts, splits }) => parts.length + splits.length > 0),
        channels: isFinished ? [] : channels[vertex.id]![subtask]!,
      });
    }
  }
  const kept = manifest.operators.filter(({ uid }) => !dropped.includes(uid));
  return {
    checkpoint: manifest.checkpoint,
    tasks,
    committables: kept.flatMap((operator) => {
      const committables = operator.subtasks.flatMap((each) => each?.committables ?? []);
      return committables.length === 0 ? [] : [{ uid: operator.uid, committables }];
    }),
    enumerators: kept.flatMap(({ uid, enumerator }) =>
      enumerator === undefined ? [] : [{ uid, state: enumerator }],
    ),
    dropped,
  };
}

/**
 * The maxParallelism that operators had when the checkpoint was taken, by uid. A job that did not choose one itself
 * has to take these: the default follows the parallelism and changes with it.
 */
export function keptMaxParallelism(manifest: Manifest): ReadonlyMap<string, number> {
  return new Map(manifest.operators.map(({ uid, maxParallelism }) => [uid, maxParallelism]));
}

function shareVertex(vertex: JobVertex, known: ReadonlyMap<string, OperatorManifest>): OperatorRestore[][] {
  const { parallelism, maxParallelism } = vertex;
  return vertex.operators.flatMap(({ uid }) => {
    const old = known.get(uid);
    if (old === undefined) return [];
    checkScaling(old, vertex);
    checkUnion(old);
    return [shareOperator(old, parallelism, maxParallelism)];
  });
}

function hasPart(operator: OperatorManifest, scope: "keyed" | "union"): boolean {
  return activeSubtasks(operator).some((each) =>
    each?.parts.some((part) => part.scope === scope && part.chain.length > 0),
  );
}

function checkScaling(old: OperatorManifest, { parallelism, maxParallelism }: JobVertex): void {
  if (!hasPart(old, "keyed")) return;
  const written = `the keyed state of "${old.name}" was written with maxParallelism ${old.maxParallelism}`;
  if (parallelism > old.maxParallelism) {
    throw new MillraceError("PARALLELISM_INVALID", `parallelism is ${parallelism}, but ${written}`);
  }
  if (maxParallelism !== old.maxParallelism) {
    throw new MillraceError("MAX_PARALLELISM_CHANGED", `maxParallelism is ${maxParallelism}, but ${written}`);
  }
}

function checkUnion(old: OperatorManifest): void {
  if (finishedShare(old) !== "some" || !hasPart(old, "union")) return;
  throw new MillraceError(
    "UNION_STATE_PARTLY_FINISHED",
    `"${old.name}" has union state, and some of its subtasks had finished without their part of it`,
  );
}

/** Uids with state that the job does not have. */
function checkOperators(manifest: Manifest, graph: JobGraph, isAllowed: boolean): string[] {
  const now = graph.vertices.flatMap(({ operators }) => operators);
  const lost = new Map<string, string>();
  for (const old of manifest.operators) {
    if (now.some(({ uid }) => uid === old.uid)) continue;
    const held = describeState(old, manifest);
    if (held !== "") lost.set(old.uid, held);
  }
  if (lost.size > 0 && !isAllowed) {
    const difference = uidDifference(manifest.operators, now);
    const gone = difference.gone.filter(({ uid }) => lost.has(uid));
    throw new MillraceError(
      "STATE_NOT_RESTORED",
      `checkpoint ${manifest.checkpoint} holds state for which the job has no operator\n` +
        printDifference({ gone, added: difference.added }, (uid) => lost.get(uid)!),
    );
  }
  return [...lost.keys()];
}

function describeState(operator: OperatorManifest, manifest: Manifest): string {
  const subtasks = operator.subtasks.flatMap((each) => each ?? []);
  const parts = subtasks.flatMap((each) => each.parts.filter(({ chain }) => chain.length > 0));
  const names = new Set(parts.map(({ name }) => `"${name}"`));
  const splits = subtasks.reduce((sum, each) => sum + (each.splits?.length ?? 0), 0);
  const committables = subtasks.reduce((sum, each) => sum + (each.committables?.length ?? 0), 0);
  const channels = manifest.edges
    .filter(({ to }) => to === operator.uid)
    .reduce((sum, edge) => sum + edge.channels.length, 0);
  return [
    names.size > 0 ? `state ${[...names].join(", ")}` : "",
    splits > 0 ? `${splits} splits being read` : "",
    operator.enumerator === undefined ? "" : "where to read on",
    committables > 0 ? `${committables} results not committed` : "",
    channels > 0 ? `records in flight on ${channels} channels` : "",
  ]
    .filter((each) => each !== "")
    .join(", ");
}
