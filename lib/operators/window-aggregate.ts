// @hot ~30 ns a record over the lookup; guarded by benchmarks/nexmark (q5, q7)
/**
 * Tumbling and sliding windows over keyed or all records, with aggregates: by event time, or with a clock before it
 * (window-by-clock.ts).
 *
 * Records are added to panes; a window's result is merged from its panes when the watermark passes the
 * window's end. Results carry the timestamp `end - 1`. A record whose last window has closed is dropped
 * and counted.
 */

import { refusePromise } from "../base/promise-check.js";
import { type AlignedWindows, refuseUnstamped, windowStart } from "../time/windows.js";
import { accumulatorCode } from "./accumulators.js";
import type { Aggregates } from "./aggregates.js";
import type { AnyFunction, Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { FiredWindows } from "./fired-windows.js";
import { type GroupCode, groupCode, type Partial } from "./group-code.js";
import { groupPart } from "./group-part.js";
import type { GroupTable } from "./group-table.js";
import { PaneSuffixes } from "./pane-suffixes.js";
import { Panes } from "./panes.js";
import { type TimedWindows, WindowByClock } from "./window-by-clock.js";
import { projectAll, projectKeyed } from "./window-results.js";

/** What the operator, and the local combine before it, need to know. */
export interface WindowSpec {
  readonly assigner: AlignedWindows;
  readonly aggregates: Aggregates<any>;
  /** Absent for windows over all records. */
  readonly key: AnyFunction | undefined;
  /** (result, {key, window}) => record. */
  readonly project: AnyFunction | undefined;
}

export interface WindowLogic extends OperatorLogic {
  readonly window: WindowSpec;
  /** The same operator fed with partials. */
  overPartials(): OperatorLogic;
}

export function windowLogic(spec: WindowSpec): WindowLogic {
  const byClock = spec.assigner.time === "processing";
  const code = accumulatorCode(spec.aggregates, { counted: !byClock });
  const functions = [...code.functions, spec.key, spec.project].filter((each) => each !== undefined);
  const create = (partials: boolean) => (context: OperatorContext) => {
    const windows = new WindowAggregate(context, spec, groupCode(code, spec.key), partials);
    return byClock ? new WindowByClock(context, windows) : windows;
  };
  return {
    functions,
    window: spec,
    retains: code.objectCells > 0,
    create: create(false),
    overPartials: () => ({ functions, retains: code.objectCells > 0, create: create(true) }),
  };
}

/** Windows of more panes than this are not merged of all of them. */
const MERGED_PANES_MAX = 8;

class WindowAggregate implements Operator, TimedWindows {
  private readonly context: OperatorContext;
  private readonly assigner: AlignedWindows;
  private readonly project: AnyFunction;
  private readonly code: GroupCode;
  private readonly partials: boolean;
  /** Partials say themselves which pane they are of. */
  private readonly panesKnown: boolean;
  private readonly panes: Panes;
  /** The groups of the window being given out, where it has several panes. */
  private readonly merged: GroupTable;
  /** The same where it has many. */
  private readonly suffixes: PaneSuffixes | undefined;
  /** Windows leave gaps between them: what falls there belongs to none. */
  private readonly gaps: boolean;
  /** Records before this belong to windows that have all closed. */
  closedBefore = Number.NEGATIVE_INFINITY;
  /** End of the last window that fired. */
  private firedEnd = Number.NEGATIVE_INFINITY;
  /** The window being given out, with the next slot. */
  private firing:
    | { readonly start: number; readonly end: number; readonly table: GroupTable; next: number }
    | undefined;

  /** Of a restored operator: which windows were given out for which key groups, where that differs. */
  private readonly fired: FiredWindows;

  constructor(context: OperatorContext, spec: WindowSpec, code: GroupCode, partials: boolean) {
    this.context = context;
    this.assigner = spec.assigner;
    this.code = code;
    this.partials = partials;
    this.panesKnown = partials && spec.assigner.time !== "processing";
    this.gaps = spec.assigner.slide > spec.assigner.size;
    this.panes = new Panes(code, spec.assigner);
    this.merged = code.table();
    const panes = spec.assigner.size / this.panes.size;
    if (panes > MERGED_PANES_MAX) this.suffixes = new PaneSuffixes(code, this.panes);
    this.project = spec.project ?? (spec.key === undefined ? projectAll : projectKeyed);
    this.fired = new FiredWindows(context, {
      now: () => ({ firedEnd: this.firedEnd, closedBefore: this.closedBefore }),
      restore: ({ firedEnd, closedBefore }) => {
        this.firedEnd = firedEnd;
        this.closedBefore = closedBefore;
      },
    });
    context.parts.declare(
      groupPart({
        name: "panes",
        scope: "keyed",
        code,
        maxParallelism: context.maxParallelism,
        freeze: (_wanted, into) => this.panes.freeze(into),
        load: (partial) => {
          code.replace(this.panes.at(partial.w), partial);
        },
      }),
    );
    context.parts.declare(this.fired);
  }

  element(record: unknown, timestamp: number): void {
    const time = this.panesKnown ? (record as Partial).w : timestamp;
    if (!(time >= this.closedBefore)) {
      if (Number.isNaN(time)) refuseUnstamped();
      this.context.counters.lateRecordsDropped += this.panesKnown ? (record as Partial).n : 1;
      return;
    }
    if (
      this.gaps &&
      time - windowStart(time, this.assigner.slide, this.assigner.offset) >= this.assigner.size
    ) {
      return;
    }
    const { suffixes } = this;
    if (suffixes !== undefined && time < suffixes.until) suffixes.forget();
    if (this.partials) this.code.addPartial(this.panes.at(time), record);
    else this.code.add(this.panes.at(time), record);
  }

  advance(watermark: number): boolean {
    const { size, slide, offset } = this.assigner;
    for (;;) {
      if (this.firing !== undefined && !this.give()) return false;
      const end = this.nextEnd();
      if (end === Number.POSITIVE_INFINITY || end - 1 > watermark) break;
      this.firedEnd = end;
      this.firing = { start: end - size, end, table: this.tableOf(end - size, end), next: 0 };
    }
    if (watermark !== Number.POSITIVE_INFINITY) {
      // The first window still open begins one slide after the last that closed. Watermarks behind a restore may begin
      // before those that were known when the checkpoint was taken.
      const lastClosed = windowStart(watermark + 1 - size, slide, offset);
      this.closedBefore = Math.max(this.closedBefore, lastClosed + slide);
    }
    return true;
  }

  /** End of the next window to fire: neither fired nor closed while it was empty; Infinity without records. */
  nextEnd(): number {
    const pane = this.panes.earliest();
    if (pane === Number.POSITIVE_INFINITY) return pane;
    const { size, slide, offset } = this.assigner;
    const last = windowStart(pane, slide, offset);
    const windowsBefore = Math.floor((last + size - (pane + this.panes.size)) / slide);
    return Math.max(last - windowsBefore * slide + size, this.firedEnd + slide, this.closedBefore + size);
  }

  /** All groups of a window: its only pane, or its panes merged. */
  private tableOf(start: number, end: number): GroupTable {
    const step = this.panes.size;
    if (step === this.assigner.size) return this.panes.get(start) ?? this.code.table();
    const { merged, suffixes } = this;
    if (suffixes !== undefined) return suffixes.tableOf(start, end);
    merged.clear();
    for (let pane = start; pane < end; pane += step) {
      const table = this.panes.get(pane);
      if (table === undefined) continue;
      for (let slot = 0; slot < table.size; slot++) this.code.merge(merged, table, slot);
    }
    return merged;
  }

  /** Emits the rest of the window that is being given out. */
  private give(): boolean {
    const firing = this.firing!;
    const { out, gate } = this.context;
    const { table, start, end } = firing;
    const window = { start, end };
    while (firing.next < table.size) {
      if (gate.level !== 0) return false;
      const slot = firing.next++;
      if (this.fired.differs && this.fired.includes(table.keys[slot], end)) continue;
      const result: unknown = this.project(this.code.result(table, slot), { key: table.keys[slot], window });
      refusePromise(result);
      out(result, end - 1);
    }
    // The panes that no later window holds are those before the next window's start.
    for (let pane = start; pane < start + this.assigner.slide && pane < end; pane += this.panes.size) {
      this.panes.delete(pane);
    }
    this.firing = undefined;
    return true;
  }
}
