/** The reading thread of the ring's stress test: sums what comes until a frame of kind 2. */
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { Doorbell } from "../../lib/exchange/doorbell.js";
import { RingReader } from "../../lib/exchange/ring.js";

export function sumOf(sum: number, number: number, length: number): number {
  return (Math.imul(sum, 31) + number + length) | 0;
}

async function read(): Promise<void> {
  const { ring, readerBell, writerBell } = workerData as Record<
    "ring" | "readerBell" | "writerBell",
    SharedArrayBuffer
  >;
  const reader = new RingReader(ring, new Doorbell(writerBell));
  const bell = new Doorbell(readerBell);
  // A pending waitAsync alone does not keep a thread alive.
  const alive = setInterval(() => undefined, 1 << 30);
  let [sum, count] = [0, 0];
  for (;;) {
    if (!reader.peek()) {
      const rung = bell.sleep();
      if (rung !== undefined && reader.availableBytes === 0) await rung;
      bell.awake();
      continue;
    }
    const { kind, length, offset, records } = reader;
    if (kind === 2) break;
    // A frame shorter than four bytes has no room for its number.
    const number = length >= 4 ? reader.memory.bytes.readInt32LE(offset) : records;
    sum = sumOf(sum, number, length);
    count++;
    reader.release();
  }
  clearInterval(alive);
  parentPort!.postMessage({ sum, count });
}

if (!isMainThread) void read();
