import type { Spread } from "../metrics/histogram.js";

/** What the functions of one task have counted. */
export interface FunctionReport {
  /** All of them, by operator and name: "parse.bad lines". */
  readonly metrics: Readonly<Record<string, number | Spread>>;
  /** The accumulators that have changed since the report before, as their functions keep them. */
  readonly accumulators: Readonly<Record<string, unknown>>;
}
