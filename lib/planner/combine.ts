/**
 * Planning pass: local combine. Before a hash or global edge into an aggregate that can merge, inserts an
 * operator that aggregates each subtask's own records, so that partials cross threads instead of records.
 * Only where records do cross: at parallelism 1 throughout it would be work done twice. But a job that takes
 * checkpoints may be restored at another parallelism, and what the combine has gathered needs its operator there.
 */
import type { OperatorNode, StreamEdge } from "../graph/stream-graph.js";
import type { OperatorLogic } from "../operators/contract.js";
import { type MiniBatch, type RunningLogic, runningCombineLogic } from "../operators/running-aggregate.js";
import type { SessionLogic } from "../operators/session-aggregate.js";
import { sessionCombineLogic } from "../operators/session-combine.js";
import type { WindowLogic } from "../operators/window-aggregate.js";
import { windowCombineLogic } from "../operators/window-combine.js";
import type { Program } from "../protocol/program.js";

/** Windows over all records have one key. */
const ALL = () => null;

/** What goes to windows by processing time is of the time when it comes: it waits for no more than its turn's end. */
const CLOCK_BATCH: MiniBatch = { size: 16_384, latencyMs: 0 };

/** The key of a partial. */
const partialKey = (partial: { k: unknown }) => partial.k;

export function combineLocally(
  program: Program,
  parallelismOf: (node: OperatorNode) => number,
  rescalable = false,
): Program {
  const operators = [...program.graph.operators];
  const logic = new Map(program.logic);
  const selectors = new Map(program.selectors);
  const edges: StreamEdge[] = [];
  for (const edge of program.graph.edges) {
    const target = operators.find((node) => node.uid === edge.to)!;
    const source = operators.find((node) => node.uid === edge.from)!;
    const combine = combineOf(program.logic.get(edge.to)!);
    const inputs = program.graph.edges.filter((other) => other.to === edge.to);
    const crosses = rescalable || parallelismOf(source) > 1 || parallelismOf(target) > 1;
    const apt = edge.partitioner === "hash" || edge.partitioner === "global";
    if (combine === undefined || !crosses || !apt || inputs.length > 1) {
      edges.push(edge);
      continue;
    }
    const uid = `${edge.to}~combine`;
    const node: OperatorNode = {
      uid,
      name: `${target.name} (local)`,
      kind: "combine",
      config: {},
      slotSharingGroup: source.slotSharingGroup,
      chaining: "always",
      parallelism: parallelismOf(source),
    };
    operators.splice(operators.indexOf(target), 0, node);
    logic.set(uid, combine);
    logic.set(
      edge.to,
      (program.logic.get(edge.to) as WindowLogic | SessionLogic | RunningLogic).overPartials(),
    );
    const selector = `${uid}~key`;
    selectors.set(selector, partialKey);
    const { selector: _replaced, side, ...rest } = edge;
    edges.push({ from: edge.from, to: uid, partitioner: "forward", ...(side === undefined ? {} : { side }) });
    edges.push({ ...rest, from: uid, ...(edge.partitioner === "hash" ? { selector } : {}) });
  }
  return { ...program, graph: { ...program.graph, operators, edges }, logic, selectors };
}

function combineOf(logic: OperatorLogic): OperatorLogic | undefined {
  if ("window" in logic) {
    const { window } = logic as WindowLogic;
    if (window.assigner.time !== "processing") return windowCombineLogic(window);
    return runningCombineLogic({ ...window, key: window.key ?? ALL, miniBatch: CLOCK_BATCH });
  }
  if ("session" in logic) return sessionCombineLogic((logic as SessionLogic).session);
  if ("running" in logic) {
    const { running } = logic as RunningLogic;
    return running.miniBatch === undefined ? undefined : runningCombineLogic(running);
  }
  return undefined;
}
