/**
 * Which checkpoint is triggered next. Requests wait in a queue, the most urgent first: savepoints, then
 * forced ones, then those a user asked for, then by age. Pure: facts come in, a decision goes out.
 *
 * Called by: coordinator. May import: base.
 */
import type { Random } from "../base/random.js";
import type { Barrier } from "./barrier.js";
import type { FailureReason } from "./failures.js";

/** Requests that may wait; a further one costs the least urgent its place. */
const REQUESTS_MAX = 1000;

/** A pause between checkpoints longer than this is no pause but an end. */
const MIN_PAUSE_MS_MAX = 365 * 86_400_000;

export interface CheckpointRequest {
  readonly purpose: Barrier["purpose"];
  /** Made by the timer, not by a user. */
  readonly periodic: boolean;
  /** Runs although as many as may be are pending. */
  readonly forced: boolean;
  /** When it was made, ms. */
  readonly timestamp: number;
}

export interface RequestLimits {
  /** Checkpoints that may be pending at a time; default 1. */
  readonly maxConcurrent?: number;
  /** Least time between the completion of a checkpoint and the next periodic one, ms; default 0. */
  readonly minPauseMs?: number;
  readonly requestsMax?: number;
}

/** How things stand when a decision is asked for. */
export interface RequestFacts {
  /** A checkpoint is being triggered: its tasks are not told yet. */
  readonly triggering: boolean;
  readonly pending: number;
  /** Old checkpoints that are being removed. */
  readonly cleaning: number;
  /** Now and the completion of the last checkpoint, if any, by the steady clock, ms. */
  readonly now: number;
  readonly lastCompletion: number | undefined;
}

export interface RefusedRequest<R> {
  readonly request: R;
  readonly reason: FailureReason & ("too-many-requests" | "min-pause");
}

export interface RequestDecision<R> {
  /** To be triggered now; it is out of the queue. */
  readonly run: R | undefined;
  readonly refused: readonly RefusedRequest<R>[];
  /** The periodic trigger came too early: it is moved to this time of the steady clock. */
  readonly periodicAt: number | undefined;
}

/** The queue. Ask `next` whenever a checkpoint was triggered, has completed or failed, or was removed. */
export class RequestQueue<R extends CheckpointRequest = CheckpointRequest> {
  private readonly maxConcurrent: number;
  private readonly minPauseMs: number;
  private readonly requestsMax: number;
  /** The most urgent first. */
  private readonly waiting: R[] = [];

  constructor(limits: RequestLimits = {}) {
    this.maxConcurrent = limits.maxConcurrent ?? 1;
    this.minPauseMs = Math.min(limits.minPauseMs ?? 0, MIN_PAUSE_MS_MAX);
    this.requestsMax = limits.requestsMax ?? REQUESTS_MAX;
  }

  get size(): number {
    return this.waiting.length;
  }

  /** Adds a request and decides. A user's request is never put out by a periodic one. */
  add(request: R, facts: RequestFacts): RequestDecision<R> {
    const full = this.waiting.length >= this.requestsMax;
    if (full && this.waiting.at(-1)?.periodic !== true) {
      return { run: undefined, refused: [{ request, reason: "too-many-requests" }], periodicAt: undefined };
    }
    const place = this.waiting.findIndex((other) => compare(request, other) < 0);
    this.waiting.splice(place < 0 ? this.waiting.length : place, 0, request);
    const refused: RefusedRequest<R>[] = full
      ? [{ request: this.waiting.pop()!, reason: "too-many-requests" }]
      : [];
    const decision = this.next(facts);
    return { ...decision, refused: [...refused, ...decision.refused] };
  }

  next(facts: RequestFacts): RequestDecision<R> {
    const nothing = { run: undefined, refused: [], periodicAt: undefined };
    const first = this.waiting[0];
    if (first === undefined || facts.triggering || facts.cleaning > this.maxConcurrent) return nothing;
    if (facts.pending >= this.maxConcurrent && !first.forced) return nothing;
    this.waiting.shift();
    if (first.periodic && !first.forced && facts.lastCompletion !== undefined) {
      const periodicAt = facts.lastCompletion + this.minPauseMs;
      if (periodicAt > facts.now) {
        return { run: undefined, refused: [{ request: first, reason: "min-pause" }], periodicAt };
      }
    }
    return { ...nothing, run: first };
  }

  /** Empties the queue: nothing is triggered any more. */
  takeAll(): R[] {
    return this.waiting.splice(0);
  }
}

function compare(one: CheckpointRequest, other: CheckpointRequest): number {
  return (
    first(one.purpose !== "checkpoint", other.purpose !== "checkpoint") ||
    first(one.forced, other.forced) ||
    first(!one.periodic, !other.periodic) ||
    one.timestamp - other.timestamp
  );
}

function first(one: boolean, other: boolean): number {
  return Number(other) - Number(one);
}

/** When periodic checkpoints are triggered. */
export interface PeriodicSchedule {
  readonly intervalMs: number;
  readonly minPauseMs: number;
}

/** An interval shorter than the pause between checkpoints is as long as the pause. */
export function periodicSchedule(intervalMs: number, minPauseMs = 0): PeriodicSchedule {
  const pause = Math.min(minPauseMs, MIN_PAUSE_MS_MAX);
  return { intervalMs: Math.max(intervalMs, pause), minPauseMs: pause };
}

/** The first trigger after a start or restart, ms from then: at random, so that jobs do not keep step. */
export function firstTriggerDelay({ intervalMs, minPauseMs }: PeriodicSchedule, random: Random): number {
  return minPauseMs + Math.floor((random.u32() / 0x1_0000_0000) * (intervalMs - minPauseMs + 1));
}
