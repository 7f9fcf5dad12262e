/**
 * asyncMap: a function that answers with a promise, many at a time (Flink's async I/O). An answer only marks its
 * record as done and wakes the slot; the result enters the chain below in the task's own turn.
 *
 * Invariants
 * - The records that were asked for and whose results are not emitted are state: a restored operator asks again.
 * - No more than `capacity` are under way; what comes beyond waits here while the task's input is paused.
 * - An answer that comes after a timeout, a newer attempt or the end of the task changes nothing.
 */
import { MillraceError } from "../base/error.js";
import { refusePromise } from "../base/promise-check.js";
import type { SourcePosition } from "../source/contract.js";
import type { EntrySink, FrozenPart, StatePart } from "../state/contract.js";
import { AsyncQueue, Waiting } from "./async-queue.js";
import type { AnyFunction, Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { type ErrorPolicy, failureHandler, type OnFailure } from "./error-policy.js";
import { CheckedFunction, type UserFunction } from "./user-function.js";

/** When a record is asked for again. */
export interface RetryPlan {
  /** All attempts, the first included. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly backoff: number;
  readonly maxDelayMs: number;
  /** (error, attempt) => whether to try again; always when absent. */
  readonly when: AnyFunction | undefined;
}

export interface AsyncMapSpec {
  readonly request: UserFunction;
  readonly ordered: boolean;
  readonly capacity: number;
  /** For all attempts of a record; Infinity for none. */
  readonly timeoutMs: number;
  readonly retry: RetryPlan;
  readonly onError: ErrorPolicy | undefined;
}

/** One record in, one out, by way of a promise. */
export function asyncMapLogic(spec: AsyncMapSpec): OperatorLogic {
  const { retry } = spec;
  const user = new CheckedFunction(spec.request, "asyncMap");
  const { functions, asyncFunctions = [] } = user.logic;
  return {
    functions: retry.when === undefined ? [] : [retry.when],
    asyncFunctions: [...functions, ...asyncFunctions],
    retains: true,
    create: (context) => new AsyncMap(context, spec, user.within<Call>(context)),
  };
}

/** What the function is given besides the record. */
class Call {
  readonly attempt: number;
  private controller: AbortController | undefined;
  private reason: { readonly error: unknown } | undefined;

  constructor(attempt: number) {
    this.attempt = attempt;
  }

  /** Made when it is asked for: most functions never do. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.reason !== undefined) this.controller.abort(this.reason.error);
    }
    return this.controller.signal;
  }

  abort(error: unknown): void {
    this.reason = { error };
    this.controller?.abort(error);
  }
}

type Ask = (record: unknown, call: Call) => unknown;

class Request extends Waiting {
  /** The attempt under way; undefined between two and before the first. */
  call: Call | undefined;
  attempts = 0;
  deadline = Number.POSITIVE_INFINITY;
  retryAt = Number.POSITIVE_INFINITY;
  result: unknown;
  failure: { readonly error: unknown } | undefined;
  /** Where the record was read, if that may be asked for. */
  from: SourcePosition | undefined;
}

class AsyncMap implements Operator {
  private readonly context: OperatorContext;
  private readonly spec: AsyncMapSpec;
  private readonly request: Ask;
  private readonly queue: AsyncQueue<Request>;
  private readonly onFailure: OnFailure | undefined;
  /** Not asked for yet, as they came. */
  private unasked: Request[] = [];
  private readonly restored: Request[] = [];
  /** Asked for, the earliest deadline first. */
  private readonly timed: Request[] = [];
  /** Between two attempts. */
  private resting: Request[] = [];
  private nextRetry = Number.POSITIVE_INFINITY;
  /** The first error that fails the job. */
  private failed: Request | undefined;
  private paused = false;
  private closed = false;

  constructor(context: OperatorContext, spec: AsyncMapSpec, request: Ask) {
    this.context = context;
    this.spec = spec;
    this.request = request;
    this.queue = new AsyncQueue(spec.ordered);
    this.onFailure = failureHandler(spec.onError, context);
    context.parts.declare(requestsPart(this.queue, this.restored));
  }

  open(): void {
    for (const request of this.restored.splice(0)) this.take(request);
  }

  element(record: unknown, timestamp: number): void {
    const request = new Request(record, timestamp);
    if (typeof this.spec.onError === "object") request.from = this.context.sourcePosition();
    this.take(request);
  }

  advance(watermark: number): boolean {
    this.queue.watermark(watermark);
    return true;
  }

  passes(): number {
    return this.queue.passed;
  }

  /** Emits what is done; what has to wait for the gate is as good as under way. */
  proceed(): boolean {
    const { queue, context } = this;
    if (this.failed !== undefined) this.fail(this.failed);
    let passes = false;
    while (context.gate.level === 0) {
      const request = queue.next();
      if (request === undefined) break;
      passes = queue.take(request) || passes;
      if (request.failure === undefined) context.out(request.result, request.timestamp);
      else this.onFailure!(request.failure.error, request.record, request.timestamp, request.from);
    }
    if (passes) context.advanceAgain();
    this.askMore();
    return true;
  }

  rest(steady: number): void {
    const { timed } = this;
    let ended = 0;
    for (; ended < timed.length; ended++) {
      const request = timed[ended]!;
      if (!request.done && request.deadline > steady) break;
      if (!request.done) this.timeOut(request);
    }
    if (ended > 0) timed.splice(0, ended);
    if (this.nextRetry > steady) return;
    const due = this.resting.filter((each) => each.retryAt <= steady && !each.done);
    this.resting = this.resting.filter((each) => each.retryAt > steady && !each.done);
    this.nextRetry = Math.min(Number.POSITIVE_INFINITY, ...this.resting.map(({ retryAt }) => retryAt));
    for (const request of due) this.attempt(request);
  }

  finish(): boolean {
    return this.queue.size === 0;
  }

  get awaits(): boolean {
    return this.queue.entries().some(({ call }) => call !== undefined);
  }

  close(): void {
    this.closed = true;
    const reason = new MillraceError("JOB_CANCELLED", "the task has ended");
    for (const { call } of this.queue.entries()) call?.abort(reason);
  }

  private take(request: Request): void {
    this.queue.add(request);
    this.unasked.push(request);
    this.askMore();
  }

  /** Asks while there is capacity, and has the input wait while there is none. */
  private askMore(): void {
    const { unasked, queue, spec, context } = this;
    let asked = 0;
    while (asked < unasked.length && queue.size - (unasked.length - asked) < spec.capacity) {
      const request = unasked[asked++]!;
      if (spec.timeoutMs !== Number.POSITIVE_INFINITY) {
        request.deadline = context.now() + spec.timeoutMs;
        this.timed.push(request);
      }
      this.attempt(request);
    }
    if (asked > 0) this.unasked = unasked.slice(asked);
    const full = this.unasked.length > 0;
    if (full === this.paused) return;
    this.paused = full;
    if (full) context.pause();
    else context.resume();
  }

  private attempt(request: Request): void {
    const call = new Call(++request.attempts);
    request.call = call;
    let answer: unknown;
    try {
      answer = this.request(request.record, call);
    } catch (error) {
      this.rejected(request, call, error);
      return;
    }
    Promise.resolve(answer).then(
      (result) => {
        if (request.call !== call || request.done || this.closed) return;
        request.result = result;
        this.complete(request);
      },
      (error: unknown) => this.rejected(request, call, error),
    );
  }

  private rejected(request: Request, call: Call, error: unknown): void {
    if (request.call !== call || request.done || this.closed) return;
    const { attempts, delayMs, backoff, maxDelayMs, when } = this.spec.retry;
    let given = error;
    try {
      if (request.attempts < attempts && (when === undefined || this.agrees(when(error, request.attempts)))) {
        request.call = undefined;
        const delay = Math.min(maxDelayMs, delayMs * backoff ** (request.attempts - 1));
        request.retryAt = this.context.now() + delay;
        this.resting.push(request);
        this.nextRetry = Math.min(this.nextRetry, request.retryAt);
        this.context.wake();
        return;
      }
    } catch (thrown) {
      given = thrown;
    }
    this.giveUp(request, given);
  }

  private agrees(answer: unknown): boolean {
    refusePromise(answer);
    return answer === true;
  }

  private timeOut(request: Request): void {
    const { timeoutMs } = this.spec;
    const attempts = request.attempts === 1 ? "" : ` in ${request.attempts} attempts`;
    const error = new MillraceError("ASYNC_TIMEOUT", `no answer within ${timeoutMs} ms${attempts}`);
    request.call?.abort(error);
    this.giveUp(request, error);
  }

  private giveUp(request: Request, error: unknown): void {
    request.failure = { error };
    this.complete(request);
    // Not in its turn: the job fails whatever is before it.
    if (this.onFailure === undefined) this.failed ??= request;
  }

  private complete(request: Request): void {
    request.call = undefined;
    this.queue.complete(request);
    this.context.wake();
  }

  private fail({ failure, record }: Request): never {
    return this.context.failed(failure!.error, record);
  }
}

/** The record, and from where, as they are in checkpoints. */
interface RequestEntry {
  readonly r: unknown;
  readonly f?: SourcePosition;
}

/** The records whose results are not emitted. */
function requestsPart(queue: AsyncQueue<Request>, restored: Request[]): StatePart {
  return {
    name: "requests",
    scope: "split",
    schema: { kind: "requests" },
    freeze: (_wanted, sink) => frozen(queue.entries(), sink),
    load({ r, f }: RequestEntry, timestamp) {
      const request = new Request(r, timestamp);
      request.from = f;
      restored.push(request);
    },
  };
}

function frozen(requests: readonly Request[], sink: EntrySink): FrozenPart {
  let at = 0;
  return {
    kind: "full",
    pack(timeIsUp) {
      for (; at < requests.length; at++) {
        if (at % 64 === 63 && timeIsUp()) return false;
        const { record, timestamp, from } = requests[at]!;
        const entry: RequestEntry = from === undefined ? { r: record } : { r: record, f: from };
        sink.entry(entry, timestamp, 0);
      }
      return true;
    },
    release() {
      at = requests.length;
    },
  };
}
