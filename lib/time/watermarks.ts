/** Watermark strategies: how a source tells event time. */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";

/** Event time in ms, or a Date. */
export type Timestamp = number | Date;

/** How a source tells event time; made by `watermarks.*`. */
export interface WatermarkStrategy<T = unknown> {
  readonly timestampOf: (record: T) => Timestamp;
  readonly generation: WatermarkGeneration<T>;
  /** A split that gives nothing for this long does not hold the others back, ms; 0: it always does. */
  readonly idlenessMs: number;
  /** Absent: the source runs ahead of the others as it can. */
  readonly alignment: WatermarkAlignment | undefined;
}

/** Where the watermarks of a split come from. */
export type WatermarkGeneration<T> =
  | {
      readonly kind: "bounded";
      /** How far a record may lag behind the latest one of its split, ms. */
      readonly outOfOrdernessMs: number;
    }
  | { readonly kind: "periodic"; readonly create: () => PeriodicGenerator<T>; readonly intervalMs: number }
  | {
      readonly kind: "punctuated";
      readonly watermarkOf: (record: T, timestamp: number) => Timestamp | undefined;
    };

/** Makes the watermarks of one split; see `watermarks.periodic`. */
export interface PeriodicGenerator<T> {
  onRecord(record: T, timestamp: number): void;
  /** `undefined`: nothing is known yet, or nothing new. */
  watermark(): Timestamp | undefined;
}

/** A source that waits for others, see `AlignmentOptions`. */
export interface WatermarkAlignment {
  readonly group: string;
  readonly maxDriftMs: number;
  readonly updateIntervalMs: number;
}

/** Sources of a group read no further ahead of each other than `maxDrift`. */
export interface AlignmentOptions {
  /** All sources of the job that name it belong together. */
  readonly group: string;
  /** How far a watermark may be ahead of the smallest one in the group. */
  readonly maxDrift: Duration;
  /** How often watermarks are compared; what is read meanwhile may exceed the drift. Default "1s". */
  readonly updateInterval?: Duration;
}

/** What all strategies take. */
export interface WatermarkOptions {
  /** A split without records for this long (a Flink user's `withIdleness`) is left out; by default none is. */
  readonly idleness?: Duration;
  /**
   * Reads no further than so much ahead of the sources of the same group, so that what joins them keeps little state.
   * A source or split that is ahead is not read for a while; checkpoints go on. Idle and ended sources do not count.
   */
  readonly alignment?: AlignmentOptions;
}

/** Of strategies whose generators are asked now and then. */
export interface PeriodicOptions extends WatermarkOptions {
  /** How often `watermark()` is asked; default "200ms". */
  readonly interval?: Duration;
}

const INTERVAL_DEFAULT_MS = 200;
const UPDATE_DEFAULT_MS = 1000;

/**
 * Strategies as in Flink: a watermark t says that no record with a timestamp of t or less will follow. Each split has
 * a watermark of its own, a source has the smallest of its splits, an operator the smallest of its inputs.
 */
export const watermarks = {
  /**
   * Records lag at most `bound` behind the latest one of their split.
   * @example watermarks.boundedOutOfOrderness("1m", (flight) => flight.date)
   */
  boundedOutOfOrderness<T>(
    bound: Duration,
    timestampOf: (record: T) => Timestamp,
    options: WatermarkOptions = {},
  ): WatermarkStrategy<T> {
    const outOfOrdernessMs = durationMs(bound, "out-of-orderness bound");
    if (outOfOrdernessMs < 0) {
      throw new MillraceError("OPTION_INVALID", `out-of-orderness bound: ${bound} is below zero`);
    }
    return strategy(timestampOf, { kind: "bounded", outOfOrdernessMs }, options);
  },

  /** Each split gives its records in order of time. */
  monotonous<T>(timestampOf: (record: T) => Timestamp, options: WatermarkOptions = {}): WatermarkStrategy<T> {
    return watermarks.boundedOutOfOrderness(0, timestampOf, options);
  },

  /**
   * A generator per split, told of every record and asked for the watermark every `interval`. What it answers that is
   * not later than before is ignored; NaN fails the job with WATERMARK_INVALID. It is not part of checkpoints: a
   * restored split begins with a new one.
   * @example
   * watermarks.periodic((order) => order.at, () => {
   *   let latest: number | undefined;
   *   return { onRecord: (order) => (latest = order.settledUntil), watermark: () => latest };
   * })
   */
  periodic<T>(
    timestampOf: (record: T) => Timestamp,
    create: () => PeriodicGenerator<T>,
    options: PeriodicOptions = {},
  ): WatermarkStrategy<T> {
    const intervalMs = durationMs(options.interval ?? INTERVAL_DEFAULT_MS, "interval of watermarks");
    if (!(intervalMs >= 0)) {
      throw new MillraceError("OPTION_INVALID", `interval of watermarks: ${options.interval} is below zero`);
    }
    return strategy(timestampOf, { kind: "periodic", create, intervalMs }, options);
  },

  /**
   * Some records say the watermark of their split, which goes on right behind them; for the others `watermarkOf`
   * answers undefined. What is not later than before is ignored; NaN fails the job with WATERMARK_INVALID.
   * @example watermarks.punctuated((e) => e.at, (e) => (e.kind === "end-of-day" ? e.at : undefined))
   */
  punctuated<T>(
    timestampOf: (record: T) => Timestamp,
    watermarkOf: (record: T, timestamp: number) => Timestamp | undefined,
    options: WatermarkOptions = {},
  ): WatermarkStrategy<T> {
    return strategy(timestampOf, { kind: "punctuated", watermarkOf }, options);
  },
};

/** The user's functions in a strategy: part of the job's fingerprint. */
export function functionsOfStrategy({
  timestampOf,
  generation,
}: WatermarkStrategy<any>): AnyStrategyFunction[] {
  if (generation.kind === "periodic") return [timestampOf, generation.create];
  if (generation.kind === "punctuated") return [timestampOf, generation.watermarkOf];
  return [timestampOf];
}

type AnyStrategyFunction = (...args: any[]) => unknown;

function strategy<T>(
  timestampOf: (record: T) => Timestamp,
  generation: WatermarkGeneration<T>,
  { idleness = 0, alignment }: WatermarkOptions,
): WatermarkStrategy<T> {
  const idlenessMs = durationMs(idleness, "idleness");
  if (idlenessMs < 0) throw new MillraceError("OPTION_INVALID", `idleness: ${idleness} is below zero`);
  return {
    timestampOf,
    generation,
    idlenessMs,
    alignment: alignment === undefined ? undefined : alignmentOf(alignment),
  };
}

function alignmentOf({
  group,
  maxDrift,
  updateInterval = UPDATE_DEFAULT_MS,
}: AlignmentOptions): WatermarkAlignment {
  const maxDriftMs = durationMs(maxDrift, "maximum drift");
  const updateIntervalMs = durationMs(updateInterval, "update interval of the alignment");
  if (!(maxDriftMs >= 0))
    throw new MillraceError("OPTION_INVALID", `maximum drift: ${maxDrift} is below zero`);
  if (!(updateIntervalMs > 0)) {
    throw new MillraceError(
      "OPTION_INVALID",
      `update interval of the alignment: ${updateInterval} is not above zero`,
    );
  }
  return { group, maxDriftMs, updateIntervalMs };
}
