/**
 * Evictors: which of a window's records count when it fires, and which stay for the next time. A window with an
 * evictor keeps all of its records: nothing is aggregated before it fires.
 */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { Window } from "../time/windows.js";
import type { AnyFunction } from "./contract.js";

/** A record of a window with its timestamp, ms; NaN when the stream has none. */
export interface Stamped<T> {
  readonly record: T;
  readonly timestamp: number;
  /** Of windows over two streams: which of them, 0 or 1, it is of. */
  readonly input?: 0 | 1;
}

/** What an evictor is told beside the records. */
export interface EvictorContext {
  readonly window: Window;
  readonly watermark: number;
  /** Wall time, ms since the epoch. */
  processingTime(): number;
}

/**
 * Chooses among a window's records, which are in the order they came. Made by `evictors.*`, or an object of one's own
 * with either function; each answers the records to keep.
 * @example
 * const withoutTests: Evictor<Order> = { before: (records) => records.filter(({ record }) => !record.test) };
 */
export interface Evictor<T = any> {
  /** For plans. */
  readonly name?: string;
  /** Before the result is computed. */
  before?(records: readonly Stamped<T>[], ctx: EvictorContext): readonly Stamped<T>[];
  /** After it was given out. */
  after?(records: readonly Stamped<T>[], ctx: EvictorContext): readonly Stamped<T>[];
}

/** When an evictor chooses: before the result is computed (default), or after it was given out. */
export interface EvictorOptions {
  readonly when?: "before" | "after";
}

/**
 * The evictors that come with the house:
 *
 * - `count(n)` keeps the last n records.
 * - `time(length)` keeps the records that are less than `length` older than the latest one.
 * - `delta(threshold, distance)` keeps the records that are nearer than the threshold to the last one.
 *
 * @example
 * cars.keyBy((c) => c.id).window(globalWindows(), { trigger: triggers.count(1), evictor: evictors.time("1m") })
 */
export const evictors = {
  count(n: number, options?: EvictorOptions): Evictor {
    if (!Number.isInteger(n) || n < 1) {
      throw new MillraceError("OPTION_INVALID", `an evictor that keeps ${n} records`, {
        hint: "The number of records is a whole number from 1.",
      });
    }
    return placed(`count ${n}`, options, (records) => (records.length > n ? records.slice(-n) : records));
  },
  time(length: Duration, options?: EvictorOptions): Evictor {
    const ms = durationMs(length, "length of an evictor");
    return placed(`time ${length}`, options, (records) => {
      const latest = records.reduce(
        (time, { timestamp }) => Math.max(time, timestamp),
        Number.NEGATIVE_INFINITY,
      );
      if (Number.isNaN(latest)) return records;
      return records.filter(({ timestamp }) => timestamp > latest - ms);
    });
  },
  delta<T>(threshold: number, distance: (from: T, to: T) => number, options?: EvictorOptions): Evictor<T> {
    return placed<T>(`delta ${threshold}`, options, (records) => {
      const last = records.at(-1);
      if (last === undefined) return records;
      return records.filter(({ record }) => distance(record, last.record) < threshold);
    });
  },
};

/** The functions of an evictor: part of the job's fingerprint. */
export function functionsOfEvictor(evictor: Evictor): AnyFunction[] {
  return Object.values(evictor).filter((each): each is AnyFunction => typeof each === "function");
}

function placed<T>(
  name: string,
  { when = "before" }: EvictorOptions = {},
  keep: (records: readonly Stamped<T>[]) => readonly Stamped<T>[],
): Evictor<T> {
  if (when === "before") return { name, before: keep };
  if (when === "after") return { name, after: keep };
  throw new MillraceError("OPTION_INVALID", `an evictor that chooses ${JSON.stringify(when)}`, {
    hint: 'An evictor chooses "before" or "after" a window fires.',
  });
}
