// @hot ~40 ns a record over the lookup; guarded by benchmarks/nexmark (q11)
/**
 * Event-time session windows with aggregates, where nothing but their end makes them fire. Everything else that
 * sessions can have is window-operator.ts.
 *
 * A record joins the sessions of its key that it touches, which become one; a session is given out when the watermark
 * passes its end, stamped `end - 1`. One whose end grows keeps the heap entry that it began with, and gets another one
 * when that comes up: a session of a thousand records costs the heap as much as one of two.
 */
import { refusePromise } from "../base/promise-check.js";
import { canonicalKey, keyGroupOf } from "../state/key.js";
import { SlotHeap } from "../time/slot-heap.js";
import { gapMs, refuseUnstamped, type SessionWindows } from "../time/windows.js";
import { accumulatorCode } from "./accumulators.js";
import type { Aggregates } from "./aggregates.js";
import type { AnyFunction, Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { EventTimeProgress } from "./event-time-progress.js";
import { groupPart } from "./group-part.js";
import { RoundLimit } from "./round-limit.js";
import { gather, SESSION_CELLS, type SessionCode, type SessionPartial, sessionCode } from "./session-code.js";
import type { SessionTable } from "./session-table.js";
import { projectAll, projectKeyed } from "./window-results.js";

/** What the operator, and the local combine before it, need to know. */
export interface SessionSpec {
  readonly assigner: SessionWindows<any>;
  readonly aggregates: Aggregates<any>;
  /** Absent for sessions of all records. */
  readonly key: AnyFunction | undefined;
  /** (result, {key, window}) => record. */
  readonly project: AnyFunction | undefined;
}

export interface SessionLogic extends OperatorLogic {
  readonly session: SessionSpec;
  /** The same operator fed with partials. */
  overPartials(): OperatorLogic;
}

export function sessionLogic(spec: SessionSpec): SessionLogic {
  const { assigner, aggregates, key, project } = spec;
  const code = accumulatorCode(aggregates, SESSION_CELLS);
  const gap = typeof assigner.gap === "function" ? assigner.gap : undefined;
  const functions = [...code.functions, key, gap, project].filter((each) => each !== undefined);
  const retains = code.objectCells > 0;
  return {
    functions,
    retains,
    session: spec,
    create: (context) => new SessionAggregate(context, spec, sessionCode(code), recordIntake(spec)),
    overPartials: () => ({
      functions,
      retains,
      create: (context) => new SessionAggregate(context, spec, sessionCode(code), PARTIALS),
    }),
  };
}

/** How the operator reads what it is given: records, or partials. */
export interface SessionIntake {
  readonly partials: boolean;
  keyOf(record: any): unknown;
  startOf(record: any, timestamp: number): number;
  endOf(record: any, start: number): number;
}

/** The key of sessions over all records. */
const ALL = () => null;

export function recordIntake({ key, assigner }: SessionSpec): SessionIntake {
  const { gap } = assigner;
  return {
    partials: false,
    keyOf: (key ?? ALL) as (record: any) => unknown,
    startOf: (_record, timestamp) => timestamp,
    endOf:
      typeof gap === "number"
        ? (_record, start) => start + gap
        : (record, start) => start + gapMs(gap(record)),
  };
}

const PARTIALS: SessionIntake = {
  partials: true,
  keyOf: (partial: SessionPartial) => partial.k,
  startOf: (partial: SessionPartial) => partial.w,
  endOf: (partial: SessionPartial) => partial.e,
};

/** Sessions taken between two looks at the clock. */
const LOOK_EVERY = 64;

class SessionAggregate implements Operator {
  private readonly context: OperatorContext;
  private readonly intake: SessionIntake;
  private readonly code: SessionCode;
  private readonly table: SessionTable;
  private readonly project: AnyFunction;
  private readonly progress: EventTimeProgress;
  private readonly limit: RoundLimit;
  private readonly ends = new SlotHeap();
  /** By slot: the time of the one entry in `ends` that counts. */
  private due = new Float64Array(16);

  constructor(context: OperatorContext, spec: SessionSpec, code: SessionCode, intake: SessionIntake) {
    this.context = context;
    this.intake = intake;
    this.code = code;
    this.table = code.table();
    this.project = spec.project ?? (spec.key === undefined ? projectAll : projectKeyed);
    this.progress = new EventTimeProgress(context);
    this.limit = new RoundLimit(context, LOOK_EVERY);
    context.parts.declare(sessionPart("sessions", "keyed", context, this.table, code, (p) => this.load(p)));
    context.parts.declare(this.progress);
  }

  element(record: unknown, timestamp: number): void {
    const { intake, table, code } = this;
    const key = intake.keyOf(record);
    const start = intake.startOf(record, timestamp);
    if (Number.isNaN(start)) refuseUnstamped();
    const end = intake.endOf(record, start);
    let slot = table.first(key);
    // Nearly all records find the only session of their key.
    if (slot < 0 || table.next(slot) >= 0 || !table.touches(slot, start, end)) {
      slot = this.sessionFor(key, start, end);
      if (slot < 0) {
        this.context.counters.lateRecordsDropped += intake.partials ? (record as SessionPartial).n : 1;
        return;
      }
    }
    if (intake.partials) code.addPartial(table, slot, record);
    else code.add(table, slot, record);
    table.extend(slot, start, end);
  }

  advance(watermark: number): boolean {
    this.progress.advance(watermark);
    const { ends, table, context, code, limit } = this;
    limit.begin();
    while (ends.next() <= watermark) {
      if (context.gate.level !== 0) return false;
      const time = ends.next();
      const slot = ends.first();
      ends.drop();
      // Not the entry of a session that has become part of another, and whose slot may be somebody else's.
      if (this.due[slot] === time && table.isLive(slot)) {
        const start = table.startOf(slot);
        const end = table.endOf(slot);
        if (end - 1 > time) this.expect(slot, end);
        else {
          const place = { key: table.keys[slot], window: { start, end } };
          const result: unknown = this.project(code.result(table, slot), place);
          refusePromise(result);
          code.end(table, slot);
          context.out(result, end - 1);
        }
      }
      if (limit.isOver()) return false;
    }
    return true;
  }

  /** The session of a key that what begins and ends there belongs to; -1: late. */
  private sessionFor(key: unknown, start: number, end: number): number {
    const found = gather(this.table, this.code, key, start, end);
    if (found >= 0) return found;
    const group = keyGroupOf(canonicalKey(key), this.context.maxParallelism);
    return end - 1 <= this.progress.of(group) ? -1 : this.begin(key, start, end);
  }

  private begin(key: unknown, start: number, end: number): number {
    const slot = this.code.begin(this.table, key, start, end);
    if (slot >= this.due.length) {
      const grown = new Float64Array(slot * 2);
      grown.set(this.due);
      this.due = grown;
    }
    this.expect(slot, end);
    return slot;
  }

  private expect(slot: number, end: number): void {
    this.due[slot] = end - 1;
    this.ends.add(end - 1, slot);
  }

  private load(partial: SessionPartial): void {
    this.code.addPartial(this.table, this.begin(partial.k, partial.w, partial.e), partial);
  }
}

/** The sessions of a table as state; an entry is a session's partial. */
export function sessionPart(
  name: string,
  scope: "keyed" | "split",
  { maxParallelism }: OperatorContext,
  table: SessionTable,
  code: SessionCode,
  load: (partial: SessionPartial) => void,
) {
  return groupPart({
    name,
    scope,
    code: code as Parameters<typeof groupPart>[0]["code"],
    maxParallelism,
    freeze: (_wanted, into) => {
      const write = into(table, 0, () => 0);
      return [table.freeze("full", (slot) => (table.isLive(slot) ? write(slot) : undefined))];
    },
    load: (partial) => load(partial as SessionPartial),
  });
}
