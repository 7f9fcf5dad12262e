/**
 * Time of day and a steady clock. With random.ts and scheduler.ts the only place that touches the
 * machine's time, so that a simulated run can replace it.
 */
export interface Clock {
  /** Wall time in ms since the epoch. */
  now(): number;
  /** A steady clock in ms with fractions; only differences mean something. */
  steady(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
};
