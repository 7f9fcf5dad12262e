/** One-liners of queues on keyed streams, as process functions: debounce, throttle, batchBy, dedupe. */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { KeyedProcessContext } from "../operators/process-context.js";
import { list, map, value } from "../state/descriptors.js";
import { refuseUnstamped } from "../time/windows.js";
import type { KeyedProcessFunction } from "./process-functions.js";

/** What time is measured by. */
export interface TimeOptions {
  /** `"event"`: the records' timestamps and the watermark. `"processing"`: the clock. */
  readonly by?: "event" | "processing";
}

/** When a batch is given out: as soon as one of the two holds. */
export interface BatchOptions extends TimeOptions {
  /** Records of a batch. */
  readonly size?: number;
  /** Since its first record. */
  readonly time?: Duration;
}

/** How long a record that was seen is remembered. */
export interface DedupeOptions {
  /** Processing time since the first one; default: for ever. */
  readonly ttl?: Duration;
}

/** How often records pass. */
export interface ThrottleOptions extends TimeOptions {
  /** Records of a key in each interval; default 1. */
  readonly limit?: number;
}

type Ctx = Pick<KeyedProcessContext<any>, "timestamp" | "timers" | "processingTime">;

/** A time that only the end of the input reaches. */
const END = Number.POSITIVE_INFINITY;

/** The last record of a key, once none has come for `gap`. */
export function debounceFunctions<T>(
  gap: Duration,
  options: TimeOptions,
): KeyedProcessFunction<T, any, T, any> {
  const gapMs = positive(gap, "debounce");
  const clock = clockOf(options.by ?? "event");
  return {
    state: { last: value<{ record: T; at: number; timestamp: number }>() },
    element(record, ctx) {
      const { state } = ctx as any;
      const at = clock.now(ctx);
      const last = state.last.get();
      if (last !== undefined) {
        // An older one that comes late is not the last.
        if (at < last.at) return;
        clock.cancel(ctx, last.at + gapMs);
      }
      state.last.update({ record, at, timestamp: ctx.timestamp });
      clock.wake(ctx, at + gapMs);
    },
    timer(time, ctx) {
      const { state } = ctx as any;
      const last = state.last.get();
      if (last === undefined) return;
      state.last.clear();
      clock.cancel(ctx, last.at + gapMs);
      ctx.emit(last.record, clock.isEvent ? time : last.timestamp);
    },
  };
}

/** The first `limit` records of a key, then none until `interval` is over. */
export function throttleFunctions<T>(
  interval: Duration,
  options: ThrottleOptions,
): KeyedProcessFunction<T, any, T, any> {
  const ms = positive(interval, "throttle");
  const { limit = 1 } = options;
  if (!Number.isInteger(limit) || limit < 1) refuse("throttle: limit", limit);
  const clock = clockOf(options.by ?? "event");
  return {
    state: { interval: value<{ since: number; n: number }>() },
    element(record, ctx) {
      const { state } = ctx as any;
      const at = clock.now(ctx);
      const known = state.interval.get();
      if (known === undefined || at >= known.since + ms) {
        if (known !== undefined) clock.cancel(ctx, known.since + ms);
        state.interval.update({ since: at, n: 1 });
        clock.wake(ctx, at + ms);
      } else if (known.n < limit) state.interval.update({ since: known.since, n: known.n + 1 });
      else return;
      ctx.emit(record);
    },
    timer(_time, ctx) {
      const { state } = ctx as any;
      const known = state.interval.get();
      if (known === undefined) return;
      clock.cancel(ctx, known.since + ms);
      state.interval.clear();
    },
  };
}

/** Arrays of a key's records. */
export function batchFunctions<T>(options: BatchOptions): KeyedProcessFunction<T, any, T[], any> {
  const { size = END, time } = options;
  if (size !== END && (!Number.isInteger(size) || size < 1)) refuse("batchBy: size", size);
  if (size === END && time === undefined) refuse("batchBy", "neither size nor time");
  const ms = time === undefined ? END : positive(time, "batchBy");
  const clock = clockOf(options.by ?? "processing");
  const give = (ctx: any): void => {
    const batch = ctx.state.batch.get();
    if (batch === undefined) return;
    clock.cancel(ctx, batch.until);
    const records = [...ctx.state.records.get()];
    ctx.state.records.clear();
    ctx.state.batch.clear();
    ctx.emit(records, batch.timestamp);
  };
  return {
    state: { records: list<T>(), batch: value<{ n: number; until: number; timestamp: number }>() },
    element(record, ctx) {
      const { state } = ctx as any;
      const known = state.batch.get();
      const n = (known?.n ?? 0) + 1;
      const until = known?.until ?? (ms === END ? END : clock.now(ctx) + ms);
      const isLater = known === undefined || !(ctx.timestamp <= known.timestamp);
      if (known === undefined) clock.wake(ctx, until);
      state.records.add(record);
      state.batch.update({ n, until, timestamp: isLater ? ctx.timestamp : known.timestamp });
      if (n >= size) give(ctx);
    },
    timer: (_time, ctx) => give(ctx),
  };
}

/** The first record of each key, or of each value of `id` within the key. */
export function dedupeFunctions<T>(
  id: ((record: T) => unknown) | undefined,
  { ttl }: DedupeOptions,
): KeyedProcessFunction<T, any, T, any> {
  const settings = ttl === undefined ? {} : { ttl };
  return {
    state: id === undefined ? { seen: value<boolean>(settings) } : { seen: map<unknown, boolean>(settings) },
    element(record, ctx) {
      const { seen } = ctx.state as any;
      if (id === undefined) {
        if (seen.get() === true) return;
        seen.update(true);
      } else {
        const key = id(record);
        if (seen.has(key)) return;
        seen.set(key, true);
      }
      ctx.emit(record);
    },
  };
}

/** Timers by one of the two times; by the clock, also at the end of the input, which drops that one's timers. */
function clockOf(by: "event" | "processing") {
  if (by === "event") {
    return {
      isEvent: true,
      now({ timestamp }: Ctx): number {
        if (Number.isNaN(timestamp)) refuseUnstamped();
        return timestamp;
      },
      wake: ({ timers }: Ctx, time: number): void => timers.eventTime(time),
      cancel: ({ timers }: Ctx, time: number): void => timers.deleteEventTime(time),
    };
  }
  if (by !== "processing") refuse("by", by);
  return {
    isEvent: false,
    now: ({ processingTime }: Ctx): number => processingTime(),
    wake({ timers }: Ctx, time: number): void {
      timers.eventTime(END);
      if (time !== END) timers.processingTime(time);
    },
    cancel({ timers }: Ctx, time: number): void {
      timers.deleteEventTime(END);
      if (time !== END) timers.deleteProcessingTime(time);
    },
  };
}

function positive(duration: Duration, what: string): number {
  const ms = durationMs(duration, what);
  if (!(ms > 0)) refuse(what, duration);
  return ms;
}

function refuse(what: string, given: unknown): never {
  throw new MillraceError("OPTION_INVALID", `${what}: ${JSON.stringify(given)}`, {
    hint: "Times are above 0, sizes and limits whole numbers from 1; `by` is event or processing.",
  });
}
