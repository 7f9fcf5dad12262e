/** The triggers that come with the house. */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import { windowStart } from "../time/windows.js";
import { processingTimeout } from "./timeout-trigger.js";
import { isResult, type Trigger, type TriggerContext, type TriggerResult } from "./trigger.js";

/** The window's last moment. */
function lastOf(ctx: TriggerContext): number {
  return ctx.window.end - 1;
}

function eventTime(): Trigger<any, never> {
  return {
    name: "event time",
    element(_record, ctx) {
      if (lastOf(ctx) <= ctx.watermark) return "fire";
      ctx.timers.eventTime(lastOf(ctx));
      return "continue";
    },
    eventTime: (time, ctx) => (time === lastOf(ctx) ? "fire" : "continue"),
    merge(_states, ctx) {
      if (lastOf(ctx) > ctx.watermark) ctx.timers.eventTime(lastOf(ctx));
    },
    clear: (ctx) => ctx.timers.deleteEventTime(lastOf(ctx)),
  };
}

function processingTime(): Trigger<any, never> {
  return {
    name: "processing time",
    element(_record, ctx) {
      ctx.timers.processingTime(ctx.window.end);
      return "continue";
    },
    processingTime: (time, ctx) => (time === ctx.window.end ? "fire" : "continue"),
    merge: (_states, ctx) => ctx.timers.processingTime(ctx.window.end),
    clear: (ctx) => ctx.timers.deleteProcessingTime(ctx.window.end),
  };
}

function count(n: number): Trigger<any, number> {
  if (!Number.isInteger(n) || n < 1) {
    throw new MillraceError("OPTION_INVALID", `a trigger for every ${n} records`, {
      hint: "The number of records is a whole number from 1.",
    });
  }
  return {
    name: `count ${n}`,
    element(_record, ctx) {
      const seen = (ctx.state.get() ?? 0) + 1;
      if (seen >= n) ctx.state.clear();
      else ctx.state.update(seen);
      return seen >= n ? "fire" : "continue";
    },
    merge(states, ctx) {
      const seen = states.reduce((left, right) => left + right, 0);
      if (seen > 0) ctx.state.update(seen);
    },
  };
}

/** The next multiple of the interval behind `time`, but not behind the window. */
function nextTick(time: number, interval: number, last: number): number {
  return Math.min(windowStart(time, interval, 0) + interval, last);
}

function continuousEventTime(interval: Duration): Trigger<any, number> {
  const ms = intervalMs(interval);
  const schedule = (from: number, ctx: TriggerContext<number>) => {
    const next = nextTick(from, ms, lastOf(ctx));
    ctx.state.update(next);
    ctx.timers.eventTime(next);
  };
  return {
    name: `every ${interval} of event time`,
    element(_record, ctx) {
      if (lastOf(ctx) <= ctx.watermark) return "fire";
      ctx.timers.eventTime(lastOf(ctx));
      if (ctx.state.get() === undefined) schedule(ctx.timestamp, ctx);
      return "continue";
    },
    eventTime(time, ctx) {
      if (time === lastOf(ctx)) return "fire";
      if (time !== ctx.state.get()) return "continue";
      schedule(time, ctx);
      return "fire";
    },
    merge(states, ctx) {
      if (states.length === 0) return;
      const next = Math.min(...states);
      ctx.state.update(next);
      ctx.timers.eventTime(next);
    },
    clear(ctx) {
      const next = ctx.state.get();
      if (next !== undefined) ctx.timers.deleteEventTime(next);
      ctx.timers.deleteEventTime(lastOf(ctx));
    },
  };
}

function continuousProcessingTime(interval: Duration): Trigger<any, number> {
  const ms = intervalMs(interval);
  const schedule = (from: number, ctx: TriggerContext<number>) => {
    const next = nextTick(from, ms, ctx.window.end);
    ctx.state.update(next);
    ctx.timers.processingTime(next);
  };
  return {
    name: `every ${interval}`,
    element(_record, ctx) {
      if (ctx.state.get() === undefined) schedule(ctx.processingTime(), ctx);
      return "continue";
    },
    processingTime(time, ctx) {
      if (time !== ctx.state.get()) return "continue";
      // Behind the window's end there is nothing to wait for: it is cleared there, or goes by event time.
      if (time === ctx.window.end) ctx.state.clear();
      else schedule(time, ctx);
      return "fire";
    },
    merge(states, ctx) {
      if (states.length === 0) return;
      const next = Math.min(...states);
      ctx.state.update(next);
      ctx.timers.processingTime(next);
    },
    clear(ctx) {
      const next = ctx.state.get();
      if (next !== undefined) ctx.timers.deleteProcessingTime(next);
    },
  };
}

function intervalMs(interval: Duration): number {
  const ms = durationMs(interval, "interval of a trigger");
  if (ms > 0) return ms;
  throw new MillraceError("OPTION_INVALID", `a trigger that fires every ${interval}`, {
    hint: "The interval is above zero.",
  });
}

function delta<T>(threshold: number, distance: (from: T, to: T) => number): Trigger<T, T> {
  return {
    name: `delta ${threshold}`,
    element(record, ctx) {
      const last = ctx.state.get();
      if (last !== undefined && !(distance(last, record) > threshold)) return "continue";
      ctx.state.update(record);
      return last === undefined ? "continue" : "fire";
    },
  };
}

function purging<T, S>(inner: Trigger<T, S>): Trigger<T, S> {
  const purge = (answer: unknown): TriggerResult => {
    if (!isResult(answer)) return "continue";
    return answer === "fire" ? "fireAndPurge" : answer;
  };
  return {
    name: `${inner.name ?? "own"}, purging`,
    purges: true,
    element: (record, ctx) => purge(inner.element(record, ctx)),
    eventTime: (time, ctx) => purge(inner.eventTime?.(time, ctx)),
    processingTime: (time, ctx) => purge(inner.processingTime?.(time, ctx)),
    ...(inner.merge === undefined
      ? {}
      : { merge: (states: readonly S[], ctx: TriggerContext<S>) => inner.merge!(states, ctx) }),
    clear: (ctx) => inner.clear?.(ctx),
  };
}

function never(): Trigger<any, never> {
  return { name: "never", element: () => "continue", merge() {} };
}

/**
 * The triggers that come with the house:
 *
 * - `eventTime()` fires when the watermark passes the window's end, and for each record that comes later but within
 *   the allowed lateness. The default of event-time windows.
 * - `processingTime()` fires when the clock passes the window's end. The default of processing-time windows.
 * - `count(n)` fires with every n-th record of a window.
 * - `continuousEventTime(interval)` and `continuousProcessingTime(interval)` fire at multiples of the interval and
 *   at the window's end.
 * - `delta(threshold, distance)` fires when a record is further than the threshold from the one that fired before.
 *   Not for session windows.
 * - `processingTimeout(trigger, timeout, options)` fires when the other trigger does, and when `timeout` has passed by
 *   the clock since the first record that has not been given out; with `resetTimerOnNewRecord` since the last one. At
 *   the timeout what the other trigger remembers (a count, say) is dropped, unless `shouldClearOnTimeout` is false. The
 *   timeout is of no matter once the input has ended.
 * - `purging(trigger)` lets the window drop its records whenever the trigger fires.
 * - `never()` does not fire. The default of global windows.
 *
 * A trigger takes the place of the default one. OPTION_INVALID for numbers and intervals that are not above zero.
 * @example stream.keyBy((o) => o.shop).window(tumbling("1h"), { trigger: triggers.continuousEventTime("1m") })
 */
export const triggers = {
  eventTime,
  processingTime,
  count,
  continuousEventTime,
  continuousProcessingTime,
  delta,
  processingTimeout,
  purging,
  never,
};
