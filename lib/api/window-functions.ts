/** What windows take beside their assigner, and the functions that make results of them. */
import type { Duration } from "../base/duration.js";
import { type Evictor, evictors } from "../operators/evictors.js";
import type { KeyedDescriptors } from "../operators/keyed-operator.js";
import type { ProcessContext, SideOutput, StateOf } from "../operators/process-context.js";
import type { Trigger } from "../operators/trigger.js";
import { triggers } from "../operators/triggers.js";
import type { Window } from "../time/windows.js";
import type { NoState, ProcessOptions } from "./process-functions.js";

/**
 * When a window fires, what counts then, and what becomes of late records.
 * @example
 * const late = sideOutput<Order>("late");
 * const perHour = orders
 *   .keyBy((o) => o.shop)
 *   .window(tumbling("1h"), { allowedLateness: "10m", lateData: late })
 *   .aggregate({ orders: count() });
 * perHour.side(late).sink("late", printSink());
 */
export interface WindowOptions<T> {
  /** When the window gives out its result; takes the place of the assigner's own. Made by `triggers` or by you. */
  readonly trigger?: Trigger<T>;
  /** Which of its records count and which stay; the window keeps all of them. Made by `evictors` or by you. */
  readonly evictor?: Evictor<T>;
  /**
   * How long behind its end an event-time window still takes records, each of which makes it fire again with a
   * new result. Default 0.
   */
  readonly allowedLateness?: Duration;
  /** Takes the records that no window takes any more; read it with `.side(output)`. Default: dropped and counted. */
  readonly lateData?: SideOutput<T>;
}

/** What the functions of a window are given. `timestamp` is the window's end - 1: that of what is emitted. */
export interface WindowContext<K, Out = unknown, S = unknown, W = unknown> extends ProcessContext<Out, S> {
  /** `undefined` of windows over all records. */
  readonly key: K;
  readonly window: Window;
  /** The state declared under `windowState`: of this window and key. */
  readonly windowState: StateOf<W>;
}

/**
 * Makes results of a window's records (`process`), of its aggregates or of its reduced record, each time it fires.
 * @example
 * visits
 *   .keyBy((v) => v.user)
 *   .window(tumbling("1h"))
 *   .process("median", {
 *     out: type<{ user: string; median: number }>(),
 *     window(records, ctx) {
 *       const times = records.map((v) => v.ms).sort((a, b) => a - b);
 *       ctx.emit({ user: ctx.key, median: times[times.length >> 1]! });
 *     },
 *   });
 */
export interface WindowFunction<
  In,
  K,
  Out,
  S extends KeyedDescriptors = NoState,
  W extends KeyedDescriptors = NoState,
> extends ProcessOptions<Out, S> {
  /** State of one window and key by name; it goes with the window. Not for session windows. */
  readonly windowState?: W;
  /** The window fires: `input` is its records (in the order they came), its aggregates or its reduced record. */
  window(input: In, ctx: WindowContext<K, Out, S, W>): void;
  /** The window is over; `ctx.windowState` goes by itself. */
  clear?(ctx: WindowContext<K, Out, S, W>): void;
}

/** Count windows are global ones that fire by their records. */
export function countOptions(size: number, slide?: number): WindowOptions<any> {
  if (slide === undefined) return { trigger: triggers.purging(triggers.count(size)) };
  return { trigger: triggers.count(slide), evictor: evictors.count(size) };
}
