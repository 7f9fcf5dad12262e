import type { Gate } from "../base/gate.js";
import type { Accept, RecordReader } from "./contract.js";
export function createRecordReader(accept: Accept, gate: Gate): RecordReader {
  let rows: [unknown, number, number][] = []; let at = 0;
  return { open(_k, m, o, l) { rows = JSON.parse(m.bytes.toString("utf8", o, o + l)) as never; at = 0; }, drain(limit) { let n = 0; while (n < limit && at < rows.length && gate.level === 0) { const r = rows[at++]!; n++; accept(r[0], r[1] ?? NaN, r[2]); } return n; }, get remaining() { return rows.length - at; } };
}
