/** Compiles what sessions do per record and per session, over a SessionTable: one set of functions per operator. */
import { codeName } from "../base/code-name.js";
import { ownString } from "../codec/own-string.js";
import type { AccumulatorCode } from "./accumulators.js";
import type { Partial } from "./group-code.js";
import { TOUCH } from "./group-code.js";
import { END, EXTENT_CELLS, SessionTable, START } from "./session-table.js";

/** A session on its way to another thread; `w`: its start. */
export interface SessionPartial extends Partial {
  /** Its end. */
  readonly e: number;
}

export interface SessionCode {
  /** What the cells are, in order: compared when sessions are restored. */
  readonly layout: string;
  table(): SessionTable;
  /** A new session with nothing in it. */
  begin(table: SessionTable, key: unknown, start: number, end: number): number;
  /** Adds a record to a session, of which the extent is left as it is. */
  add(table: SessionTable, slot: number, record: unknown): void;
  addPartial(table: SessionTable, slot: number, partial: unknown): void;
  /** Makes one session of two of a key. */
  merge(table: SessionTable, slot: number, other: number): void;
  /** Removes a session. */
  end(table: SessionTable, slot: number): void;
  partial(table: SessionTable, slot: number): SessionPartial;
  /** Makes a partial that nobody has kept into that of a session. */
  fill(partial: Partial, table: SessionTable, slot: number): void;
  result(table: SessionTable, slot: number): any;
}

/** `code` leaves EXTENT_CELLS cells before its own. */
export function sessionCode(code: AccumulatorCode): SessionCode {
  const { numberCells: n, objectCells: m, layout } = code;
  const cells = "const f = table.numbers, o = table.objects;";
  const at = (slot: string, suffix = "") => `const b${suffix} = ${slot} * ${n}, q${suffix} = ${slot} * ${m};`;
  const touched = (slot: string) => `if (table.marks[${slot}] !== table.epoch) touch(table, ${slot});`;
  const forget = Array.from({ length: m }, (_, i) => `table.objects[slot * ${m} + ${i}] = undefined;`);
  const source = `
  ${TOUCH}
  function end(table, slot) {
    ${touched("slot")}
    table.remove(slot);
    ${forget.join(" ")}
  }
  return {
    end,
    begin(table, key, start, end) {
      if (typeof key === "string") key = ownString(key);
      const slot = table.insert(key);
      ${cells} ${at("slot")}
      f[b + ${START}] = start; f[b + ${END}] = end;
      ${code.reset}
      return slot;
    },
    add(table, slot, r) {
      ${touched("slot")}
      ${cells} ${at("slot")}
      ${code.add}
    },
    addPartial(table, slot, p) {
      ${touched("slot")}
      ${cells} ${at("slot")}
      ${code.addPartial}
    },
    merge(table, slot, other) {
      ${touched("slot")}
      ${cells} ${at("slot")} ${at("other", "2")}
      const f2 = f, o2 = o;
      ${code.merge}
      if (f2[b2 + ${START}] < f[b + ${START}]) f[b + ${START}] = f2[b2 + ${START}];
      if (f2[b2 + ${END}] > f[b + ${END}]) f[b + ${END}] = f2[b2 + ${END}];
      end(table, other);
    },
    partial(table, slot) {
      ${cells} ${at("slot")}
      return { k: table.keys[slot], w: f[b + ${START}], e: f[b + ${END}], ${code.partialFields} };
    },
    fill(p, table, slot) {
      ${cells} ${at("slot")}
      p.k = table.keys[slot]; p.w = f[b + ${START}]; p.e = f[b + ${END}]; ${code.fillPartial}
    },
    result(table, slot) {
      ${cells} ${at("slot")}
      return ${code.result};
    },
  };
  //# sourceURL=${codeName("session")}`;
  const bindings = new Map<string, unknown>([...code.bindings, ["ownString", ownString]]);
  const made = new Function(...bindings.keys(), source)(...bindings.values()) as Omit<
    SessionCode,
    "layout" | "table"
  >;
  return { ...made, layout, table: () => new SessionTable(n) };
}

/** The session of a key that what begins and ends there belongs to, all that it touches made one; -1: there is none. */
export function gather(
  table: SessionTable,
  code: SessionCode,
  key: unknown,
  start: number,
  end: number,
): number {
  let found = -1;
  for (let slot = table.first(key); slot >= 0; ) {
    const next = table.next(slot);
    if (table.touches(slot, start, end)) {
      if (found < 0) found = slot;
      else code.merge(table, found, slot);
    }
    slot = next;
  }
  return found;
}

/** Cells of sessions: their extents come first. */
export const SESSION_CELLS = { counted: true, before: EXTENT_CELLS } as const;
