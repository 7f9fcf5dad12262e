// @hot ~40 ns a record over the lookup; guarded by benchmarks/nexmark (q11)
/**
 * Local combine of sessions: what a subtask has of a session crosses threads as one partial.
 *
 * Partials are sent before a watermark goes on that could end a session they touch. A record that is late here may
 * be late there, or belong to a session that is still open: it is sent by itself, so that the other side can tell.
 */
import type { EntrySink, FrozenPart, StatePart } from "../state/contract.js";
import { refuseUnstamped } from "../time/windows.js";
import { accumulatorCode } from "./accumulators.js";
import type { Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { recordIntake, type SessionIntake, type SessionSpec, sessionPart } from "./session-aggregate.js";
import { gather, SESSION_CELLS, type SessionCode, sessionCode } from "./session-code.js";
import type { SessionTable } from "./session-table.js";

export function sessionCombineLogic(spec: SessionSpec): OperatorLogic {
  const code = accumulatorCode(spec.aggregates, SESSION_CELLS);
  return {
    functions: [],
    create: (context) => new SessionCombine(context, sessionCode(code), recordIntake(spec)),
  };
}

class SessionCombine implements Operator {
  private readonly context: OperatorContext;
  private readonly code: SessionCode;
  private readonly intake: SessionIntake;
  private readonly table: SessionTable;
  private readonly reached: ReachedTime;
  /** Not later than any session begins. */
  private earliest = Number.POSITIVE_INFINITY;
  /** The next session to send, while they are being sent. */
  private next = -1;

  constructor(context: OperatorContext, code: SessionCode, intake: SessionIntake) {
    this.context = context;
    this.code = code;
    this.intake = intake;
    this.table = code.table();
    this.reached = new ReachedTime();
    // They go to the owner of their key from wherever they are.
    context.parts.declare(
      sessionPart("gathered", "split", context, this.table, code, (partial) => {
        const { w, e } = partial;
        code.addPartial(this.table, this.sessionFor(partial.k, w, e) ?? this.begin(partial.k, w, e), partial);
      }),
    );
    context.parts.declare(this.reached);
  }

  element(record: unknown, timestamp: number): void {
    if (Number.isNaN(timestamp)) refuseUnstamped();
    const { intake, table, code } = this;
    const key = intake.keyOf(record);
    const end = intake.endOf(record, timestamp);
    const found = this.sessionFor(key, timestamp, end);
    const slot = found ?? this.begin(key, timestamp, end);
    code.add(table, slot, record);
    if (found !== undefined || end - 1 > this.reached.watermark) return;
    this.context.out(code.partial(table, slot), end - 1);
    code.end(table, slot);
  }

  advance(watermark: number): boolean {
    if (watermark >= this.earliest - 1 && this.next < 0) this.next = 0;
    if (this.next >= 0 && !this.send()) return false;
    if (watermark !== Number.POSITIVE_INFINITY) this.reached.load(watermark);
    return true;
  }

  finish(): boolean {
    return this.advance(Number.POSITIVE_INFINITY);
  }

  private send(): boolean {
    const { table, context, code } = this;
    while (this.next < table.size) {
      if (context.gate.level !== 0) return false;
      const slot = this.next++;
      if (!table.isLive(slot)) continue;
      const partial = code.partial(table, slot);
      // A snapshot may come before the rest is sent.
      code.end(table, slot);
      context.out(partial, partial.e - 1);
    }
    if (!table.wanted) table.clear();
    this.next = -1;
    this.earliest = Number.POSITIVE_INFINITY;
    return true;
  }

  /** The session that what begins and ends there belongs to, all that it touches made one. */
  private sessionFor(key: unknown, start: number, end: number): number | undefined {
    const { table, code } = this;
    const found = gather(table, code, key, start, end);
    if (found < 0) return undefined;
    if (table.marks[found] !== table.epoch) table.touch(found);
    table.extend(found, start, end);
    if (start < this.earliest) this.earliest = start;
    return found;
  }

  private begin(key: unknown, start: number, end: number): number {
    if (start < this.earliest) this.earliest = start;
    return this.code.begin(this.table, key, start, end);
  }
}

/**
 * How far event time had come before a restore, wherever it had come furthest: a record is taken for late rather too
 * often, which only costs a partial of its own.
 */
class ReachedTime implements StatePart {
  readonly name = "reached";
  readonly scope = "union";
  readonly schema = { kind: "reached-time" };
  watermark = Number.NEGATIVE_INFINITY;

  freeze(_wanted: "full" | "delta", sink: EntrySink): FrozenPart {
    sink.entry(this.watermark, 0, 0);
    return { kind: "full", pack: () => true, release: () => undefined };
  }

  /** Watermarks behind a restore may begin before it. */
  load(watermark: number): void {
    if (watermark > this.watermark) this.watermark = watermark;
  }
}
