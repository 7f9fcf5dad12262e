/**
 * A program: the stream graph with the functions that belong to it. Every thread builds the same one by
 * running the job module; only its graph is compared and printed, only its functions are run.
 */
import type { StreamGraph } from "../graph/stream-graph.js";
import type { AnyFunction, OperatorLogic } from "../operators/contract.js";

export interface Program {
  readonly graph: StreamGraph;
  /** By operator uid. */
  readonly logic: Map<string, OperatorLogic>;
  /** Functions that choose channels, by the edge's `selector`. */
  readonly selectors: Map<string, AnyFunction>;
}
