// @hot one call per record; the key's hash and look-ups only where there is state or timers
/**
 * What all operators with user functions over a key have in common: the key in hand, its state, its timers.
 *
 * Timers fire in order of time through a cursor. In event time it runs in `advance`, before the watermark goes
 * on. In processing time the clock is looked at in `rest`, and `proceed` fires what was due then. Both stop at
 * a closed gate, and after a while for the sake of everything else in the slot.
 */
import { MillraceError } from "../base/error.js";
import { fmix32 } from "../base/hash.js";
import { ROUND_MS } from "../base/limits.js";
import type { KeyedState } from "../state/contract.js";
import type { KeyedDescriptor } from "../state/descriptors.js";
import { canonicalKey, keyGroupOf } from "../state/key.js";
import { Timers } from "../time/timers.js";
import type { AnyFunction, Operator, OperatorContext } from "./contract.js";
import { FunctionScope, type ReadonlyMapState, type TimerRegistry } from "./process-context.js";
import { refusePromise } from "./promise-check.js";

/** Keyed state by name. */
export type KeyedDescriptors = Readonly<Record<string, KeyedDescriptor>>;

/** The functions that keyed operators share. */
export interface KeyedFunctions {
  readonly open?: AnyFunction;
  readonly timer?: AnyFunction;
  readonly close?: AnyFunction;
}

/** After how many timers the cursor looks at the clock. */
const TIMERS_PER_LOOK = 16;

/** The context of keyed functions. */
export class KeyedScope extends FunctionScope {
  key: unknown;
  /** Where a broadcast stream is connected: its state, to read. */
  broadcast: ReadonlyMapState<unknown, unknown> | undefined;
  readonly timers: TimerRegistry;

  constructor(
    context: OperatorContext,
    state: Readonly<Record<string, unknown>>,
    timers: Timers | undefined,
  ) {
    super(context, state);
    this.timers = timers === undefined ? noTimers : registryOf(timers);
  }
}

export abstract class KeyedOperator implements Operator {
  protected readonly context: OperatorContext;
  protected readonly scope: KeyedScope;
  private readonly functions: KeyedFunctions;
  private readonly keyed: KeyedState | undefined;
  private readonly timers: Timers | undefined;
  /** Processing-time timers were due when the task last rested. */
  private due = false;

  constructor(context: OperatorContext, functions: KeyedFunctions, descriptors: KeyedDescriptors) {
    this.context = context;
    this.functions = functions;
    if (Object.keys(descriptors).length > 0) this.keyed = context.keyedState();
    if (functions.timer !== undefined) {
      this.timers = new Timers();
      context.parts.declare(this.timers);
    }
    this.scope = new KeyedScope(context, handlesOf(this.keyed, descriptors), this.timers);
  }

  abstract element(record: unknown, timestamp: number): void;

  open(): void {
    this.functions.open?.({ subtask: this.scope.subtask });
  }

  advance(watermark: number): boolean {
    this.scope.watermark = watermark;
    const { timers, context } = this;
    if (timers === undefined) return true;
    let started = Number.NaN;
    for (let fired = 1; timers.nextEvent() <= watermark; fired++) {
      if (context.gate.level !== 0) return false;
      this.fire(timers, timers.takeEvent());
      if (fired % TIMERS_PER_LOOK !== 0) continue;
      const now = context.now();
      if (Number.isNaN(started)) started = now;
      else if (now - started >= ROUND_MS) {
        context.wake();
        return false;
      }
    }
    return true;
  }

  rest(): void {
    if (this.due) return;
    const next = this.timers === undefined ? Number.NaN : this.timers.nextProcessing();
    if (Number.isNaN(next) || next > this.context.wallNow()) return;
    this.due = true;
    this.context.wake();
  }

  proceed(): boolean {
    const { timers, context } = this;
    if (!this.due || timers === undefined) return true;
    const until = context.wallNow();
    let started = Number.NaN;
    for (let fired = 1; timers.nextProcessing() <= until; fired++) {
      if (context.gate.level !== 0) return false;
      this.fire(timers, timers.takeProcessing());
      if (fired % TIMERS_PER_LOOK !== 0) continue;
      const now = context.now();
      if (Number.isNaN(started)) started = now;
      else if (now - started >= ROUND_MS) {
        // The others next turn: unlike event time they hold nothing up.
        context.wake();
        return true;
      }
    }
    this.due = false;
    return true;
  }

  close(): void {
    this.functions.close?.();
  }

  /** Makes a record's key the one that state and timers speak of. */
  protected select(key: unknown, timestamp: number): void {
    const { scope, keyed, timers } = this;
    scope.key = key;
    scope.timestamp = timestamp;
    if (keyed === undefined && timers === undefined) return;
    const max = this.context.maxParallelism;
    const isInt = typeof key === "number" && (key | 0) === key;
    const canonical = isInt ? (key as number) : canonicalKey(key);
    const group = isInt ? (fmix32(key as number) >>> 0) % max : keyGroupOf(canonical, max);
    if (keyed !== undefined) keyed.use(key, group);
    if (timers !== undefined) timers.use(key, canonical, group);
  }

  private fire(timers: Timers, time: number): void {
    const { scope } = this;
    scope.key = timers.key;
    scope.timestamp = time;
    if (this.keyed !== undefined) this.keyed.use(timers.key, timers.keyGroup);
    const returned: unknown = this.functions.timer!(time, scope);
    if (returned !== undefined) refusePromise(returned);
  }
}

/** The user's functions among a descriptor's: part of the job's fingerprint. */
export function functionsOf(descriptors: KeyedDescriptors): AnyFunction[] {
  return Object.values(descriptors).flatMap((descriptor) =>
    Object.values(descriptor).filter((each): each is AnyFunction => typeof each === "function"),
  );
}

/** Names under which keyed operators keep parts of their own. */
const RESERVED = ["timers", "broadcast"];

/** Refuses names of state that the operator's own parts have. */
export function checkNames(descriptors: KeyedDescriptors): void {
  const taken = Object.keys(descriptors).find((name) => RESERVED.includes(name));
  if (taken === undefined) return;
  throw new MillraceError("OPTION_INVALID", `state of a keyed operator cannot have the name "${taken}"`, {
    hint: `Choose another name; taken are ${RESERVED.join(", ")}.`,
  });
}

function handlesOf(
  keyed: KeyedState | undefined,
  descriptors: KeyedDescriptors,
): Readonly<Record<string, unknown>> {
  if (keyed === undefined) return {};
  return Object.fromEntries(
    Object.entries(descriptors).map(([name, descriptor]) => [name, handleOf(keyed, name, descriptor)]),
  );
}

function handleOf(keyed: KeyedState, name: string, descriptor: KeyedDescriptor): unknown {
  switch (descriptor.kind) {
    case "value":
      return keyed.value(name, descriptor);
    case "list":
      return keyed.list(name, descriptor);
    case "map":
      return keyed.map(name, descriptor);
    case "reducing":
      return keyed.reducing(name, descriptor);
    case "aggregating":
      return keyed.aggregating(name, descriptor);
  }
}

function registryOf(timers: Timers): TimerRegistry {
  return {
    eventTime: (time) => timers.registerEvent(time),
    processingTime: (time) => timers.registerProcessing(time),
    deleteEventTime: (time) => timers.deleteEvent(time),
    deleteProcessingTime: (time) => timers.deleteProcessing(time),
  };
}

function refuseTimer(): never {
  throw new MillraceError(
    "TIMER_INVALID",
    "a timer was registered, but there is no function timer(time, ctx)",
  );
}

const noTimers: TimerRegistry = {
  eventTime: refuseTimer,
  processingTime: refuseTimer,
  deleteEventTime() {},
  deleteProcessingTime() {},
};
