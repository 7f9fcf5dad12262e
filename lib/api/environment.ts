/** What a job's build function is given. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { MillraceError } from "../base/error.js";
import type { SlotSharingGroup } from "../graph/resource-profile.js";
import type { DeadLetter } from "../operators/error-policy.js";
import type { Accumulation, Accumulator } from "../operators/job-accumulators.js";
import type { SourceLogic } from "../operators/source.js";
import type { Program } from "../protocol/program.js";
import type { SourceDefinition } from "../source/contract.js";
import { functionsOfStrategy, type WatermarkStrategy } from "../time/watermarks.js";
import { GraphBuilder } from "./graph-builder.js";
import { DataStream, Operator } from "./streams.js";

/** What a source is told besides where to read. */
export interface SourceOptions<T> {
  /**
   * How event time is told; without it, and where the source does not tell it by itself, records have no timestamp and
   * windows never fire before the end.
   */
  readonly watermarks?: WatermarkStrategy<T>;
  /** Checks and converts every record: any Standard Schema (zod, valibot, arktype, ...) that is synchronous. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /**
   * Operators of different groups never share a slot; default "default". Inherited by what follows: pipelines that
   * exchange nothing fail and restart each by itself when they are in groups of their own.
   */
  readonly slotSharingGroup?: string | SlotSharingGroup;
}

/** Begins streams; a job's build function is given one. */
export class Environment {
  private readonly graph: GraphBuilder;

  constructor(graph: GraphBuilder) {
    this.graph = graph;
  }

  /**
   * Says what each slot of a slot sharing group takes: operators then name the group. Throws RESOURCES_INVALID.
   * @example env.registerSlotSharingGroup({ name: "light", cpu: 0.25, heapMb: 128 })
   */
  registerSlotSharingGroup(group: SlotSharingGroup): this {
    this.graph.registerGroup(group);
    return this;
  }

  /** Adds a source under a name of its own. */
  source<T>(name: string, definition: SourceDefinition<T, any>, options: SourceOptions<T> = {}): Operator<T> {
    const { watermarks, schema, slotSharingGroup } = options;
    const logic: SourceLogic = {
      functions: [watermarks, ...(definition.watermarks ?? [])].flatMap((each) =>
        each === undefined ? [] : functionsOfStrategy(each),
      ),
      source: definition as SourceDefinition,
      watermarks,
      validate: schema === undefined ? undefined : validator(schema),
    };
    const node = this.graph.add({
      kind: "source",
      name,
      config: { source: definition.kind, ...definition.description },
      ...(definition.parallelismMax === 1 ? { parallelism: 1 } : {}),
      logic,
    });
    if (slotSharingGroup !== undefined) this.graph.share(node, slotSharingGroup);
    return new Operator<T>(this.graph, node);
  }

  /**
   * Declares an accumulator: functions that are given a context add to it (`ctx.accumulator(declared).add(value)`), and
   * `job.accumulators()` and the job's result hold what all subtasks together have added. As in Flink, it is not part
   * of checkpoints: after a restart it says what was added since, of records that were read again, too.
   * Throws ACCUMULATOR_INVALID for a name that another one has.
   * @example
   * const long = env.accumulator("long words", accumulators.int());
   * words.process("sized", {
   *   out: type<number>(),
   *   element(word, ctx) {
   *     if (word.length > 20) ctx.accumulator(long).add(1);
   *     ctx.emit(word.length);
   *   },
   * });
   */
  accumulator<T, R>(name: string, kind: Accumulation<T, R>): Accumulator<T, R> {
    const declared = { ...kind, name };
    this.graph.accumulate(declared);
    return declared;
  }

  /**
   * The records that operators have set aside by the policy `deadLetter(name)`, each with its error and its
   * operator. To be called behind these operators. Throws GRAPH_INVALID where no operator has set any aside.
   * @example
   * const events = lines.map(parse, { onError: deadLetter("bad-events") });
   * env.deadLetters<string>("bad-events").sink("bad", printSink());
   */
  deadLetters<T = unknown>(name: string): DataStream<DeadLetter<T>> {
    return new DataStream<DeadLetter<T>>(this.graph, this.graph.deadLetters(name));
  }
}

/** Runs a job definition's build function. */
export function buildProgram(
  job: { readonly name: string; readonly build: (env: Environment, params: any) => void },
  params: unknown,
): Program {
  const graph = new GraphBuilder(job.name);
  job.build(new Environment(graph), params);
  return graph.program();
}

function validator(schema: StandardSchemaV1): (record: unknown) => unknown {
  const { validate } = schema["~standard"];
  return (record) => {
    const result = validate(record);
    if (result instanceof Promise) {
      throw new MillraceError("RECORD_INVALID", "the schema is asynchronous", {
        hint: "A source takes a schema that validates without awaiting.",
      });
    }
    if (result.issues === undefined) return result.value;
    const issues = result.issues.map((issue) => {
      const path = (issue.path ?? []).map((part) => (typeof part === "object" ? part.key : part)).join(".");
      return path === "" ? issue.message : `${path}: ${issue.message}`;
    });
    throw new MillraceError("RECORD_INVALID", `record does not match its schema: ${issues.join("; ")}`);
  };
}
