/** The operators that the methods of windowed streams add to the graph: which of the two kinds of windows they need. */
import { durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { Aggregates } from "../operators/aggregates.js";
import type { AnyFunction } from "../operators/contract.js";
import { sessionLogic } from "../operators/session-aggregate.js";
import type { Trigger } from "../operators/trigger.js";
import { triggers } from "../operators/triggers.js";
import { windowLogic } from "../operators/window-aggregate.js";
import { checkAssigner, isEventTime, isMerging, type WindowAssigner } from "../operators/window-assigner.js";
import { windowOperatorLogic } from "../operators/window-operator.js";
import { projectAll, projectKeyed, type ResultSpec, type RowsOf } from "../operators/window-results.js";
import type { AlignedWindows, SessionWindows } from "../time/windows.js";
import { kinds, stateConfig } from "./added-operators.js";
import type { NewOperator } from "./graph-builder.js";
import type { WindowFunction, WindowOptions } from "./window-functions.js";

/** What a windowed stream knows when one of its methods is called. */
export interface WindowPlace {
  readonly assigner: WindowAssigner;
  /** Absent for windows over all records. */
  readonly key: AnyFunction | undefined;
  /** Of windows over two streams. */
  readonly secondKey?: AnyFunction;
  readonly options: WindowOptions<any>;
}

/** Aggregates as one record. */
export function windowAggregate(
  name: string,
  place: WindowPlace,
  aggregates: Aggregates<any>,
  project?: AnyFunction,
): NewOperator {
  const { key } = place;
  const assigner = plainOf(place);
  if (isPlainSession(place)) {
    const sessions = place.assigner as SessionWindows<any>;
    return {
      kind: "window",
      name,
      config: { window: windowConfig(sessions), aggregates: kinds(aggregates) },
      ...(key === undefined ? { parallelism: 1 } : {}),
      logic: sessionLogic({ assigner: sessions, aggregates, key, project }),
    };
  }
  if (assigner === undefined) {
    const byDefault = key === undefined ? projectAll : projectKeyed;
    return general("window", name, place, aggregates, { kind: "project", project: project ?? byDefault });
  }
  return {
    kind: "window",
    name,
    config: { window: assigner, aggregates: kinds(aggregates) },
    ...(key === undefined ? { parallelism: 1 } : {}),
    logic: windowLogic({ assigner, aggregates, key, project }),
  };
}

/** Aggregates as several records, by an operator that `isPlain` does not hold for. */
export function windowRows(
  name: string,
  place: WindowPlace,
  aggregates: Aggregates<any>,
  rows: RowsOf,
  functions: readonly AnyFunction[],
): NewOperator {
  return general("window", name, place, aggregates, { kind: "rows", rows, functions });
}

/** Windows over two streams. */
export function windowPairs(
  kind: "window-join" | "co-group",
  name: string,
  place: WindowPlace,
  result: ResultSpec,
): NewOperator {
  return general(kind, name, place, undefined, result);
}

/** A window function over records, or over aggregates of which `input` takes what it is given. */
export function windowFunction(
  name: string,
  place: WindowPlace,
  aggregates: Aggregates<any> | undefined,
  functions: WindowFunction<any, any, any, any, any>,
  input?: AnyFunction,
): NewOperator {
  const { state = {}, windowState = {} } = functions;
  checkAssigner(place.assigner);
  if (isMerging(place.assigner) && Object.keys(windowState).length > 0) {
    throw new MillraceError("OPTION_INVALID", `window function "${name}" has state per window`, {
      hint: "Sessions merge, and nobody knows how to merge that state: keep it per key, in `state`.",
    });
  }
  const { config, ...rest } = general("window", name, place, aggregates, {
    kind: "function",
    functions,
    state,
    windowState,
    input,
  });
  return { ...rest, config: { ...config, ...stateConfig({ ...state, ...windowState }) } };
}

/** Whether the windows share panes. */
export function isPlain(place: WindowPlace): boolean {
  return plainOf(place) !== undefined;
}

/** The windows that share panes: a result for each at its end, and nothing else. */
function plainOf({ assigner, options }: WindowPlace): AlignedWindows | undefined {
  checkAssigner(assigner);
  if (assigner.kind === "session" || assigner.kind === "global" || assigner.kind === undefined)
    return undefined;
  return firesOnce(options) ? assigner : undefined;
}

function isPlainSession({ assigner, options }: WindowPlace): boolean {
  return assigner.kind === "session" && assigner.time === undefined && firesOnce(options);
}

/** By the window's end, with all records that there were, and never again. */
function firesOnce({ trigger, evictor, allowedLateness, lateData }: WindowOptions<any>): boolean {
  if (trigger !== undefined || evictor !== undefined || lateData !== undefined) return false;
  return latenessOf(allowedLateness) === 0;
}

function general(
  kind: string,
  name: string,
  { assigner, key, secondKey, options }: WindowPlace,
  aggregates: Aggregates<any> | undefined,
  result: ResultSpec,
): NewOperator {
  checkAssigner(assigner);
  const { trigger = defaultTrigger(assigner), evictor, lateData } = options;
  const latenessMs = latenessOf(options.allowedLateness);
  if (!isEventTime(assigner) && (latenessMs > 0 || lateData !== undefined)) {
    throw new MillraceError("OPTION_INVALID", `allowedLateness or lateData for ${nameOf(assigner)} windows`, {
      hint: "Only windows by event time have late records.",
    });
  }
  if (isMerging(assigner) && trigger.merge === undefined) {
    const what = `trigger "${trigger.name ?? "own"}" for ${nameOf(assigner)} windows`;
    throw new MillraceError("OPTION_INVALID", what, {
      hint: "Such windows merge: their trigger needs a function merge(states, ctx).",
    });
  }
  return {
    kind,
    name,
    config: {
      window: windowConfig(assigner),
      trigger: trigger.name ?? "own",
      ...(evictor === undefined ? {} : { evictor: evictor.name ?? "own" }),
      ...(latenessMs === 0 ? {} : { allowedLatenessMs: latenessMs }),
      ...(lateData === undefined ? {} : { lateData: lateData.name }),
      ...(aggregates === undefined ? {} : { aggregates: kinds(aggregates) }),
    },
    ...(key === undefined ? { parallelism: 1 } : {}),
    logic: windowOperatorLogic({
      assigner,
      trigger,
      evictor,
      latenessMs,
      late: lateData?.name,
      key,
      secondKey,
      aggregates,
      result,
    }),
  };
}

function defaultTrigger(assigner: WindowAssigner): Trigger {
  if (assigner.kind === "global") return triggers.never();
  if (assigner.kind === undefined && assigner.defaultTrigger !== undefined) return assigner.defaultTrigger;
  return assigner.time === "processing" ? triggers.processingTime() : triggers.eventTime();
}

function latenessOf(allowed: WindowOptions<any>["allowedLateness"] = 0): number {
  const ms = durationMs(allowed, "allowedLateness");
  if (ms >= 0) return ms;
  throw new MillraceError("OPTION_INVALID", `allowedLateness: ${allowed} is below zero`);
}

function nameOf(assigner: WindowAssigner): string {
  return assigner.kind ?? assigner.name ?? "own";
}

/** An assigner in plans: plain data. */
function windowConfig(assigner: WindowAssigner): object {
  if (assigner.kind === undefined) {
    const { name = "own", time = "event", merging = false } = assigner;
    return { kind: "own", name, ...(time === "event" ? {} : { time }), ...(merging ? { merging } : {}) };
  }
  if (assigner.kind !== "session" || typeof assigner.gap === "number") return assigner;
  return { ...assigner, gap: "by record" };
}
