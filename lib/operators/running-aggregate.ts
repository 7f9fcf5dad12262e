// @hot ~30 ns a record over the lookup; guarded by benchmarks/nexmark (q17)
/**
 * Aggregates over all records of a key so far. Without mini-batch every record emits its key's new result;
 * with mini-batch a key's result is emitted once per batch, as an upsert, and records are combined before
 * they cross threads.
 */

import { refusePromise } from "../base/promise-check.js";
import { accumulatorCode } from "./accumulators.js";
import type { Aggregates } from "./aggregates.js";
import type { AnyFunction, Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { type GroupCode, groupCode, type Partial } from "./group-code.js";
import { groupPart, type WriteInto } from "./group-part.js";
import type { GroupTable } from "./group-table.js";
import { SlotSet } from "./slot-set.js";

/** How long and how many records a mini-batch may gather. */
export interface MiniBatch {
  readonly size: number;
  /** 0: as long as the task's turn. */
  readonly latencyMs: number;
}

export interface RunningSpec {
  readonly aggregates: Aggregates<any>;
  readonly key: AnyFunction;
  /** (result, {key}) => record. */
  readonly project: AnyFunction | undefined;
  readonly miniBatch: MiniBatch | undefined;
}

export interface RunningLogic extends OperatorLogic {
  readonly running: RunningSpec;
  overPartials(): OperatorLogic;
}

export function runningLogic(spec: RunningSpec): RunningLogic {
  const code = accumulatorCode(spec.aggregates);
  const functions = [...code.functions, spec.key, spec.project].filter((each) => each !== undefined);
  const create = (partials: boolean) => (context: OperatorContext) =>
    new RunningAggregate(context, spec, groupCode(code, spec.key), partials);
  return {
    functions,
    running: spec,
    retains: code.objectCells > 0,
    create: create(false),
    overPartials: () => ({ functions, retains: code.objectCells > 0, create: create(true) }),
  };
}

/** The local half: gathers a mini-batch of records and sends one partial per key. */
export function runningCombineLogic(spec: RunningSpec): OperatorLogic {
  const code = accumulatorCode(spec.aggregates);
  return {
    functions: [],
    create: (context) => new RunningCombine(context, spec.miniBatch!, groupCode(code, spec.key)),
  };
}

class RunningAggregate implements Operator {
  private readonly context: OperatorContext;
  private readonly project: AnyFunction;
  private readonly code: GroupCode;
  private readonly table: GroupTable;
  private readonly partials: boolean;
  private readonly batch: MiniBatch | undefined;
  /** Slots changed in this mini-batch: their results are to be emitted. */
  private readonly changed = new SlotSet();
  /** While state is loaded: the slots whose results were still to be emitted, with the batch's timestamp. */
  private readonly due = new Map<number, number>();
  private gathered = 0;
  private since = Number.NaN;
  private timestamp = Number.NaN;
  /** The last watermark that went on: one may pass only behind the records it speaks for. */
  private passed = Number.NEGATIVE_INFINITY;
  private next = 0;
  private giving = false;

  constructor(context: OperatorContext, spec: RunningSpec, code: GroupCode, partials: boolean) {
    this.context = context;
    this.code = code;
    this.table = code.table();
    this.partials = partials;
    this.batch = spec.miniBatch;
    this.project = spec.project ?? ((result: object, { key }: { key: unknown }) => ({ key, ...result }));
    context.parts.declare(
      groupPart({
        name: "groups",
        scope: "keyed",
        code,
        maxParallelism: context.maxParallelism,
        freeze: (wanted, into) => [this.freeze(wanted, into)],
        load: (partial, stamp) => this.load(partial, stamp),
      }),
    );
  }

  open(): void {
    for (const [slot, timestamp] of this.due) {
      this.changed.add(slot);
      if (timestamp !== Number.POSITIVE_INFINITY && !(timestamp <= this.timestamp))
        this.timestamp = timestamp;
    }
    this.gathered = this.due.size;
    this.due.clear();
  }

  element(record: unknown, timestamp: number): void {
    const slot = this.partials ? this.code.addPartial(this.table, record) : this.code.add(this.table, record);
    if (this.batch === undefined) {
      this.context.out(this.resultOf(slot), timestamp);
      return;
    }
    this.changed.add(slot);
    if (!(timestamp <= this.timestamp)) this.timestamp = timestamp;
    if (++this.gathered >= this.batch.size) this.giving = true;
    if (this.giving) this.proceed();
  }

  /** A batch is given out also while its results wait: new records join the next one. */
  proceed(): boolean {
    if (!this.giving) return true;
    const { out, gate } = this.context;
    while (this.next < this.changed.size) {
      if (gate.level !== 0) return false;
      const slot = this.changed.at(this.next++);
      // What a snapshot says of a group includes that its result is still to be emitted.
      if (this.table.marks[slot] !== this.table.epoch) this.table.touch(slot);
      this.changed.remove(slot);
      out(this.resultOf(slot), this.timestamp);
    }
    this.changed.take();
    this.next = 0;
    this.gathered = 0;
    this.giving = false;
    this.since = Number.NaN;
    return true;
  }

  rest(steady: number): void {
    if (this.gathered === 0 || this.batch === undefined) return;
    if (Number.isNaN(this.since)) this.since = steady;
    else if (steady - this.since >= this.batch.latencyMs) this.giving = true;
  }

  advance(watermark: number): boolean {
    if (watermark !== Number.POSITIVE_INFINITY) return true;
    return this.finish();
  }

  passes(watermark: number): number {
    if (this.changed.size === 0) this.passed = watermark;
    return this.passed;
  }

  finish(): boolean {
    this.giving = this.changed.size > 0;
    return this.proceed();
  }

  /** A stamp says that the group's result is still to be emitted: the batch's timestamp, Infinity for none. */
  private freeze(wanted: "full" | "delta", into: WriteInto) {
    const { table, changed } = this;
    const due = Number.isNaN(this.timestamp) ? Number.POSITIVE_INFINITY : this.timestamp;
    const stamp = (slot: number) => (changed.has(slot) ? due : Number.NaN);
    return table.freeze(wanted, into(table, 0, stamp));
  }

  private load(partial: Partial, stamp: number): void {
    const slot = this.code.replace(this.table, partial);
    // A delta may say that what the entry before it had to emit was emitted since.
    if (this.batch === undefined || Number.isNaN(stamp)) this.due.delete(slot);
    else this.due.set(slot, stamp);
  }

  private resultOf(slot: number): unknown {
    const result: unknown = this.project(this.code.result(this.table, slot), { key: this.table.keys[slot] });
    refusePromise(result);
    return result;
  }
}

class RunningCombine implements Operator {
  private readonly context: OperatorContext;
  private readonly code: GroupCode;
  private readonly batch: MiniBatch;
  private readonly table: GroupTable;
  private gathered = 0;
  private since = Number.NaN;
  private timestamp = Number.NaN;
  /** The last watermark that went on: one may pass only behind the records it speaks for. */
  private passed = Number.NEGATIVE_INFINITY;
  private next = 0;
  private giving = false;

  constructor(context: OperatorContext, batch: MiniBatch, code: GroupCode) {
    this.context = context;
    this.batch = batch;
    this.code = code;
    this.table = code.table();
    context.parts.declare(
      groupPart({
        name: "gathered",
        // They go to the owner of their key from wherever they are.
        scope: "split",
        code,
        maxParallelism: context.maxParallelism,
        freeze: (_wanted, into) => {
          const due = this.timestamp;
          return [
            this.table.freeze(
              "full",
              into(this.table, 0, () => due),
            ),
          ];
        },
        load: (partial, stamp) => {
          code.addPartial(this.table, partial);
          this.gathered++;
          if (!(stamp <= this.timestamp)) this.timestamp = stamp;
        },
      }),
    );
  }

  element(record: unknown, timestamp: number): void {
    this.code.add(this.table, record);
    if (!(timestamp <= this.timestamp)) this.timestamp = timestamp;
    if (++this.gathered >= this.batch.size) {
      this.giving = true;
      this.proceed();
    }
  }

  advance(watermark: number): boolean {
    if (watermark !== Number.POSITIVE_INFINITY) return true;
    return this.finish();
  }

  passes(watermark: number): number {
    if (this.gathered === 0) this.passed = watermark;
    return this.passed;
  }

  proceed(): boolean {
    if (!this.giving) return true;
    const { out, gate } = this.context;
    while (this.next < this.table.size) {
      if (gate.level !== 0) return false;
      out(this.code.partial(this.table, this.next++, 0), this.timestamp);
    }
    this.table.clear();
    this.next = 0;
    this.gathered = 0;
    this.giving = false;
    this.since = Number.NaN;
    return true;
  }

  rest(steady: number): void {
    if (this.gathered === 0 || this.giving) return;
    if (this.batch.latencyMs === 0) {
      this.giving = true;
      this.context.wake();
    } else if (Number.isNaN(this.since)) this.since = steady;
    else if (steady - this.since >= this.batch.latencyMs) this.giving = true;
  }

  finish(): boolean {
    this.giving = this.gathered > 0;
    return this.proceed();
  }
}
