/** A job's program with its sources and sinks in the hands of a test, planned as a variation wants it. */
import type { JobDefinition } from "../api/define-job.js";
import { buildProgram } from "../api/environment.js";
import { DEFAULT_GROUP } from "../api/sharing-groups.js";
import { refuseAsyncFunctions } from "../host/async-functions.js";
import type { Operator, OperatorLogic } from "../operators/contract.js";
import type { SourceLogic } from "../operators/source.js";
import { plan } from "../planner/plan.js";
import type { Plan, Program } from "../protocol/program.js";
import { userError } from "../runtime/user-error.js";
import { timestampOf } from "../time/timestamps.js";
import type { WatermarkStrategy } from "../time/watermarks.js";
import { DRIVEN } from "./driven-source.js";
import type { Variation } from "./variations.js";

/** What a test does with a source's records before they enter. */
export interface TestedSource {
  readonly timestampOf: ((record: unknown) => number) | undefined;
  readonly validate: ((record: unknown) => unknown) | undefined;
}

export interface DrivenProgram {
  readonly plan: Plan;
  /** By name, or by uid where an earlier one has the same name. */
  readonly sources: ReadonlyMap<string, TestedSource>;
  /** By uid: what they are called in `sources`. */
  readonly sourceNames: ReadonlyMap<string, string>;
  readonly sinks: ReadonlySet<string>;
  /** Operators are fed by one other at most, and run once each: what one element leads to has one order. */
  readonly isLinear: boolean;
}

export interface DrivenOptions {
  /** A sink got a record; `isBehind`: behind the barrier of a checkpoint that is not complete. */
  readonly onRow: (sink: string, record: unknown, timestamp: number, isBehind: boolean) => void;
  readonly onOperator: (operator: Operator) => void;
}

/** Builds the job anew. Throws what `run` throws of a job that is not right. */
export function drivenProgram(
  job: JobDefinition,
  params: unknown,
  variation: Variation,
  { onRow, onOperator }: DrivenOptions,
): DrivenProgram {
  const given = buildProgram(job, params);
  refuseAsyncFunctions(given);
  const sources = new Map<string, TestedSource>();
  const sourceNames = new Map<string, string>();
  const sinks = new Set<string>();
  const logic = new Map<string, OperatorLogic>();
  for (const { uid, name, kind } of given.graph.operators) {
    const own = given.logic.get(uid)!;
    if (kind === "source") {
      const { watermarks, validate } = own as SourceLogic;
      const timestampOf = watermarks === undefined ? undefined : timeBy(watermarks, name);
      const called = sources.has(name) ? uid : name;
      sources.set(called, { timestampOf, validate });
      sourceNames.set(uid, called);
      const driven: SourceLogic = { ...(own as SourceLogic), source: DRIVEN, watermarks: undefined };
      logic.set(uid, driven);
    } else if (kind === "sink") {
      sinks.add(name);
      logic.set(uid, { functions: own.functions, create: () => new DrivenSink(name, onRow) });
    } else logic.set(uid, watched(own, onOperator));
  }
  // All in one slot: what a test tries is not placement.
  const operators = given.graph.operators.map((node) => ({
    ...node,
    slotSharingGroup: DEFAULT_GROUP,
    // So that what emits into a sink meets a channel that refuses.
    ...(variation.tiny === true && node.kind === "sink" ? { chaining: "head" as const } : {}),
  }));
  const { job: name, edges } = given.graph;
  const program: Program = { ...given, graph: { job: name, operators, edges }, logic };
  const fed = new Set(edges.map(({ to }) => to));
  const isLinear = fed.size === edges.length && operators.every(({ parallelism = 1 }) => parallelism === 1);
  const planned = plan(program, {
    parallelism: 1,
    chaining: variation.unchained !== true,
    ...(variation.restores === true ? { rescalable: true } : {}),
  });
  return { plan: planned, sources, sourceNames, sinks, isLinear };
}

/** Stands for a sink. */
class DrivenSink implements Operator {
  private readonly name: string;
  private readonly onRow: DrivenOptions["onRow"];
  private isBehind = false;

  constructor(name: string, onRow: DrivenOptions["onRow"]) {
    this.name = name;
    this.onRow = onRow;
  }

  element(record: unknown, timestamp: number): void {
    this.onRow(this.name, record, timestamp, this.isBehind);
  }

  prepareSnapshot(): void {
    this.isBehind = true;
  }

  checkpointComplete(): void {
    this.isBehind = false;
  }
}

/** As the source's own task asks for it. */
function timeBy(strategy: WatermarkStrategy<any>, operator: string): (record: unknown) => number {
  return (record) => {
    try {
      return timestampOf(strategy.timestampOf(record));
    } catch (error) {
      throw userError(error, { operator }, record);
    }
  };
}

function watched(logic: OperatorLogic, onOperator: (operator: Operator) => void): OperatorLogic {
  const { create } = logic;
  if (create === undefined) return logic;
  return {
    ...logic,
    create: (context) => {
      const operator = create(context);
      onOperator(operator);
      return operator;
    },
  };
}
