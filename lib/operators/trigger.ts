/**
 * Triggers: when a window gives out its result. A trigger is a plain object with functions; what it remembers of a
 * window is one value, `ctx.state`, kept with checkpoints.
 */
import { MillraceError } from "../base/error.js";
import { refusePromise } from "../base/promise-check.js";
import type { ValueState } from "../state/contract.js";
import type { Window } from "../time/windows.js";
import type { AnyFunction } from "./contract.js";
import type { TimerRegistry } from "./process-context.js";

/**
 * What a trigger answers: nothing happens (also when it answers nothing), the window gives out its result and keeps
 * its records, it drops them, or both.
 */
export type TriggerResult = "continue" | "fire" | "purge" | "fireAndPurge";

/** What a trigger's functions are given beside the record or time. State and timers are those of the window. */
export interface TriggerContext<S = unknown> {
  readonly window: Window;
  /** Event time of the record in hand, ms; NaN when the stream has none. Of a timer: its time. */
  readonly timestamp: number;
  /** Of windows over two streams: which of them, 0 or 1, the record in hand is of. */
  readonly input: 0 | 1;
  /** Event time has come to here, ms. -Infinity at first. */
  readonly watermark: number;
  /** One value per window: plain data; `undefined` before the first `update`. */
  readonly state: ValueState<S>;
  readonly timers: TimerRegistry;
  /** Wall time, ms since the epoch. */
  processingTime(): number;
}

/**
 * When windows fire. Made by `triggers.*`, or an object of one's own.
 * @example
 * // When a record says so, and at the window's end.
 * const onClose: Trigger<Order> = {
 *   element(order, ctx) {
 *     ctx.timers.eventTime(ctx.window.end - 1);
 *     return order.closes ? "fireAndPurge" : "continue";
 *   },
 *   eventTime: (time, ctx) => (time === ctx.window.end - 1 ? "fire" : "continue"),
 *   clear: (ctx) => ctx.timers.deleteEventTime(ctx.window.end - 1),
 * };
 */
export interface Trigger<T = any, S = any> {
  /** For plans. */
  readonly name?: string;
  /** Whenever it fires it purges as well; `processingTimeout` around it then does so, too. */
  readonly purges?: boolean;
  /** A record was added to the window. */
  element(record: T, ctx: TriggerContext<S>): TriggerResult | undefined;
  /** A timer that the trigger registered for event time. */
  eventTime?(time: number, ctx: TriggerContext<S>): TriggerResult | undefined;
  /** A timer that the trigger registered for processing time. */
  processingTime?(time: number, ctx: TriggerContext<S>): TriggerResult | undefined;
  /**
   * Several windows have become this one, whose state is empty; `states` are theirs, and their timers are gone when
   * `clear` deletes them. Session windows take only triggers that have it.
   */
  merge?(states: readonly S[], ctx: TriggerContext<S>): void;
  /** The window is gone; its state goes by itself. */
  clear?(ctx: TriggerContext<S>): void;
}

/** The functions of a trigger: part of the job's fingerprint. */
export function functionsOfTrigger(trigger: Trigger): AnyFunction[] {
  return Object.values(trigger).filter((each): each is AnyFunction => typeof each === "function");
}

/** Whether the answer of a trigger asks for something. Throws for what is no answer. */
export function isResult(answer: unknown): answer is Exclude<TriggerResult, "continue"> {
  if (answer === undefined || answer === "continue") return false;
  if (answer === "fire" || answer === "purge" || answer === "fireAndPurge") return true;
  refusePromise(answer);
  throw new MillraceError("OPTION_INVALID", `a trigger answered ${String(answer)}`, {
    hint: 'Answer "continue", "fire", "purge", "fireAndPurge" or nothing.',
  });
}
