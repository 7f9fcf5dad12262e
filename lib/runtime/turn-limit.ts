/** Elements a turn may take before it looks at the clock; grows and shrinks with what they cost. */
export const TURN_LIMIT_FIRST = 16;
const TURN_LIMIT_MAX = 8192;
const TURN_MS_LOW = 0.4;
const TURN_MS_HIGH = 1;

/** The limit that keeps a turn between TURN_MS_LOW and TURN_MS_HIGH, after one that took so many elements and ms. */
export function nextTurnLimit(limit: number, taken: number, took: number): number {
  if (took > TURN_MS_HIGH) return Math.max(1, Math.floor((limit * TURN_MS_HIGH) / took));
  return took < TURN_MS_LOW && taken >= limit ? Math.min(TURN_LIMIT_MAX, limit * 2) : limit;
}
