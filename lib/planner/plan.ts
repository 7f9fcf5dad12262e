/**
 * From the stream graph to the job graph: decides every parallelism, inserts local combines and fuses
 * operators into vertices by Flink's chaining rules. Pure: the same program and options give the same plan
 * in every thread.
 */
import { MillraceError } from "../base/error.js";
import type { ChainedOperator, JobEdge, JobVertex } from "../graph/job-graph.js";
import type { OperatorNode, Partitioner, StreamEdge } from "../graph/stream-graph.js";
import type { Plan, Program } from "../protocol/program.js";
import { defaultMaxParallelism } from "../state/key.js";
import { combineLocally } from "./combine.js";

export interface PlanOptions {
  /** Parallelism of operators that do not say their own. */
  readonly parallelism: number;
  readonly maxParallelism?: number;
  /** Off: every operator is a vertex of its own. */
  readonly chaining?: boolean;
  /** Off: records cross threads one by one. */
  readonly localCombine?: boolean;
  /** The job may go on with another parallelism: its operators must not depend on it. */
  readonly rescalable?: boolean;
  /** By uid: the key groups of the state that the job goes on from, where the operator does not say its own. */
  readonly keptMaxParallelism?: Readonly<Record<string, number>>;
}

export function plan(given: Program, options: PlanOptions): Plan {
  checkParallelism("parallelism", options.parallelism);
  const parallelismOf = (node: OperatorNode) => node.parallelism ?? options.parallelism;
  const program =
    options.localCombine === false ? given : combineLocally(given, parallelismOf, options.rescalable);
  const { operators } = program.graph;
  for (const node of operators) checkNode(node, parallelismOf(node), options);
  const { rescalable = false } = options;
  const edges = program.graph.edges.map((edge) =>
    decidePartitioner(edge, program, parallelismOf, rescalable),
  );
  const feeders = chainFeeders(operators, edges, parallelismOf, options.chaining !== false);
  const vertices = buildVertices(operators, feeders, parallelismOf, options);
  const placeOf = new Map<string, { vertex: number; index: number }>();
  for (const vertex of vertices) {
    vertex.operators.forEach((node, index) => {
      placeOf.set(node.uid, { vertex: vertex.id, index });
    });
  }
  const jobEdges: JobEdge[] = [];
  for (const edge of edges) {
    if (feeders.get(edge.to)?.edge === edge) continue;
    const from = placeOf.get(edge.from)!;
    jobEdges.push({
      id: jobEdges.length,
      from: from.vertex,
      fromOperator: from.index,
      to: placeOf.get(edge.to)!.vertex,
      partitioner: edge.partitioner,
      ...(edge.side === undefined ? {} : { side: edge.side }),
      ...(edge.selector === undefined ? {} : { selector: edge.selector }),
      ...(edge.input === undefined ? {} : { input: edge.input }),
    });
  }
  const { job, groups } = program.graph;
  const jobGraph = { job, ...(groups === undefined ? {} : { groups }), vertices, edges: jobEdges };
  return { jobGraph, program };
}

/**
 * The most that the parallelism of a planned job can be: what its key groups allow to the operators that follow it.
 * Undefined: none of them does.
 */
export function mostParallelism({ jobGraph }: Plan): number | undefined {
  const most = jobGraph.vertices.flatMap(({ operators, maxParallelism }) =>
    operators.flatMap((node) =>
      node.parallelism === undefined ? [Math.min(node.maxParallelism ?? maxParallelism, maxParallelism)] : [],
    ),
  );
  return most.length === 0 ? undefined : Math.min(...most);
}

/** The key groups of a planned job by the uids of its operators: what another plan of it has to keep. */
export function keyGroupsOf({ jobGraph }: Plan): Record<string, number> {
  return Object.fromEntries(
    jobGraph.vertices.flatMap(({ operators, maxParallelism }) =>
      operators.map(({ uid }) => [uid, maxParallelism] as const),
    ),
  );
}

function checkParallelism(what: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= 32_768) return;
  throw new MillraceError("PARALLELISM_INVALID", `${what} is ${value}`);
}

function checkNode(node: OperatorNode, parallelism: number, options: PlanOptions): void {
  checkParallelism(`parallelism of "${node.name}"`, parallelism);
  const max = maxParallelismOf(node, parallelism, options);
  checkParallelism(`maxParallelism of "${node.name}"`, max);
  if (max < parallelism) {
    throw new MillraceError(
      "PARALLELISM_INVALID",
      `"${node.name}" has parallelism ${parallelism} above its maxParallelism ${max}`,
    );
  }
}

function maxParallelismOf(node: OperatorNode, parallelism: number, options: PlanOptions): number {
  const kept = options.keptMaxParallelism?.[node.uid];
  return node.maxParallelism ?? kept ?? options.maxParallelism ?? defaultMaxParallelism(parallelism);
}

/**
 * A plain forward edge between different parallelisms becomes a rebalance. In a job that may be rescaled also between
 * parallelisms that happen to be equal now: records in flight on the edge find it again at any other parallelism.
 */
function decidePartitioner(
  edge: StreamEdge,
  program: Program,
  parallelismOf: (node: OperatorNode) => number,
  rescalable: boolean,
): StreamEdge {
  if (edge.partitioner !== "forward") return edge;
  const [from, to] = [edge.from, edge.to].map(
    (uid) => program.graph.operators.find((node) => node.uid === uid)!,
  );
  const areBound = (from!.parallelism === undefined) === (to!.parallelism === undefined);
  const stays = areBound || !rescalable || edge.explicit === true;
  if (parallelismOf(from!) === parallelismOf(to!) && stays) return edge;
  if (edge.explicit === true) {
    throw new MillraceError(
      "GRAPH_INVALID",
      `forward from "${from!.name}" (parallelism ${parallelismOf(from!)}) to "${to!.name}" (${parallelismOf(to!)})`,
      { hint: "forward() needs equal parallelism; use rebalance() or rescale()." },
    );
  }
  return { ...edge, partitioner: "rebalance" as Partitioner };
}

/** For every operator that is fused to the one before it: the edge between them. */
function chainFeeders(
  operators: readonly OperatorNode[],
  edges: readonly StreamEdge[],
  parallelismOf: (node: OperatorNode) => number,
  chaining: boolean,
): Map<string, { edge: StreamEdge }> {
  const feeders = new Map<string, { edge: StreamEdge }>();
  if (!chaining) return feeders;
  for (const node of operators) {
    const inputs = edges.filter((edge) => edge.to === node.uid);
    const edge = inputs[0];
    if (inputs.length !== 1 || edge === undefined || edge.partitioner !== "forward") continue;
    const upstream = operators.find((other) => other.uid === edge.from)!;
    const chainable =
      upstream.slotSharingGroup === node.slotSharingGroup &&
      parallelismOf(upstream) === parallelismOf(node) &&
      upstream.chaining !== "never" &&
      node.chaining === "always";
    if (chainable) feeders.set(node.uid, { edge });
  }
  return feeders;
}

function buildVertices(
  operators: readonly OperatorNode[],
  feeders: ReadonlyMap<string, { edge: StreamEdge }>,
  parallelismOf: (node: OperatorNode) => number,
  options: PlanOptions,
): JobVertex[] {
  const members = new Map<string, ChainedOperator[]>();
  const headOf = new Map<string, string>();
  for (const node of operators) {
    const feeder = feeders.get(node.uid);
    const head = feeder === undefined ? node.uid : headOf.get(feeder.edge.from)!;
    headOf.set(node.uid, head);
    const chain = members.get(head) ?? [];
    members.set(head, chain);
    const index = feeder === undefined ? -1 : chain.findIndex((each) => each.uid === feeder.edge.from);
    const side = feeder?.edge.side;
    chain.push({ ...node, feeder: index, ...(side === undefined ? {} : { side }) });
  }
  return [...members.values()].map((chain, id) => {
    const head = chain[0]!;
    const parallelism = parallelismOf(head);
    return {
      id,
      name: chain.map((node) => node.name).join(" -> "),
      operators: chain,
      parallelism,
      maxParallelism: Math.max(...chain.map((node) => maxParallelismOf(node, parallelism, options))),
      slotSharingGroup: head.slotSharingGroup,
    };
  });
}
