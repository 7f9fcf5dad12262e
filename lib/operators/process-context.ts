/** What `process` functions work with: the context they are given, and side outputs. */
import type { FunctionMetrics } from "../metrics/function-metrics.js";
import type { MapState } from "../state/contract.js";
import type { StateHandle } from "../state/descriptors.js";
import { timestampOf } from "../time/timestamps.js";
import type { Emit, OperatorContext } from "./contract.js";
import type { FunctionContext } from "./function-context.js";

/** The handles of an object of descriptors. */
export type StateOf<S> = { readonly [N in keyof S]: StateHandle<S[N]> };

/** What `process` gives the user's function besides the record. */
export interface ProcessContext<Out = unknown, S = unknown>
  extends Pick<FunctionContext, "metrics" | "accumulator"> {
  /** Event time of the record in hand, ms; NaN when the stream has none. Of a timer: its time. */
  readonly timestamp: number;
  readonly subtask: number;
  /** Event time has come to here, ms: no record of this time or before is expected. -Infinity at first. */
  readonly watermark: number;
  /** The state declared under `state`. */
  readonly state: StateOf<S>;
  /** Wall time, ms since the epoch. */
  processingTime(): number;
  /** Emits a record, with the timestamp of the one in hand or another (NaN: none). Throws TIMESTAMP_INVALID. */
  emit(record: Out, timestamp?: number): void;
  /** Emits into a side output made by `sideOutput(name)`. */
  side<R>(output: SideOutput<R>, record: R): void;
}

/** Timers of the key in hand: one for each time, in ms. Registering one that is there changes nothing. */
export interface TimerRegistry {
  /** `timer` is called when the watermark reaches `time`; at the latest when the input ends. */
  eventTime(time: number): void;
  /** `timer` is called when the wall clock reaches `time` (within about 20 ms); not once the input has ended. */
  processingTime(time: number): void;
  deleteEventTime(time: number): void;
  deleteProcessingTime(time: number): void;
}

/** What the functions of a keyed `process` are given: state and timers are those of `key`. */
export interface KeyedProcessContext<K, Out = unknown, S = unknown> extends ProcessContext<Out, S> {
  /** The key of the record or timer in hand. */
  readonly key: K;
  readonly timers: TimerRegistry;
}

/** A broadcast state where it may only be read. */
export type ReadonlyMapState<K, V> = Omit<MapState<K, V>, "set" | "delete" | "clear">;

/** A named side output; read it with `stream.side(output)`. */
export interface SideOutput<S> {
  readonly name: string;
  /** Type only; never set. */
  readonly recordType?: S;
}

/**
 * Names a side output of `process`.
 * @example
 * const refunds = sideOutput<Payment>("refunds");
 * const paid = payments.process("split", { element(p, ctx) { p.amount < 0 ? ctx.side(refunds, p) : ctx.emit(p); } });
 * paid.side(refunds).sink("refunds", printSink());
 */
export function sideOutput<S>(name: string): SideOutput<S> {
  return { name };
}

/**
 * The context of one operator's functions: one object, of which the fields change. Its functions work when taken out
 * of it.
 */
export class FunctionScope {
  timestamp = Number.NaN;
  watermark = Number.NEGATIVE_INFINITY;
  readonly subtask: number;
  readonly state: Readonly<Record<string, unknown>>;
  readonly metrics: FunctionMetrics;
  readonly accumulator: FunctionContext["accumulator"];
  private readonly context: OperatorContext;
  private readonly out: Emit;
  private readonly sides = new Map<string, Emit>();

  constructor(
    context: OperatorContext,
    { metrics, accumulator }: FunctionContext,
    state: Readonly<Record<string, unknown>>,
  ) {
    this.context = context;
    this.metrics = metrics;
    this.accumulator = accumulator;
    this.subtask = context.subtask;
    this.state = state;
    this.out = context.out;
  }

  readonly processingTime = (): number => this.context.wallNow();

  readonly emit = (record: unknown, timestamp: number = this.timestamp): void => {
    this.out(record, isTime(timestamp) ? timestamp : checkedTime(timestamp));
  };

  readonly side = (output: SideOutput<unknown>, record: unknown): void => {
    let emit = this.sides.get(output.name);
    if (emit === undefined) {
      emit = this.context.side(output.name);
      this.sides.set(output.name, emit);
    }
    const { timestamp } = this;
    emit(record, isTime(timestamp) ? timestamp : checkedTime(timestamp));
  };
}

/** What follows from timestamps, like the end of a window, may lie a little further off than they may themselves. */
function isTime(time: unknown): boolean {
  return typeof time === "number" && time <= Number.MAX_SAFE_INTEGER && time >= Number.MIN_SAFE_INTEGER;
}

/** NaN: none. A timer of Infinity, which fires at the end of the input, is no time for a record. */
function checkedTime(timestamp: number): number {
  return Number.isNaN(timestamp) ? timestamp : timestampOf(timestamp);
}
