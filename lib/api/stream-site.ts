/**
 * Where a stream's methods add operators, for files of methods that cannot import the class that stands for an
 * operator's output: that class has these very methods.
 */
import type { OperatorNode } from "../graph/stream-graph.js";
import type { GraphBuilder, NewOperator, StreamInput } from "./graph-builder.js";

/** A class over records as a function of types: `output` in terms of `this["record"]`. */
export interface OutputKind {
  readonly record: unknown;
  readonly output: unknown;
}

/** The output of an operator that emits records of type R. */
export type OutputOf<O extends OutputKind, R> = (O & { readonly record: R })["output"];

/** A place in the graph behind given inputs. */
export class StreamSite<O extends OutputKind> {
  private readonly env: GraphBuilder;
  private readonly inputs: readonly StreamInput[];
  private readonly output: (env: GraphBuilder, node: OperatorNode) => unknown;

  constructor(
    env: GraphBuilder,
    inputs: readonly StreamInput[],
    output: (env: GraphBuilder, node: OperatorNode) => unknown,
  ) {
    this.env = env;
    this.inputs = inputs;
    this.output = output;
  }

  append<R>(operator: NewOperator): OutputOf<O, R> {
    return this.output(this.env, this.env.add(operator, this.inputs)) as OutputOf<O, R>;
  }

  /** The place after an operator that is added here. */
  after(operator: NewOperator): StreamSite<O> {
    return new StreamSite<O>(this.env, [{ node: this.env.add(operator, this.inputs) }], this.output);
  }
}
