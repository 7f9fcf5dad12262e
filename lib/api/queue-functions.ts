/** One-liners of queues: debounce, throttle, batchBy and dedupe of keys as process functions; batchBy of others. */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import { type BatchSpec, batchLogic } from "../operators/batch.js";
import type { KeyedProcessContext } from "../operators/process-context.js";
import { list, map, value } from "../state/descriptors.js";
import { refuseUnstamped } from "../time/windows.js";
import type { NewOperator } from "./graph-builder.js";
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

/** Records of a key with less than the gap between them, of which the last one is given out. */
interface Burst<T> {
  readonly first: number;
  readonly last: number;
  /** The one at `last`, with its event time. */
  readonly record: T;
  readonly timestamp: number;
}

/**
 * The last record of a key, once none has come for `gap`. Bursts are kept apart until their time has come, as the
 * watermark may be anywhere behind the records: what is given out must not depend on that.
 */
export function debounceFunctions<T>(
  gap: Duration,
  options: TimeOptions,
): KeyedProcessFunction<T, any, T, any> {
  const gapMs = positive(gap, "debounce");
  const clock = clockOf(options.by ?? "event");
  const keep = (ctx: any, gone: readonly Burst<T>[], left: readonly Burst<T>[]): void => {
    for (const { last } of gone) clock.cancel(ctx, last + gapMs);
    for (const { last } of left) clock.wake(ctx, last + gapMs);
    if (left.length > 0) ctx.state.bursts.update(left);
    else ctx.state.bursts.clear();
  };
  return {
    state: { bursts: value<readonly Burst<T>[]>() },
    element(record, ctx) {
      const at = clock.now(ctx);
      const known: readonly Burst<T>[] = (ctx as any).state.bursts.get() ?? [];
      const near = known.filter(({ first, last }) => at >= first - gapMs && at <= last + gapMs);
      let burst: Burst<T> = { first: at, last: at, record, timestamp: ctx.timestamp };
      for (const each of near) {
        const { first, last } = burst;
        // An older one that comes late is not the last.
        burst = { ...(each.last > last ? each : burst), first: Math.min(first, each.first) };
      }
      keep(ctx, near, [...known.filter((each) => !near.includes(each)), burst]);
    },
    timer(time, ctx) {
      const known: readonly Burst<T>[] = (ctx as any).state.bursts.get() ?? [];
      const over = known
        .filter(({ last }) => last + gapMs <= time)
        .sort((left, right) => left.last - right.last);
      keep(
        ctx,
        over,
        known.filter((each) => !over.includes(each)),
      );
      for (const { record, last, timestamp } of over)
        ctx.emit(record, clock.isEvent ? last + gapMs : timestamp);
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

/** Arrays of a subtask's records. */
export function batch(options: BatchOptions): NewOperator {
  const { size, ms, by } = batchSpec(options);
  const config = { ...(size === END ? {} : { size }), ...(ms === END ? {} : { timeMs: ms, by }) };
  return { kind: "batch", name: "batch", config, logic: batchLogic({ size, ms, by }) };
}

function batchSpec({ size = END, time, by = "processing" }: BatchOptions): BatchSpec {
  if (size !== END && (!Number.isInteger(size) || size < 1)) refuse("batchBy: size", size);
  if (size === END && time === undefined) refuse("batchBy", "neither size nor time");
  if (by !== "event" && by !== "processing") refuse("by", by);
  return { size, ms: time === undefined ? END : positive(time, "batchBy"), by };
}

/** Arrays of a key's records. */
export function batchFunctions<T>(options: BatchOptions): KeyedProcessFunction<T, any, T[], any> {
  const { size, ms, by } = batchSpec(options);
  const clock = clockOf(by);
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

/** The id that records are told apart by; without one nobody could say what is the same. */
export function distinct<T>(id: (record: T) => unknown): (record: T) => unknown {
  if (typeof id === "function") return id;
  throw new MillraceError("OPTION_INVALID", "dedupe of a stream without keys is given no id", {
    hint: "Give it what tells records apart: stream.dedupe((record) => record.id).",
  });
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
