/**
 * Where streams write down what the user says: a graph under construction.
 *
 * Invariant: nothing here opens, reads or starts anything. The outcome is a Program: a plain graph and
 * the functions that belong to it.
 */
import { MillraceError } from "../base/error.js";
import type { SlotSharingGroup } from "../graph/resource-profile.js";
import type { OperatorNode, Partitioner, StreamEdge } from "../graph/stream-graph.js";
import type { AnyFunction, OperatorLogic } from "../operators/contract.js";
import { deadLetterTag } from "../operators/error-policy.js";
import type { Accumulator } from "../operators/job-accumulators.js";
import type { Program } from "../protocol/program.js";
import { DEFAULT_GROUP, SharingGroups } from "./sharing-groups.js";

/** An operator's output on its way to the next operator. */
export interface StreamInput {
  readonly node: OperatorNode;
  readonly side?: string;
  readonly partitioner?: Partitioner;
  readonly selector?: AnyFunction;
  /** Which input of an operator with two it feeds. */
  readonly input?: 0 | 1;
}

/** What an operator is made of when it is added to the graph. */
export interface NewOperator {
  readonly kind: string;
  readonly name?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly parallelism?: number;
  /** The name of the dead letters that it writes. */
  readonly deadLetters?: string;
  readonly logic: OperatorLogic;
}

/** A graph under construction. */
export class GraphBuilder {
  private readonly job: string;
  private readonly operators: OperatorNode[] = [];
  private readonly edges: StreamEdge[] = [];
  private readonly logic = new Map<string, OperatorLogic>();
  private readonly selectors = new Map<string, AnyFunction>();
  /** Who writes dead letters of a name. */
  private readonly letters = new Map<string, OperatorNode[]>();
  private readonly lettersRead = new Set<string>();
  private readonly sharing = new SharingGroups();
  private readonly accumulators = new Map<string, Accumulator>();

  constructor(job: string) {
    this.job = job;
  }

  /** Adds an operator to the graph. */
  add(operator: NewOperator, inputs: readonly StreamInput[] = []): OperatorNode {
    const node: OperatorNode = {
      uid: this.freeUid(operator.name ?? operator.kind),
      name: operator.name ?? operator.kind,
      kind: operator.kind,
      config: operator.config ?? {},
      slotSharingGroup: DEFAULT_GROUP,
      chaining: operator.kind === "source" ? "head" : "always",
    };
    if (operator.parallelism !== undefined) node.parallelism = operator.parallelism;
    if (operator.deadLetters !== undefined) this.writesLetters(node, operator.deadLetters);
    this.operators.push(node);
    this.logic.set(node.uid, operator.logic);
    for (const input of inputs) this.connect(input, node);
    return node;
  }

  /** Gives an operator the uid the user wants. */
  rename(node: OperatorNode, uid: string): void {
    if (this.operators.some((other) => other !== node && other.uid === uid)) {
      throw new MillraceError("GRAPH_INVALID", `two operators have the uid "${uid}"`);
    }
    const old = node.uid;
    if (old === uid) return;
    (node as { uid: string }).uid = uid;
    this.logic.set(uid, this.logic.get(old)!);
    this.logic.delete(old);
    this.edges.forEach((edge, i) => {
      const from = edge.from === old ? uid : edge.from;
      const to = edge.to === old ? uid : edge.to;
      this.edges[i] = { ...edge, from, to };
    });
  }

  /** The dead letters of a name, of all operators so far; there can be none later. */
  deadLetters(name: string): StreamInput[] {
    const writers = this.letters.get(name);
    if (writers === undefined) {
      throw new MillraceError("GRAPH_INVALID", `no operator has the policy deadLetter("${name}")`, {
        hint: "Call env.deadLetters(name) behind the operators that name it in `onError`.",
      });
    }
    this.lettersRead.add(name);
    return writers.map((node) => ({ node, side: deadLetterTag(name) }));
  }

  /** Makes a slot sharing group known. */
  registerGroup(group: SlotSharingGroup): void {
    this.sharing.register(group);
  }

  /** Puts an operator into a slot sharing group. */
  share(node: OperatorNode, group: string | SlotSharingGroup): void {
    this.sharing.assign(node, group);
  }

  /** Declares an accumulator of the job. */
  accumulate(accumulator: Accumulator): void {
    const { name } = accumulator;
    if (typeof name !== "string" || name === "" || this.accumulators.has(name)) {
      throw new MillraceError(
        "ACCUMULATOR_INVALID",
        `two accumulators are named "${name}", or it is no name`,
      );
    }
    this.accumulators.set(name, accumulator);
  }

  /** The program, checked. */
  program(): Program {
    const { job, operators, edges, logic, selectors } = this;
    if (operators.length === 0) throw new MillraceError("GRAPH_INVALID", `job "${job}" has no operators`);
    const sinks = new Set<string>();
    for (const node of operators) {
      if (node.kind === "sink" && sinks.size === sinks.add(node.name).size) {
        throw new MillraceError("GRAPH_INVALID", `two sinks have the name "${node.name}"`);
      }
      if (node.kind !== "sink" && !edges.some((edge) => edge.from === node.uid)) {
        throw new MillraceError("GRAPH_INVALID", `nothing reads "${node.name}": it leads to no sink`);
      }
    }
    for (const name of this.letters.keys()) {
      if (this.lettersRead.has(name)) continue;
      throw new MillraceError("GRAPH_INVALID", `nobody reads the dead letters "${name}"`, {
        hint: `Read them with env.deadLetters("${name}"), or say onError: "skip".`,
      });
    }
    const groups = this.sharing.resolve(operators, edges);
    const graph = { job, operators, edges, ...(groups === undefined ? {} : { groups }) };
    return { graph, logic, selectors, accumulators: this.accumulators };
  }

  private writesLetters(node: OperatorNode, name: string): void {
    if (this.lettersRead.has(name)) {
      throw new MillraceError("GRAPH_INVALID", `"${node.name}" comes behind env.deadLetters("${name}")`, {
        hint: "Call env.deadLetters(name) behind all operators that name it in `onError`.",
      });
    }
    this.letters.set(name, [...(this.letters.get(name) ?? []), node]);
  }

  private connect(input: StreamInput, node: OperatorNode): void {
    const edge: { -readonly [K in keyof StreamEdge]: StreamEdge[K] } = {
      from: input.node.uid,
      to: node.uid,
      partitioner: input.partitioner ?? "forward",
    };
    if (input.side !== undefined) edge.side = input.side;
    if (input.input !== undefined) edge.input = input.input;
    if (input.partitioner !== undefined) edge.explicit = true;
    if (input.selector !== undefined) {
      edge.selector = `${this.edges.length}`;
      this.selectors.set(edge.selector, input.selector);
    }
    this.edges.push(edge);
  }

  private freeUid(name: string): string {
    const base =
      name
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-|-$/g, "") || "operator";
    for (let n = 1; ; n++) {
      const uid = n === 1 ? base : `${base}-${n}`;
      if (!this.logic.has(uid)) return uid;
    }
  }
}
