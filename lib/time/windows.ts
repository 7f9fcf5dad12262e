/** Window assigners and Flink's window arithmetic (ms in a double, negative timestamps included). */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import { refusePromise } from "../base/promise-check.js";

/** A window [start, end) in ms since the epoch; of a global window both are infinite. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** Which clock windows go by: the records' timestamps, or the wall clock when a record arrives. */
export type WindowTime = "event" | "processing";

/** What `tumbling` and `sliding` make; plain data. */
export interface AlignedWindows {
  readonly kind: "tumbling" | "sliding";
  readonly size: number;
  readonly slide: number;
  readonly offset: number;
  /** Event time where it is missing. */
  readonly time?: "processing";
}

/** What `session` makes. */
export interface SessionWindows<T> {
  readonly kind: "session";
  /** ms, or what tells the gap behind a record. */
  readonly gap: number | ((record: T) => Duration);
  readonly time?: "processing";
}

/** What `globalWindows` makes. */
export interface GlobalWindows {
  readonly kind: "global";
}

/** Options of windows that are aligned to the clock. */
export interface AlignedOptions {
  /** Moves all windows; shorter than the slide (tumbling: the size), may be below zero. Default 0. */
  readonly offset?: Duration;
  /** `"processing"`: the wall clock when a record arrives. Default `"event"`: its timestamp. */
  readonly time?: WindowTime;
}

/**
 * Windows of `size` that do not overlap, aligned to the epoch plus `offset`. Throws OPTION_INVALID for a size
 * that is not above zero, an offset that is not shorter than it, and what is not whole ms.
 * @example tumbling("1h")
 * @example tumbling("1d", { offset: "-8h" }) // days of Shanghai
 */
export function tumbling(size: Duration, options: AlignedOptions = {}): AlignedWindows {
  return aligned("tumbling", size, size, options);
}

/**
 * Windows of `size` that begin every `slide`; a record belongs to size/slide of them. Throws OPTION_INVALID as
 * `tumbling` does.
 * @example sliding({ size: "10s", slide: "2s" })
 */
export function sliding(options: { size: Duration; slide: Duration } & AlignedOptions): AlignedWindows {
  return aligned("sliding", options.size, options.slide, options);
}

/**
 * Windows that end when a key has been silent for `gap`: records that lie no further apart share one. The gap is
 * one for all or told by each record, and above zero (OPTION_INVALID).
 * @example session("30m")
 * @example session((visit: Visit) => (visit.bot ? "1m" : "30m"))
 */
export function session<T = any>(
  gap: Duration | ((record: T) => Duration),
  options: { time?: WindowTime } = {},
): SessionWindows<T> {
  return {
    kind: "session",
    gap: typeof gap === "function" ? gap : gapMs(gap),
    ...timeOf(options.time),
  };
}

/**
 * One window per key that never ends. It fires when a trigger says so; without one, never.
 * @example stream.keyBy((o) => o.shop).window(globalWindows(), { trigger: triggers.purging(triggers.count(100)) })
 */
export function globalWindows(): GlobalWindows {
  return { kind: "global" };
}

/** A session's gap in ms. */
export function gapMs(gap: Duration): number {
  refusePromise(gap, "the function of the session gap");
  const ms = durationMs(gap, "session gap");
  if (ms > 0) return ms;
  throw new MillraceError("OPTION_INVALID", `a session gap of ${gap}`, { hint: "The gap is above zero." });
}

function aligned(
  kind: AlignedWindows["kind"],
  size: Duration,
  slide: Duration,
  options: AlignedOptions,
): AlignedWindows {
  const offset = options.offset ?? 0;
  const made = {
    kind,
    size: durationMs(size, "window size"),
    slide: durationMs(slide, "window slide"),
    offset: durationMs(offset, "window offset"),
    ...timeOf(options.time),
  };
  const isWhole = [made.size, made.slide, made.offset].every(Number.isSafeInteger);
  if (!isWhole || !(made.size > 0) || !(made.slide > 0) || Math.abs(made.offset) >= made.slide) {
    throw new MillraceError(
      "OPTION_INVALID",
      `${kind} window with size ${size}, slide ${slide}, offset ${offset}`,
      {
        hint: "Size and slide are whole ms above zero, the offset is whole ms and shorter than the slide.",
      },
    );
  }
  return made;
}

function timeOf(time: WindowTime = "event"): { time?: "processing" } {
  if (time === "event") return {};
  if (time === "processing") return { time };
  throw new MillraceError("OPTION_INVALID", `windows by ${JSON.stringify(time)} time`, {
    hint: 'Time is "event" or "processing".',
  });
}

/** Start of the last window (of the given slide) that begins at or before `timestamp`. */
export function windowStart(timestamp: number, slide: number, offset: number): number {
  const rest = (timestamp - offset) % slide;
  return rest < 0 ? timestamp - (rest + slide) : timestamp - rest;
}

/** The windows that hold `timestamp`, latest first. */
export function windowsOf({ size, slide, offset }: AlignedWindows, timestamp: number): Window[] {
  const windows: Window[] = [];
  for (let start = windowStart(timestamp, slide, offset); start > timestamp - size; start -= slide) {
    windows.push({ start, end: start + size });
  }
  return windows;
}

/** Whether windows overlap or touch: those of a session that do are one. */
export function touches(left: Window, right: Window): boolean {
  return left.start <= right.end && right.start <= left.end;
}

/**
 * Length of a pane: the longest stretch of time that every window holds whole or not at all, so that
 * windows share the work done on a pane.
 */
export function paneSize(assigner: AlignedWindows): number {
  let [a, b] = [assigner.size, assigner.slide];
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

/** Event-time windows cannot place a record without a timestamp. */
export function refuseUnstamped(): never {
  throw new MillraceError(
    "TIMESTAMP_MISSING",
    "a record without a timestamp came where event time is needed",
  );
}
