/** A trigger that fires when another one has not for a while. */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import { isResult, type Trigger, type TriggerContext, type TriggerResult } from "./trigger.js";

/** How `triggers.processingTimeout` counts. */
export interface TimeoutOptions {
  /** The timeout begins anew with every record. Default false: with the first record behind the last result. */
  readonly resetTimerOnNewRecord?: boolean;
  /** When it fires, what the other trigger remembers of the window is dropped; its timers stay. Default true. */
  readonly shouldClearOnTimeout?: boolean;
}

/**
 * What is remembered of a window. The timer that is there is never deleted and may be earlier than the time that
 * counts: another one of the same time would go with it, and records that move the time on cost nothing.
 */
interface Timeout<S> {
  /** When it fires; absent: no record waits. */
  readonly due?: number;
  /** When there is a timer. */
  readonly timer?: number;
  /** What the other trigger remembers. */
  readonly inner?: S;
}

type Ctx<S> = TriggerContext<Timeout<S>>;

/** The trigger as `triggers` documents it. */
export function processingTimeout<T, S>(
  inner: Trigger<T, S>,
  timeout: Duration,
  { resetTimerOnNewRecord = false, shouldClearOnTimeout = true }: TimeoutOptions = {},
): Trigger<T, Timeout<S>> {
  const ms = durationMs(timeout, "timeout of a trigger");
  if (!(ms > 0)) {
    throw new MillraceError("OPTION_INVALID", `a trigger that fires after ${timeout}`, {
      hint: "The timeout is above zero.",
    });
  }
  const wait = (ctx: Ctx<S>) => {
    const known = ctx.state.get();
    if (known?.due !== undefined && !resetTimerOnNewRecord) return;
    const due = ctx.processingTime() + ms;
    const timer = Math.min(known?.timer ?? due, due);
    if (timer !== known?.timer) ctx.timers.processingTime(timer);
    ctx.state.update({ ...known, due, timer });
  };
  const answered = (answer: TriggerResult | undefined, ctx: Ctx<S>): TriggerResult | undefined => {
    if (isResult(answer)) change(ctx, ({ due, ...rest }) => rest);
    return answer;
  };
  return {
    name: `${inner.name ?? "own"}, or after ${timeout}`,
    ...(inner.purges === undefined ? {} : { purges: inner.purges }),
    element(record, ctx) {
      const answer = answered(inner.element(record, innerOf(ctx)), ctx);
      if (!isResult(answer)) wait(ctx);
      return answer;
    },
    eventTime: (time, ctx) => answered(inner.eventTime?.(time, innerOf(ctx)), ctx),
    processingTime(time, ctx) {
      const isDue = takeTimer(time, ctx);
      const answer = answered(inner.processingTime?.(time, innerOf(ctx)), ctx);
      if (!isDue) return answer;
      change(ctx, ({ timer, inner: kept }) => ({
        ...(timer === undefined ? {} : { timer }),
        ...(shouldClearOnTimeout || kept === undefined ? {} : { inner: kept }),
      }));
      return inner.purges === true || answer === "fireAndPurge" || answer === "purge"
        ? "fireAndPurge"
        : "fire";
    },
    ...(inner.merge === undefined ? {} : { merge: merging(inner, resetTimerOnNewRecord) }),
    clear(ctx) {
      const timer = ctx.state.get()?.timer;
      if (timer !== undefined) ctx.timers.deleteProcessingTime(timer);
      inner.clear?.(innerOf(ctx));
    },
  };
}

/** Whether the timer of that time says that it is time. One that came too early is followed by another. */
function takeTimer<S>(time: number, ctx: Ctx<S>): boolean {
  const known = ctx.state.get();
  if (known?.timer !== time) return false;
  const { due } = known;
  const isEarly = due !== undefined && due > time;
  if (isEarly) ctx.timers.processingTime(due);
  change(ctx, ({ timer, ...rest }) => (isEarly ? { ...rest, timer: due } : rest));
  return due !== undefined && !isEarly;
}

function merging<T, S>(inner: Trigger<T, S>, latest: boolean): NonNullable<Trigger<T, Timeout<S>>["merge"]> {
  return (states, ctx) => {
    const inners = states.flatMap(({ inner: state }) => (state === undefined ? [] : [state]));
    inner.merge!(inners, innerOf(ctx));
    const dues = states.flatMap(({ due }) => (due === undefined ? [] : [due]));
    if (dues.length === 0) return;
    const due = dues.reduce((one, other) => (latest ? Math.max(one, other) : Math.min(one, other)));
    ctx.timers.processingTime(due);
    change(ctx, (rest) => ({ ...rest, due, timer: due }));
  };
}

/** Keeps what is left to remember, if anything. */
function change<S>(ctx: Ctx<S>, make: (known: Timeout<S>) => Timeout<S>): void {
  const known = ctx.state.get();
  const next = make(known ?? {});
  if (Object.keys(next).length > 0) ctx.state.update(next);
  else if (known !== undefined) ctx.state.clear();
}

/** What the other trigger is given: its own part of the state. */
function innerOf<S>(ctx: Ctx<S>): TriggerContext<S> {
  const { window, timestamp, input, watermark, timers } = ctx;
  return {
    window,
    timestamp,
    input,
    watermark,
    timers,
    processingTime: () => ctx.processingTime(),
    state: {
      get: () => ctx.state.get()?.inner,
      update: (inner) => change(ctx, (known) => ({ ...known, inner })),
      clear: () => change(ctx, ({ inner, ...rest }) => rest),
    },
  };
}
