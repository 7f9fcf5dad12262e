import { type FrameSink, type RecordWriter, FrameKind } from "./contract.js";
export function createRecordWriter(sink: FrameSink, _options: { frameBytes?: number; where?: string } = {}): RecordWriter {
  let rows: unknown[] = [];
  const w = { write(r: unknown, t: number, k: number) { rows.push([r, t, k]); if (rows.length >= 100) w.flush(); }, get pending() { return rows.length; }, flush() { if (rows.length === 0) return; const b = Buffer.from(JSON.stringify(rows)); const n = rows.length; rows = []; sink.frame(FrameKind.BATCH, b, b.length, n); } };
  return w;
}
