/** Watermark strategies and the valve that combines the watermarks of several inputs. */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";

/** Event time in ms, or a Date. */
export type Timestamp = number | Date;

/** How a source tells event time; made by `watermarks.*`. */
export interface WatermarkStrategy<T = unknown> {
  readonly timestampOf: (record: T) => Timestamp;
  /** How far a record may lag behind the latest one of its split, ms. */
  readonly outOfOrdernessMs: number;
  /** A split that gives nothing for this long does not hold the others back, ms; 0: it always does. */
  readonly idlenessMs: number;
}

interface StrategyOptions {
  idleness?: Duration;
}

/** Strategies as in Flink: a watermark t says that no record with a timestamp of t or less will follow. */
export const watermarks = {
  /**
   * Records lag at most `bound` behind the latest one of their split.
   * @example watermarks.boundedOutOfOrderness("1m", (flight) => flight.date)
   */
  boundedOutOfOrderness<T>(
    bound: Duration,
    timestampOf: (record: T) => Timestamp,
    options: StrategyOptions = {},
  ): WatermarkStrategy<T> {
    const outOfOrdernessMs = durationMs(bound, "out-of-orderness bound");
    if (outOfOrdernessMs < 0) {
      throw new MillraceError("OPTION_INVALID", `out-of-orderness bound: ${bound} is below zero`);
    }
    return {
      timestampOf,
      outOfOrdernessMs,
      idlenessMs: durationMs(options.idleness ?? 0, "idleness"),
    };
  },
  /** Each split gives its records in order of time. */
  monotonous<T>(timestampOf: (record: T) => Timestamp, options: StrategyOptions = {}): WatermarkStrategy<T> {
    return watermarks.boundedOutOfOrderness(0, timestampOf, options);
  },
};

/** The watermark before anything is known, and the one that says that nothing more will come. */
export const WATERMARK_MIN = Number.NEGATIVE_INFINITY;
export const WATERMARK_MAX = Number.POSITIVE_INFINITY;

/** Min over the active inputs (Flink's StatusWatermarkValve). Never goes back. */
export class WatermarkValve {
  private readonly inputs: Float64Array;
  private readonly idle: Uint8Array;
  current = WATERMARK_MIN;

  constructor(inputs: number) {
    this.inputs = new Float64Array(inputs).fill(WATERMARK_MIN);
    this.idle = new Uint8Array(inputs);
  }

  /** True when the combined watermark advanced. */
  update(input: number, watermark: number): boolean {
    if (watermark > this.inputs[input]!) this.inputs[input] = watermark;
    return this.combine();
  }

  /** An idle input is left out; when it returns, its watermark counts once it has caught up. */
  setIdle(input: number, idle: boolean): boolean {
    this.idle[input] = idle ? 1 : 0;
    return this.combine();
  }

  get allIdle(): boolean {
    return this.idle.every((flag) => flag === 1);
  }

  private combine(): boolean {
    let min = WATERMARK_MAX;
    let active = false;
    for (let i = 0; i < this.inputs.length; i++) {
      if (this.idle[i] === 1) continue;
      active = true;
      if (this.inputs[i]! < min) min = this.inputs[i]!;
    }
    if (!active || min <= this.current) return false;
    this.current = min;
    return true;
  }
}
