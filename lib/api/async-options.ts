/** What `asyncMap` takes. */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { AsyncMapSpec, RetryPlan } from "../operators/async-map.js";
import { checkPolicy, type ErrorPolicy } from "../operators/error-policy.js";
import type { UserFunction } from "../operators/user-function.js";

/** What the function of `asyncMap` is given besides the record. */
export interface AsyncCall {
  /** Aborted when the record's time is over or the task ends; give it to `fetch` and the like. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

/** When a record is asked for again after its function has thrown or its promise was rejected. */
export interface RetryOptions {
  /** How often it is tried in all, the first attempt included. */
  readonly attempts: number;
  /** Time between two attempts; default "100ms". */
  readonly delay?: Duration;
  /** The delay grows by this factor from one attempt to the next; default 1: it does not. */
  readonly backoff?: number;
  /** The delay never grows above this; default "1m". */
  readonly maxDelay?: Duration;
  /** Whether an error is worth another attempt; default: every one is. */
  readonly when?: (error: unknown, attempt: number) => boolean;
}

/** How `asyncMap` asks. */
export interface AsyncMapOptions {
  readonly name?: string;
  /**
   * `"ordered"` (default): results come in the order of their records. `"unordered"`: as they are there, but never
   * across a watermark, so that event time means the same to what follows.
   */
  readonly order?: "ordered" | "unordered";
  /** Records under way in each subtask; when so many are, its input waits. Default 100. */
  readonly capacity?: number;
  /** For all attempts of a record together; default "30s". Then ASYNC_TIMEOUT. */
  readonly timeout?: Duration;
  /** Default: one attempt. */
  readonly retry?: RetryOptions;
  /** What becomes of a record whose last attempt has failed; default: the job fails. */
  readonly onError?: ErrorPolicy;
}

/** Throws OPTION_INVALID for what cannot be. */
export function asyncMapSpec(request: UserFunction, options: AsyncMapOptions): AsyncMapSpec {
  const { order = "ordered", capacity = 100, timeout = "30s", onError } = options;
  if (order !== "ordered" && order !== "unordered") refuse("order", order, 'It is "ordered" or "unordered".');
  if (!Number.isInteger(capacity) || capacity < 1) refuse("capacity", capacity, "A whole number from 1.");
  const timeoutMs = durationMs(timeout, "timeout");
  if (!(timeoutMs > 0)) refuse("timeout", timeout, "A timeout is above 0.");
  checkPolicy(onError);
  return {
    request,
    ordered: order === "ordered",
    capacity,
    timeoutMs,
    retry: retryPlan(options.retry),
    onError,
  };
}

function retryPlan(retry: RetryOptions = { attempts: 1 }): RetryPlan {
  const { attempts, delay = 100, backoff = 1, maxDelay = "1m", when } = retry;
  if (!Number.isInteger(attempts) || attempts < 1)
    refuse("retry.attempts", attempts, "A whole number from 1.");
  if (!(backoff >= 1)) refuse("retry.backoff", backoff, "A factor of at least 1.");
  const delayMs = durationMs(delay, "retry.delay");
  if (delayMs < 0) refuse("retry.delay", delay, "A delay is not below 0.");
  return { attempts, delayMs, backoff, maxDelayMs: durationMs(maxDelay, "retry.maxDelay"), when };
}

function refuse(what: string, given: unknown, hint: string): never {
  throw new MillraceError("OPTION_INVALID", `asyncMap: ${what}: ${JSON.stringify(given)}`, { hint });
}
