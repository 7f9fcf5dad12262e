/** Which windows a record belongs to: assigners of the house (time/windows.ts), and those of the user's own. */
import { MillraceError } from "../base/error.js";
import { refusePromise } from "../base/promise-check.js";
import type { AlignedWindows, GlobalWindows, SessionWindows, Window, WindowTime } from "../time/windows.js";
import type { Trigger } from "./trigger.js";

/** What an assigner of one's own is told beside the record. */
export interface AssignerContext {
  /** Event time has come to here, ms. -Infinity at first. */
  readonly watermark: number;
  /** Of windows over two streams: which of them, 0 or 1, the record is of. */
  readonly input: 0 | 1;
  /** Wall time, ms since the epoch. */
  processingTime(): number;
}

/**
 * Windows of one's own, an object or an instance of a class: usable wherever `tumbling()` and its like are. The same
 * record must always get the same windows. Fails with WINDOW_INVALID, which names the operator and the record, for
 * windows that do not end after they start.
 * @example
 * const months: OwnWindows = {
 *   name: "months",
 *   assignWindows(_record, timestamp) {
 *     const at = new Date(timestamp);
 *     const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
 *     return [{ start: Date.UTC(year, month), end: Date.UTC(year, month + 1) }];
 *   },
 * };
 */
export interface OwnWindows<T = any> {
  /** What tells the assigners of the house apart; not here. */
  readonly kind?: undefined;
  /** For plans. */
  readonly name?: string;
  /** Which clock windows end by. Default `"event"`: the watermark; records must have timestamps. */
  readonly time?: WindowTime;
  /** Windows of a key that overlap or touch become one, as sessions do. Default false. */
  readonly merging?: boolean;
  /** When they fire if `window` is given no trigger. Default: at their end, by `time`. */
  readonly defaultTrigger?: Trigger<T>;
  /**
   * The windows of a record, each once; none: it is left out. `timestamp` is the record's, NaN where it has none; a
   * window [start, end) may lie anywhere, `end` may be Infinity.
   */
  assignWindows(record: T, timestamp: number, ctx: AssignerContext): readonly Window[];
}

/** Says which windows a record belongs to: `tumbling`, `sliding`, `session`, `globalWindows`, or one's own. */
export type WindowAssigner<T = any> = AlignedWindows | SessionWindows<T> | GlobalWindows | OwnWindows<T>;

/** Whether windows go by the records' timestamps. */
export function isEventTime(assigner: WindowAssigner): boolean {
  return assigner.kind !== "global" && assigner.time !== "processing";
}

/** Whether windows of a key become one when they touch. */
export function isMerging(assigner: WindowAssigner): boolean {
  return assigner.kind === "session" || (assigner.kind === undefined && assigner.merging === true);
}

const KINDS: readonly unknown[] = ["tumbling", "sliding", "session", "global"];

/** Throws OPTION_INVALID for what is no assigner. */
export function checkAssigner(assigner: WindowAssigner): void {
  const given: Partial<OwnWindows> | undefined = assigner as OwnWindows | undefined;
  if (KINDS.includes(given?.kind)) return;
  if (given?.kind !== undefined || typeof given?.assignWindows !== "function") {
    throw new MillraceError("OPTION_INVALID", "what window() is given is no window assigner", {
      hint: "Give it tumbling(), sliding(), session(), globalWindows(), or an object with assignWindows(record, ...).",
    });
  }
  const { time = "event", name = "own" } = given;
  if (time === "event" || time === "processing") return;
  throw new MillraceError("OPTION_INVALID", `windows "${name}" by ${JSON.stringify(time)} time`, {
    hint: 'Time is "event" or "processing".',
  });
}

/** What an assigner of one's own has answered, copied. */
export function checkedWindows(given: unknown): readonly Window[] {
  if (!Array.isArray(given)) {
    refusePromise(given);
    throw new MillraceError("WINDOW_INVALID", `assignWindows answered ${describe(given)}, not an array`);
  }
  return given.map((window: Partial<Window> | undefined) => {
    const [start, end] = [window?.start, window?.end];
    if (typeof start === "number" && typeof end === "number" && start < end) return { start, end };
    throw new MillraceError("WINDOW_INVALID", `a window from ${describe(start)} to ${describe(end)}`);
  });
}

function describe(given: unknown): string {
  return typeof given === "number" || given === undefined || given === null
    ? `${given}`
    : `a ${typeof given}`;
}
