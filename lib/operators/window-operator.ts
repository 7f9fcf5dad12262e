// @hot one call per record; guarded by test/operators/window-operator.test.ts
/**
 * Windows of every kind, over keyed state: sessions, global windows, processing time, triggers, evictors, allowed
 * lateness, assigners of the user's own. Windows that need none of it are window-aggregate.ts and session-aggregate.ts,
 * which are several times as fast.
 *
 * A window's contents are kept under its own key (window-key.ts), in the key group of the record's key; so are its
 * trigger's state and its timers. Sessions have their contents under the window they began with (session-set.ts).
 * A window goes when its time is over (`cleanupOf`).
 *
 * Whatever fires several windows is a cursor: an element between its windows, a watermark between its timers, and a
 * window that gives out many rows between these (row-cursor.ts).
 */
import type { KeyedState, ValueState } from "../state/contract.js";
import { value } from "../state/descriptors.js";
import { canonicalKey, keyGroupOf } from "../state/key.js";
import { Timers } from "../time/timers.js";
import { gapMs, refuseUnstamped, type Window, windowsOf } from "../time/windows.js";
import type { Aggregates } from "./aggregates.js";
import type { AnyFunction, Emit, Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { EventTimeProgress } from "./event-time-progress.js";
import { type Evictor, functionsOfEvictor } from "./evictors.js";
import { functionsOf, handlesOf, registryOf } from "./keyed-operator.js";
import { openPairedContents } from "./paired-contents.js";
import type { TimerRegistry } from "./process-context.js";
import { RowCursor } from "./row-cursor.js";
import { selectedHandles } from "./selected-state.js";
import { mergeSession, type Session, sessionOf, withoutSession } from "./session-set.js";
import { TimerCursor } from "./timer-cursor.js";
import {
  functionsOfTrigger,
  isResult,
  type Trigger,
  type TriggerContext,
  type TriggerResult,
} from "./trigger.js";
import { lifecycleFunctions } from "./user-function.js";
import {
  type AssignerContext,
  checkedWindows,
  isEventTime,
  isMerging,
  type WindowAssigner,
} from "./window-assigner.js";
import { openContents, type WindowContents } from "./window-contents.js";
import { partsOf, type WindowKey, WindowKeys } from "./window-key.js";
import { openResult, type ResultSpec, WindowScope } from "./window-results.js";

export interface WindowOperatorSpec {
  readonly assigner: WindowAssigner;
  readonly trigger: Trigger;
  readonly evictor: Evictor | undefined;
  readonly latenessMs: number;
  /** The side output that takes late records; dropped and counted where it is missing. */
  readonly late: string | undefined;
  /** Absent for windows over all records. */
  readonly key: AnyFunction | undefined;
  /** The key of a second input, whose records are in the same windows; there are no aggregates then. */
  readonly secondKey?: AnyFunction | undefined;
  /** Absent where the result is made from the records. */
  readonly aggregates: Aggregates<any> | undefined;
  readonly result: ResultSpec;
}

export function windowOperatorLogic(spec: WindowOperatorSpec): OperatorLogic {
  const { result } = spec;
  return {
    functions: functionsOfSpec(spec).filter((each) => each !== undefined),
    ...(result.kind === "function" ? lifecycleFunctions(result.functions) : {}),
    retains: true,
    create: (context) =>
      spec.secondKey === undefined
        ? new WindowOperator(context, spec)
        : new TwoInputWindowOperator(context, spec, spec.secondKey),
  };
}

function functionsOfSpec(spec: WindowOperatorSpec): (AnyFunction | undefined)[] {
  const { assigner, trigger, evictor, key, secondKey, aggregates, result } = spec;
  return [
    key,
    secondKey,
    assigner.kind === "session" && typeof assigner.gap === "function" ? assigner.gap : undefined,
    assigner.kind === undefined ? assigner.assignWindows : undefined,
    ...functionsOfTrigger(trigger),
    ...(evictor === undefined ? [] : functionsOfEvictor(evictor)),
    ...Object.values(aggregates ?? {}).flatMap(({ select, custom }) => [
      select,
      ...Object.values(custom ?? {}),
    ]),
    ...functionsOfResult(result),
  ];
}

function functionsOfResult(result: ResultSpec): readonly (AnyFunction | undefined)[] {
  if (result.kind === "project") return [result.project];
  if (result.kind === "rows") return result.functions;
  const { window, clear } = result.functions;
  return [window, clear, ...functionsOf(result.state), ...functionsOf(result.windowState)];
}

const GLOBAL: readonly Window[] = [{ start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }];
const NO_SESSIONS: readonly Session[] = [];
const NO_WINDOWS: readonly Window[] = [];
/** Stands for the key of windows over all records. */
const ALL = null;

/** What a trigger is given: one object, of which the fields change. */
class TriggerScope implements TriggerContext {
  window: Window = GLOBAL[0]!;
  /** When the window goes: that timer is not the trigger's to delete, even where it has one of the same time. */
  cleanup = Number.NaN;
  /** The trigger has registered a timer of that time itself. */
  registered = false;
  timestamp = Number.NaN;
  input: 0 | 1 = 0;
  watermark = Number.NEGATIVE_INFINITY;
  readonly state: ValueState<unknown>;
  readonly timers: TimerRegistry;
  readonly processingTime: () => number;

  constructor(state: ValueState<unknown>, timers: Timers, eventTime: boolean, now: () => number) {
    const registry = registryOf(timers);
    const noted = (register: (time: number) => void) => (time: number) => {
      register(time);
      if (time === this.cleanup) this.registered = true;
    };
    const kept = (remove: (time: number) => void) => (time: number) => {
      if (time !== this.cleanup) remove(time);
    };
    const { eventTime: event, processingTime, deleteEventTime, deleteProcessingTime } = registry;
    this.state = state;
    this.timers = eventTime
      ? { ...registry, eventTime: noted(event), deleteEventTime: kept(deleteEventTime) }
      : {
          ...registry,
          processingTime: noted(processingTime),
          deleteProcessingTime: kept(deleteProcessingTime),
        };
    this.processingTime = now;
  }
}

/** What an assigner of the user's own is given: less than a trigger, as there is no window yet. */
class AssignerScope implements AssignerContext {
  readonly processingTime: () => number;
  private readonly scope: TriggerScope;

  constructor(scope: TriggerScope) {
    this.scope = scope;
    this.processingTime = scope.processingTime;
  }

  get watermark(): number {
    return this.scope.watermark;
  }

  get input(): 0 | 1 {
    return this.scope.input;
  }
}

class WindowOperator implements Operator {
  private readonly context: OperatorContext;
  private readonly spec: WindowOperatorSpec;
  private readonly eventTime: boolean;
  private readonly keyed: KeyedState;
  private readonly timers = new Timers();
  private readonly cursor: TimerCursor;
  private readonly progress: EventTimeProgress;
  private readonly contents: WindowContents;
  /** Of windows that merge: the sessions of a key. */
  private readonly sessions: ValueState<readonly Session[]> | undefined;
  /** The trigger's state of the window entered. */
  private readonly triggerState: ValueState<unknown>;
  private readonly scope: TriggerScope;
  private readonly assignerContext: AssignerContext;
  private readonly resultScope: WindowScope;
  private readonly windowState: readonly { clear(): void }[];
  private readonly result: (input: unknown) => void;
  private readonly give = (input: unknown) => this.giveOut(input);
  /** Of what fires there may be rows left: then nothing else goes on. */
  private readonly rows: RowCursor;
  private readonly lateOut: Emit | undefined;
  private readonly windowKeys = new WindowKeys();

  /** The key in hand, its group, and the window entered: its own key in state, and that of its contents. */
  private key: unknown;
  private group = 0;
  private windowKey: WindowKey = "";
  private homeKey: WindowKey = "";
  private selected: unknown = NO_WINDOWS;

  /** The record in hand, its windows, and the next one of them. */
  private record: unknown;
  private windows = NO_WINDOWS;
  private next = 0;
  private taken = false;

  constructor(context: OperatorContext, spec: WindowOperatorSpec) {
    this.context = context;
    this.spec = spec;
    this.eventTime = isEventTime(spec.assigner);
    this.keyed = context.keyedState();
    this.progress = new EventTimeProgress(context);
    context.parts.declare(this.timers);
    context.parts.declare(this.progress);
    this.cursor = new TimerCursor(context, this.timers, (time, processing) => this.timer(time, processing));
    this.contents =
      spec.secondKey === undefined
        ? openContents(this.keyed, spec.aggregates, spec.evictor)
        : openPairedContents(this.keyed, spec.evictor);
    if (isMerging(spec.assigner)) {
      this.sessions = this.keyed.value("sessions", value<readonly Session[]>());
    }
    const trigger = handlesOf(this.keyed, { trigger: value() });
    this.triggerState = selectedHandles(trigger, () => this.select(this.windowKey))
      .trigger as ValueState<unknown>;
    this.scope = new TriggerScope(this.triggerState, this.timers, this.eventTime, () => context.wallNow());
    this.assignerContext = new AssignerScope(this.scope);
    const { state = {}, windowState = {} } = spec.result.kind === "function" ? spec.result : {};
    const ofWindow = handlesOf(this.keyed, windowState, "window.");
    this.resultScope = new WindowScope(
      context,
      context.lifecycle(spec.result.kind === "function" ? spec.result.functions : {}),
      selectedHandles(handlesOf(this.keyed, state, "key."), () => this.select(this.key)),
      selectedHandles(ofWindow, () => this.select(this.homeKey)),
    );
    this.windowState = Object.values(this.resultScope.windowState) as { clear(): void }[];
    this.rows = new RowCursor(context);
    this.result = openResult(spec.result, context, this.resultScope, this.rows);
    if (spec.late !== undefined) this.lateOut = context.side(spec.late);
  }

  element(record: unknown, timestamp: number): void {
    this.enterRecord(record, timestamp, this.spec.key === undefined ? ALL : this.spec.key(record), 0);
  }

  protected enterRecord(record: unknown, timestamp: number, key: unknown, input: 0 | 1): void {
    if (this.eventTime && Number.isNaN(timestamp)) refuseUnstamped();
    this.hold(key, keyGroupOf(canonicalKey(key), this.context.maxParallelism));
    this.scope.timestamp = timestamp;
    this.scope.input = input;
    this.windows = this.assign(record, timestamp);
    this.record = record;
    this.taken = false;
    this.next = 0;
    this.addToWindows();
  }

  private assign(record: unknown, timestamp: number): readonly Window[] {
    const { assigner } = this.spec;
    if (assigner.kind === "global") return GLOBAL;
    if (assigner.kind === undefined) {
      return checkedWindows(assigner.assignWindows(record, timestamp, this.assignerContext));
    }
    const time = this.eventTime ? timestamp : this.context.wallNow();
    if (assigner.kind !== "session") return windowsOf(assigner, time);
    const gap = typeof assigner.gap === "number" ? assigner.gap : gapMs(assigner.gap(record));
    return [{ start: time, end: time + gap }];
  }

  proceed(): boolean {
    return this.rows.goOn() && this.addToWindows() && this.cursor.proceed();
  }

  advance(watermark: number): boolean {
    this.progress.advance(watermark);
    return this.rows.goOn() && this.cursor.advance(watermark);
  }

  rest(): void {
    this.cursor.rest();
  }

  /** Adds the record in hand to the rest of its windows. False: suspended. */
  private addToWindows(): boolean {
    const { gate } = this.context;
    if (this.windows === NO_WINDOWS) return true;
    while (this.next < this.windows.length) {
      if (gate.level >= 2) return false;
      const window = this.windows[this.next++]!;
      if (this.sessions !== undefined) this.addToSession(this.sessions, window);
      else if (!this.isLate(window)) this.add(window, window);
      if (!this.rows.give()) return false;
    }
    this.windows = NO_WINDOWS;
    if (!this.taken) this.refuse();
    this.record = undefined;
    return true;
  }

  private addToSession(state: ValueState<readonly Session[]>, window: Window): void {
    this.select(this.key);
    const held = state.get() ?? NO_SESSIONS;
    const { session, merged, sessions } = mergeSession(held, window);
    // One that others became part of is not late: they are not.
    if (merged.length === 0 && this.isLate(session)) return;
    if (sessions !== held) state.update(sessions);
    if (merged.length > 0) this.merge(session, merged);
    this.add(session, session.home);
  }

  private merge(session: Session, merged: readonly Session[]): void {
    const { scope, triggerState, contents } = this;
    const { trigger } = this.spec;
    const states: unknown[] = [];
    for (const each of merged) {
      this.enter(each, each.home);
      const state = triggerState.get();
      if (state !== undefined) states.push(state);
      trigger.clear?.(scope);
      triggerState.clear();
      this.deleteCleanup(each);
    }
    this.enter(session, session.home);
    trigger.merge!(states, scope);
    for (const { home } of merged.slice(1)) {
      this.select(this.keyOf(home));
      const taken = contents.take();
      this.select(this.homeKey);
      contents.absorb(taken);
    }
  }

  private add(window: Window, home: Window): void {
    this.taken = true;
    this.enter(window, home);
    this.select(this.homeKey);
    this.contents.add(this.record, this.scope.timestamp, this.scope.input);
    this.scope.registered = false;
    const answer: unknown = this.spec.trigger.element(this.record, this.scope);
    if (isResult(answer)) this.act(answer);
    if (!this.scope.registered) this.registerCleanup(window);
  }

  private timer(time: number, processing: boolean): boolean {
    const { timers, scope, sessions } = this;
    const { key, window: given } = partsOf(timers.key as WindowKey);
    this.hold(key, timers.keyGroup);
    let window = given;
    let home = given;
    let session: Session | undefined;
    if (sessions !== undefined) {
      this.select(key);
      session = sessionOf(sessions.get() ?? NO_SESSIONS, window);
      // Of a session that has become part of another one.
      if (session === undefined) return true;
      window = session;
      home = session.home;
    }
    this.enter(window, home);
    scope.timestamp = time;
    const { trigger } = this.spec;
    const answer: unknown = processing
      ? trigger.processingTime?.(time, scope)
      : trigger.eventTime?.(time, scope);
    if (isResult(answer)) this.act(answer);
    if (processing !== this.eventTime && time === this.cleanupOf(window)) this.dispose(session);
    return this.rows.goOn();
  }

  /** The window entered is over. */
  private dispose(session: Session | undefined): void {
    this.select(this.homeKey);
    this.contents.clear();
    this.spec.trigger.clear?.(this.scope);
    this.triggerState.clear();
    const { result } = this.spec;
    if (result.kind === "function" && result.functions.clear !== undefined) {
      this.speak();
      result.functions.clear(this.resultScope);
    }
    for (const state of this.windowState) state.clear();
    if (session === undefined) return;
    this.select(this.key);
    const left = withoutSession(this.sessions!.get() ?? NO_SESSIONS, session);
    if (left.length === 0) this.sessions!.clear();
    else this.sessions!.update(left);
  }

  private act(answer: Exclude<TriggerResult, "continue">): void {
    this.select(this.homeKey);
    if (answer !== "purge") this.contents.fire(this.scope, this.give);
    if (answer !== "fire") this.contents.clear();
  }

  private giveOut(input: unknown): void {
    this.speak();
    this.result(input);
    this.select(this.homeKey);
  }

  /** Makes the scope of the result's functions speak of the window entered. */
  private speak(): void {
    const { resultScope, scope } = this;
    resultScope.key = this.spec.key === undefined ? undefined : this.key;
    resultScope.window = scope.window;
    resultScope.watermark = scope.watermark;
    const last = scope.window.end - 1;
    const ends = last === Number.POSITIVE_INFINITY;
    // A global window has no last moment: what made it fire says when it was.
    const timestamp = ends ? scope.timestamp : last;
    resultScope.timestamp = Number.isFinite(timestamp) ? timestamp : Number.NaN;
  }

  /** No window took the record. */
  private refuse(): void {
    const { timestamp, watermark } = this.scope;
    const { record } = this;
    this.record = undefined;
    if (!this.eventTime || timestamp + this.spec.latenessMs > watermark) return;
    if (this.lateOut !== undefined) this.lateOut(record, timestamp);
    else this.context.counters.lateRecordsDropped++;
  }

  private isLate(window: Window): boolean {
    return this.eventTime && this.cleanupOf(window) <= this.scope.watermark;
  }

  /**
   * When a window goes: in event time when no record of its last moment is expected, and after the allowed lateness;
   * in processing time when its last moment is over, as records of it come until then.
   */
  private cleanupOf({ end }: Window): number {
    return this.eventTime ? end - 1 + this.spec.latenessMs : end;
  }

  private registerCleanup(window: Window): void {
    const cleanup = this.cleanupOf(window);
    if (cleanup === Number.POSITIVE_INFINITY) return;
    if (this.eventTime) this.timers.registerEvent(cleanup);
    else this.timers.registerProcessing(cleanup);
  }

  private deleteCleanup(window: Window): void {
    if (this.eventTime) this.timers.deleteEvent(this.cleanupOf(window));
    else this.timers.deleteProcessing(this.cleanupOf(window));
  }

  private hold(key: unknown, group: number): void {
    this.key = key;
    this.group = group;
    this.scope.watermark = this.progress.of(group);
  }

  /** Makes timers and the trigger's state those of a window of the key in hand. */
  private enter(window: Window, home: Window): void {
    this.scope.window = home === window ? window : { start: window.start, end: window.end };
    this.scope.cleanup = this.cleanupOf(window);
    this.windowKey = this.keyOf(window);
    this.homeKey = home === window ? this.windowKey : this.keyOf(home);
    this.timers.use(this.windowKey, canonicalKey(this.windowKey), this.group);
  }

  private keyOf(window: Window): WindowKey {
    return this.windowKeys.of(this.key, window);
  }

  private select(key: unknown): void {
    if (key === this.selected) return;
    this.selected = key;
    this.keyed.use(key, this.group);
  }
}

/** The same over the records of two inputs: each window holds both (paired-contents.ts). */
class TwoInputWindowOperator extends WindowOperator {
  private readonly secondKey: AnyFunction;

  constructor(context: OperatorContext, spec: WindowOperatorSpec, secondKey: AnyFunction) {
    super(context, spec);
    this.secondKey = secondKey;
  }

  second(record: unknown, timestamp: number): void {
    this.enterRecord(record, timestamp, this.secondKey(record), 1);
  }
}
