/**
 * A program: the stream graph with the functions that belong to it. Every thread builds the same one by
 * running the job module; only its graph is compared and printed, only its functions are run.
 */
import type { JobGraph } from "../graph/job-graph.js";
import type { StreamGraph } from "../graph/stream-graph.js";
import type { AnyFunction, OperatorLogic } from "../operators/contract.js";
import type { Accumulator } from "../operators/job-accumulators.js";

export interface Program {
  readonly graph: StreamGraph;
  /** By operator uid. */
  readonly logic: Map<string, OperatorLogic>;
  /** Functions that choose channels, by the edge's `selector`. */
  readonly selectors: Map<string, AnyFunction>;
  /** The accumulators that the job has declared, by name. */
  readonly accumulators: ReadonlyMap<string, Accumulator>;
}

/** A program with everything decided: what every host computes for itself, equal to the coordinator's. */
export interface Plan {
  readonly jobGraph: JobGraph;
  readonly program: Program;
}
