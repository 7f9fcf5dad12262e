// @hot one call per record; the key's hash and look-ups only where there is state or timers
/** What all operators with user functions over a key have in common: the key in hand, its state, its timers. */
import { MillraceError } from "../base/error.js";
import { fmix32 } from "../base/hash.js";
import { refusePromise } from "../base/promise-check.js";
import type { KeyedState } from "../state/contract.js";
import type { KeyedDescriptor } from "../state/descriptors.js";
import { canonicalKey, keyGroupOf } from "../state/key.js";
import { Timers } from "../time/timers.js";
import type { AnyFunction, Operator, OperatorContext } from "./contract.js";
import type { FunctionContext, FunctionLifecycle } from "./function-context.js";
import { FunctionScope, type ReadonlyMapState, type TimerRegistry } from "./process-context.js";
import { TimerCursor } from "./timer-cursor.js";

/** Keyed state by name. */
export type KeyedDescriptors = Readonly<Record<string, KeyedDescriptor>>;

/** The functions that keyed operators share. */
export interface KeyedFunctions extends FunctionLifecycle {
  readonly timer?: AnyFunction;
}

/** The context of keyed functions. */
export class KeyedScope extends FunctionScope {
  key: unknown;
  /** Where a broadcast stream is connected: its state, to read. */
  broadcast: ReadonlyMapState<unknown, unknown> | undefined;
  readonly timers: TimerRegistry;

  constructor(
    context: OperatorContext,
    functions: FunctionContext,
    state: Readonly<Record<string, unknown>>,
    timers: Timers | undefined,
  ) {
    super(context, functions, state);
    this.timers = timers === undefined ? noTimers : registryOf(timers);
  }
}

export abstract class KeyedOperator implements Operator {
  protected readonly context: OperatorContext;
  protected readonly scope: KeyedScope;
  private readonly functions: KeyedFunctions;
  private readonly keyed: KeyedState | undefined;
  private readonly timers: Timers | undefined;
  private readonly cursor: TimerCursor | undefined;

  constructor(context: OperatorContext, functions: KeyedFunctions, descriptors: KeyedDescriptors) {
    this.context = context;
    this.functions = functions;
    if (Object.keys(descriptors).length > 0) this.keyed = context.keyedState();
    if (functions.timer !== undefined) {
      const timers = new Timers();
      this.timers = timers;
      this.cursor = new TimerCursor(context, timers, (time) => this.fire(timers, time));
      context.parts.declare(timers);
    }
    const state = handlesOf(this.keyed, descriptors);
    this.scope = new KeyedScope(context, context.lifecycle(functions), state, this.timers);
  }

  abstract element(record: unknown, timestamp: number): void;

  advance(watermark: number): boolean {
    this.scope.watermark = watermark;
    return this.cursor === undefined || this.cursor.advance(watermark);
  }

  rest(): void {
    this.cursor?.rest();
  }

  proceed(): boolean {
    return this.cursor === undefined || this.cursor.proceed();
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

/** A handle for each descriptor, as `${prefix}${name}` in the backend. */
export function handlesOf(
  keyed: KeyedState | undefined,
  descriptors: KeyedDescriptors,
  prefix = "",
): Readonly<Record<string, unknown>> {
  if (keyed === undefined) return {};
  return Object.fromEntries(
    Object.entries(descriptors).map(([name, descriptor]) => [
      name,
      handleOf(keyed, `${prefix}${name}`, descriptor),
    ]),
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

/** What user functions register timers by, for the key selected in `timers`. */
export function registryOf(timers: Timers): TimerRegistry {
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
