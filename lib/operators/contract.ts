/**
 * Operators, one physical operator a file.
 *
 * An operator is either *inline*: it writes its step as source text into the fused function of its chain
 * (map, filter), or an *object* with state that the chain calls and that emits into the fused function
 * below it (window, reduce, process, sinks).
 *
 * Invariants
 * - Nothing waits and nothing is a promise on the path of a record.
 * - Whatever emits many records for one event (a window that closes, the end of input) is a resumable
 *   cursor: it looks at `gate.level` between records and answers false until it is through.
 * - Records are never changed once emitted.
 *
 * Called by: runtime (chains). May import: base, codec, time, state, checkpoint, source, sink.
 */
import type { Gate } from "../base/gate.js";
import type { PendingCommittable } from "../checkpoint/snapshot.js";
import type { SourcePosition } from "../source/contract.js";
import type { KeyedState, StateParts } from "../state/contract.js";
import type { FunctionContext, FunctionLifecycle } from "./function-context.js";

// biome-ignore lint/complexity/noBannedTypes: user functions of every signature are bound and fingerprinted
export type AnyFunction = Function;

/** Passes a record on to whatever is below. */
export type Emit = (record: unknown, timestamp: number) => void;

/** Where an inline operator writes its step. */
export interface EmitSite {
  /** A name under which the generated code sees `value`. */
  bind(value: unknown, hint: string): string;
  /** A fresh name for a value; declared by the site. */
  fresh(): string;
  line(source: string): void;
  /** Writes the steps of everything below for the value and timestamp named. */
  emit(value: string, timestamp: string): void;
  /** Writes the steps of what reads a side output; none where nobody does. */
  side(tag: string, value: string, timestamp: string): void;
  /** The operator's name, for what it says. */
  readonly operator: string;
  readonly counters: OperatorCounters;
  /** As in the operator's context. */
  sourcePosition(): SourcePosition | undefined;
}

/** Counted per task and shown in metrics. */
export interface OperatorCounters {
  lateRecordsDropped: number;
  /** Records that an error policy has left out. */
  recordsFailed: number;
}

export interface OperatorContext {
  readonly job: string;
  readonly operator: string;
  readonly subtask: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly runId: string;
  /** Counts the starts of this run from 1. */
  readonly attempt: number;
  readonly gate: Gate;
  readonly out: Emit;
  /** Emits into a side output; a tag nobody reads is dropped. */
  side(tag: string): Emit;
  /** Wakes the slot: something can go on. */
  wake(): void;
  /** Stops and resumes the task's input (a sink that cannot take more). */
  pause(): void;
  resume(): void;
  fail(error: unknown): void;
  /** Throws a user function's error with its place and the record it was given. */
  failed(error: unknown, record: unknown): never;
  /**
   * Where the record in hand was read, where this operator is fused with its source and no other record has been read
   * since. Asked for when something is wrong with it.
   */
  sourcePosition(): SourcePosition | undefined;
  /** What `passes` answers has grown: the last watermark goes through the operators once more, in the task's turn. */
  advanceAgain(): void;
  sendRows(rows: readonly unknown[]): void;
  /** Steady time in ms. */
  now(): number;
  /** Wall time in ms since the epoch: processing time. */
  wallNow(): number;
  /** Where the operator declares its state, when it is created. */
  readonly parts: StateParts;
  /**
   * Keyed state by descriptors, from the job's backend; asked for at most once, when it is created. The runtime
   * calls its `rest` and `close`.
   */
  keyedState(): KeyedState;
  readonly counters: OperatorCounters;
  /** Has the task open and close the user's functions, once each; answers what they are told. Before it is opened. */
  lifecycle(functions: FunctionLifecycle): FunctionContext;
}

export interface Operator {
  open?(): Promise<void> | void;
  /** @hot */
  element(record: unknown, timestamp: number, keyGroup: number): void;
  /** A record of the second input; an operator that has it is the head of its chain. @hot */
  second?(record: unknown, timestamp: number, keyGroup: number): void;
  /** Event time reaches `watermark`. False: suspended by the gate, call again with the same watermark. */
  advance?(watermark: number): boolean;
  /** The watermark that may go on below after `advance`, where records are held back; the same by default. */
  passes?(watermark: number): number;
  /** Watermarks of its own: `passes` is asked also where none has come. */
  readonly makesWatermarks?: boolean;
  /** Goes on with what an element began and the gate suspended. False: still not through. */
  proceed?(): boolean;
  /**
   * A checkpoint is about to be taken, between two elements; may emit. Its state parts are frozen right after,
   * and the barrier goes on behind what was emitted.
   */
  prepareSnapshot?(): void;
  /**
   * The checkpoint is complete and its committables are committed: it will be restored rather than anything
   * before it.
   */
  checkpointComplete?(checkpoint: number): void;
  /** No more input. False: suspended, call again. */
  finish?(): boolean;
  /** An answer from outside is under way: it goes on without anything that the task is given. */
  readonly awaits?: boolean;
  /** The task's turn ends; `steady` is the time of the clock of `now()`. */
  rest?(steady: number): void;
  /**
   * Of a sink: a checkpoint is taken; its parts are frozen right after this call, before its promise settles.
   * The answer names everything written before the call whose commit is not confirmed by `checkpointComplete`,
   * each with the checkpoint that named it first: those of a checkpoint that was aborted are named again.
   * Checkpoint numbers grow; the last call comes after `finish`. A promise that rejects fails the task.
   */
  prepareCommit?(checkpoint: number): Promise<readonly PendingCommittable[]>;
  close?(aborted: boolean): Promise<void> | void;
}

/** What a thread knows about an operator beyond its plain node: its functions. */
export interface OperatorLogic {
  /** The user's functions, whose text is part of the job's fingerprint. */
  readonly functions: readonly AnyFunction[];
  /** Likewise, of those that may answer with a promise. */
  readonly asyncFunctions?: readonly AnyFunction[];
  /** Keeps records, or parts of them: the texts in them must not hold their batch's text alive. */
  readonly retains?: boolean;
  /** With `create` as well, `operator` is what that has made: it takes no records. */
  readonly inline?: (
    site: EmitSite,
    value: string,
    timestamp: string,
    operator: Operator | undefined,
  ) => void;
  readonly create?: (context: OperatorContext) => Operator;
}
