/** Requests that are made again when they may pass, a bounded number of times. */
import { freshSeed, type Random, seededRandom } from "../../base/random.js";
import { systemScheduler } from "../../base/scheduler.js";
import { mayPass, s3Error } from "./s3-error.js";

export interface RetryPolicy {
  /** Tries of one request, the first included. */
  readonly tries: number;
  /** Before the second try, ms; twice as long before each further one. */
  readonly delayMs: number;
  readonly delayMaxMs: number;
  /** What one try may take, its answer read to its end, ms. */
  readonly timeoutMs: number;
}

/** A server may be away for three seconds; what takes longer is a failure of the job, which has a strategy for it. */
export const RETRY: RetryPolicy = { tries: 5, delayMs: 200, delayMaxMs: 5_000, timeoutMs: 60_000 };

/** Half of a delay is drawn, so that many writers do not come again together. */
export function delayBefore(attempt: number, { delayMs, delayMaxMs }: RetryPolicy, random: Random): number {
  const full = Math.min(delayMaxMs, delayMs * 2 ** (attempt - 2));
  return full / 2 + ((full / 2) * random.u32()) / 2 ** 32;
}

const random = seededRandom(freshSeed());

/**
 * The answer of the first try that succeeds; else the coded error of the last one. `request` is aborted when its time
 * is up. Each request has to be one that may be made twice.
 */
export async function withRetries<T>(
  what: string,
  place: string,
  policy: RetryPolicy,
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTime(policy.timeoutMs, request);
    } catch (error) {
      if (attempt >= policy.tries || !mayPass(error)) throw s3Error(what, place, error, attempt);
    }
    await wait(delayBefore(attempt + 1, policy, random));
  }
}

async function inTime<T>(ms: number, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  let cancel: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = systemScheduler.after(ms, () => {
      const error = new Error(`no answer within ${ms} ms`);
      abort.abort(error);
      reject(error);
    });
  });
  try {
    return await Promise.race([request(abort.signal), late]);
  } finally {
    cancel();
  }
}

async function wait(ms: number): Promise<void> {
  // Nothing else may keep the process alive meanwhile.
  const letGo = systemScheduler.keepAlive();
  await new Promise<void>((resolve) => void systemScheduler.after(ms, resolve));
  letGo();
}
