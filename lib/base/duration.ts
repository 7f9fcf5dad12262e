import { MillraceError } from "./error.js";

/** A length of time: ms as a number, or text such as `"10s"`, `"1m"`, `"1.5h"`, `"250ms"`, `"7d"`. */
export type Duration =
  | number
  | `${number}${"ms" | "s" | "m" | "h" | "d"}`
  | `-${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration in ms. Throws OPTION_INVALID naming `what` for anything else. */
export function durationMs(value: Duration, what = "duration"): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  const match = /^(-?\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(value));
  if (match === null) {
    throw new MillraceError("OPTION_INVALID", `${what}: ${JSON.stringify(value)} is not a duration`, {
      hint: 'Give ms as a number or text such as "10s", "250ms", "1h".',
    });
  }
  // "2.3s" is 2300 ms, not the double below it.
  return Math.round(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] * 1e6) / 1e6;
}
