/**
 * Restart strategies: whether a failed job is started again, and after how long. Flink's four with its
 * defaults and arithmetic. Pure: time and chance are arguments.
 *
 * Called by: coordinator. May import: base.
 */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { Random } from "../base/random.js";

/**
 * What to do when a job fails with an error that a restart can help against.
 *
 * - `none`: it has failed.
 * - `fixed-delay`: it is restarted `attempts` times (default 1), each `delay` (default "1s") after the failure.
 * - `failure-rate`: it is restarted while there were no more than `failures` (default 1) restarts within
 *   `interval` (default "1m"), each after `delay` (default "1s").
 * - `exponential-delay`: it is always restarted, first after `initialDelay` (default "1s"), then each time
 *   after `multiplier` (default 2) times as long, at most `maxDelay` (default "5m"). The delay starts anew
 *   when the job has run for `resetAfter` (default "1h"). `jitter` (default 0.1) varies it by that fraction.
 *
 * Without checkpoints the default is `none`; with checkpoints a fixed delay of one second, for ever.
 *
 * @example
 * const restart: RestartOptions = { strategy: "fixed-delay", attempts: 3, delay: "10s" };
 */
export type RestartOptions =
  | { readonly strategy: "none" }
  | { readonly strategy: "fixed-delay"; readonly attempts?: number; readonly delay?: Duration }
  | {
      readonly strategy: "failure-rate";
      readonly failures?: number;
      readonly interval?: Duration;
      readonly delay?: Duration;
    }
  | {
      readonly strategy: "exponential-delay";
      readonly initialDelay?: Duration;
      readonly maxDelay?: Duration;
      readonly multiplier?: number;
      readonly resetAfter?: Duration;
      readonly jitter?: number;
    };

/** Decides about one run's restarts; keeps count. */
export interface RestartStrategy {
  /** The job has failed at `now` (steady ms). The delay until its restart in ms; undefined: it stays failed. */
  onFailure(now: number, random: Random): number | undefined;
}

/** For ever, as Flink writes it: the greatest 32-bit number. */
const ATTEMPTS_MAX = 2 ** 31 - 1;

/** Throws OPTION_INVALID. `checkpointing` decides the default. */
export function restartStrategy(
  options: RestartOptions | undefined,
  checkpointing: boolean,
): RestartStrategy {
  const given: RestartOptions =
    options ?? (checkpointing ? { strategy: "fixed-delay", attempts: ATTEMPTS_MAX } : { strategy: "none" });
  switch (given.strategy) {
    case "none":
      return { onFailure: () => undefined };
    case "fixed-delay":
      return fixedDelay(count(given.attempts ?? 1, "attempts"), delay(given.delay ?? "1s", "delay"));
    case "failure-rate":
      return failureRate(
        count(given.failures ?? 1, "failures"),
        delay(given.interval ?? "1m", "interval"),
        delay(given.delay ?? "1s", "delay"),
      );
    case "exponential-delay":
      return exponentialDelay(given);
    default:
      throw invalid(`strategy is ${JSON.stringify((given as { strategy: unknown }).strategy)}`);
  }
}

function fixedDelay(attempts: number, delayMs: number): RestartStrategy {
  let made = 0;
  return { onFailure: () => (++made > attempts ? undefined : delayMs) };
}

/** Remembers the last failures; one more is too many while the oldest of them lies within the interval. */
function failureRate(failures: number, intervalMs: number, delayMs: number): RestartStrategy {
  const times: number[] = [];
  return {
    onFailure(now) {
      const mayRestart = times.length < failures || now - times[0]! > intervalMs;
      if (times.length >= failures) times.shift();
      times.push(now);
      return mayRestart ? delayMs : undefined;
    },
  };
}

type ExponentialOptions = Extract<RestartOptions, { strategy: "exponential-delay" }>;

function exponentialDelay(options: ExponentialOptions): RestartStrategy {
  const initialMs = delay(options.initialDelay ?? "1s", "initialDelay");
  const maxMs = delay(options.maxDelay ?? "5m", "maxDelay");
  const resetMs = delay(options.resetAfter ?? "1h", "resetAfter");
  const { multiplier = 2, jitter = 0.1 } = options;
  if (initialMs < 1) throw invalid("initialDelay must be at least 1ms");
  if (maxMs < initialMs) throw invalid("maxDelay must not be less than initialDelay");
  if (!(multiplier > 1)) throw invalid(`multiplier is ${multiplier}, but must be above 1`);
  if (!(jitter >= 0 && jitter <= 1)) throw invalid(`jitter is ${jitter}, but must be between 0 and 1`);
  let backoff = initialMs;
  let lastFailure: number | undefined;
  return {
    onFailure(now, random) {
      const isFresh = lastFailure === undefined || now - lastFailure >= resetMs + backoff;
      backoff = isFresh ? initialMs : Math.min(maxMs, Math.trunc(backoff * multiplier));
      lastFailure = now;
      const reach = Math.trunc(backoff * jitter);
      const offset = Math.floor((random.u32() / 0x1_0000_0000) * (2 * reach + 1)) - reach;
      return Math.min(maxMs, backoff + offset);
    },
  };
}

function delay(value: Duration, what: string): number {
  const ms = durationMs(value, `restart ${what}`);
  if (ms < 0) throw invalid(`${what} is negative`);
  return ms;
}

function count(value: number, what: string): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw invalid(`${what} is ${value}, but must be a whole number from 1`);
}

function invalid(message: string): MillraceError {
  return new MillraceError("OPTION_INVALID", `restart strategy: ${message}`, {
    hint: 'Strategies are "none", "fixed-delay", "failure-rate" and "exponential-delay"; see RestartOptions.',
  });
}
