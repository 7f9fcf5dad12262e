/**
 * Fuses the operators of a vertex: compiles one function per point where records enter, through which
 * everything below that point runs. Each function has a text of its own (sourceURL), or V8 would share
 * type feedback between chains.
 */
import { codeName } from "../base/code-name.js";
import { freeze } from "../base/plain-data.js";
import type { ChainedOperator, JobVertex } from "../graph/job-graph.js";
import type {
  AnyFunction,
  Emit,
  EmitSite,
  Operator,
  OperatorContext,
  OperatorCounters,
  OperatorLogic,
} from "../operators/contract.js";
import type { SourcePosition } from "../source/contract.js";
import { type EdgeOutput, writeEdge } from "./edge-code.js";

export type Entry = (record: unknown, timestamp: number, keyGroup: number) => void;

/** Turns what a step threw into a coded error; never returns. */
export type Failed = (error: unknown, operator: string, record: unknown) => never;

export interface ChainPlan {
  readonly vertex: JobVertex;
  readonly logicOf: (uid: string) => OperatorLogic;
  readonly outputs: readonly EdgeOutput[];
  readonly contextOf: (operator: ChainedOperator, out: Emit, side: (tag: string) => Emit) => OperatorContext;
  readonly failed: Failed;
  readonly counters: OperatorCounters;
  readonly sourcePosition: () => SourcePosition | undefined;
  /** Records are frozen when they are emitted, and where they enter. */
  readonly frozen: boolean;
  /** What enters are partials of aggregates: their accumulators are the receiver's to change. */
  readonly takesPartials: boolean;
}

export interface Chain {
  /** Where the vertex's records enter. */
  readonly entry: Entry;
  /** Where the records of the second input enter, if the head has one. */
  readonly second: Entry | undefined;
  /** The operators with state, feeders before fed. */
  readonly operators: readonly { readonly node: ChainedOperator; readonly operator: Operator }[];
  /** Binds the chain's code into a larger function (the source's loop). */
  compile(label: string, parameters: string, write: (builder: ChainCode) => void): AnyFunction;
}

export function buildChain(plan: ChainPlan): Chain {
  const operators = new Map<number, Operator>();
  const compile = (label: string, parameters: string, write: (code: ChainCode) => void) =>
    new ChainCode(plan, operatorAt).compile(label, parameters, write);
  const emitFrom = (index: number, side?: string): Emit =>
    compile(`${plan.vertex.operators[index]!.name}${side ?? ""}`, "record, timestamp", (code) =>
      code.targets(index, side, "record", "timestamp", "0"),
    ) as Emit;
  function operatorAt(index: number): Operator {
    const known = operators.get(index);
    if (known !== undefined) return known;
    const node = plan.vertex.operators[index]!;
    const logic = plan.logicOf(node.uid);
    // Of an inline one the steps below are part of its own.
    const out = logic.inline === undefined ? emitFrom(index) : ignore;
    // Compiled now, not when first used: what they lead to has to be opened and ended with the rest.
    const tags = logic.inline === undefined ? sidesOf(plan, index) : [];
    const sides = new Map(tags.map((tag) => [tag, emitFrom(index, tag)]));
    const made = logic.create!(plan.contextOf(node, out, (tag) => sides.get(tag) ?? ignore));
    operators.set(index, made);
    return made;
  }
  const isSource = plan.vertex.operators[0]!.kind === "source";
  const entry = compile(plan.vertex.name, "record, timestamp, keyGroup", (code) => {
    if (isSource) code.targets(0, undefined, "record", "timestamp", "0");
    else code.enter("element");
  }) as Entry;
  const hasSecond = operators.get(0)?.second !== undefined;
  const second = hasSecond
    ? (compile(`${plan.vertex.name}-second`, "record, timestamp, keyGroup", (code) =>
        code.enter("second"),
      ) as Entry)
    : undefined;
  const sorted = [...operators].sort(([a], [b]) => a - b);
  return {
    entry,
    second,
    operators: sorted.map(([index, operator]) => ({ node: plan.vertex.operators[index]!, operator })),
    compile,
  };
}

/** The side outputs of an operator that somebody reads. */
function sidesOf({ vertex, outputs }: ChainPlan, index: number): string[] {
  const inside = vertex.operators.filter((node) => node.feeder === index).map(({ side }) => side);
  const across = outputs.filter(({ edge }) => edge.fromOperator === index).map(({ edge }) => edge.side);
  return [...new Set([...inside, ...across])].filter((side) => side !== undefined);
}

/** An operator that emits partials of aggregates. */
export function isCombine({ kind }: Pick<ChainedOperator, "kind">): boolean {
  return kind === "combine";
}

/** Where a side output goes that nobody reads. */
function ignore(): void {}

/** The text of one function under construction. */
export class ChainCode {
  private readonly plan: ChainPlan;
  private readonly operatorAt: (index: number) => Operator;
  private readonly lines: string[] = [];
  private readonly bindings = new Map<string, unknown>();
  private readonly names = new Map<unknown, string>();
  private readonly variables: string[] = [];
  /** What is at work, by the value of `at`: the operator's name and the variable with its record. */
  private readonly steps: { operator: string; record: string }[] = [];

  constructor(plan: ChainPlan, operatorAt: (index: number) => Operator) {
    this.plan = plan;
    this.operatorAt = operatorAt;
  }

  bind(value: unknown, hint: string): string {
    const known = this.names.get(value);
    if (known !== undefined) return known;
    const name = `${hint}_${this.bindings.size}`;
    this.bindings.set(name, value);
    this.names.set(value, name);
    return name;
  }

  fresh(): string {
    const name = `v${this.variables.length}`;
    this.variables.push(name);
    return name;
  }

  line(source: string): void {
    this.lines.push(source);
  }

  /** From here on, an error is this operator's. */
  at(operator: string, record: string): void {
    this.line(`at = ${this.steps.length};`);
    this.steps.push({ operator, record });
  }

  /** The head's step, of a record from another vertex. */
  enter(method: "element" | "second"): void {
    if (this.plan.frozen && !this.plan.takesPartials) this.line(`${this.bind(freeze, "freeze")}(record);`);
    this.operator(0, "record", "timestamp", "keyGroup", method);
  }

  /** The steps of everything that reads an operator's output. */
  targets(index: number, side: string | undefined, value: string, timestamp: string, keyGroup: string): void {
    const { frozen, vertex } = this.plan;
    if (frozen && !isCombine(vertex.operators[index]!))
      this.line(`${this.bind(freeze, "freeze")}(${value});`);
    this.plan.vertex.operators.forEach((node, i) => {
      if (node.feeder === index && i !== index && node.side === side)
        this.operator(i, value, timestamp, keyGroup);
    });
    for (const output of this.plan.outputs) {
      if (output.edge.fromOperator !== index || output.edge.side !== side) continue;
      this.at(this.plan.vertex.operators[index]!.name, value);
      writeEdge(this, output, value, timestamp);
    }
  }

  /** The step of one operator. */
  operator(
    index: number,
    value: string,
    timestamp: string,
    keyGroup: string,
    method: "element" | "second" = "element",
  ): void {
    const node = this.plan.vertex.operators[index]!;
    const logic = this.plan.logicOf(node.uid);
    this.at(node.name, value);
    const made = logic.create === undefined ? undefined : this.operatorAt(index);
    if (logic.inline === undefined) {
      const operator = this.bind(made, node.kind.replace(/\W/g, ""));
      this.line(`${operator}.${method}(${value}, ${timestamp}, ${keyGroup});`);
      return;
    }
    const site: EmitSite = {
      bind: (bound, hint) => this.bind(bound, hint),
      fresh: () => this.fresh(),
      line: (source) => this.line(source),
      emit: (result, time) => this.targets(index, undefined, result, time, "0"),
      side: (tag, result, time) => this.targets(index, tag, result, time, "0"),
      operator: node.name,
      counters: this.plan.counters,
      sourcePosition: this.plan.sourcePosition,
    };
    logic.inline(site, value, timestamp, made);
  }

  compile(label: string, parameters: string, write: (code: ChainCode) => void): AnyFunction {
    write(this);
    const failed = this.bind(this.plan.failed, "failed");
    const steps = this.bind(
      this.steps.map((step) => step.operator),
      "steps",
    );
    const records = `[${this.steps.map((step) => step.record).join(", ")}]`;
    const declared = this.variables.length === 0 ? "" : `let ${this.variables.join(", ")};`;
    const source = `return function (${parameters}) {
  let at = 0; ${declared}
  try {
    ${this.lines.join("\n    ")}
  } catch (error) {
    ${failed}(error, ${steps}[at], ${records}[at]);
  }
};
//# sourceURL=${codeName(label)}`;
    return new Function(...this.bindings.keys(), source)(...this.bindings.values()) as AnyFunction;
  }
}
