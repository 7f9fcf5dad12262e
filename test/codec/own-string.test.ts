import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import fc from "fast-check";
import { frameMemory } from "../../lib/codec/contract.js";
import { ownString } from "../../lib/codec/own-string.js";
import { createRecordReader } from "../../lib/codec/record-reader.js";
import { createRecordWriter } from "../../lib/codec/record-writer.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const KEPT = 10_000;
const CHARS = 40;

/** Keeps the text of one record in twenty and answers the bytes of heap that costs, per text. */
function bytesPerKept(retained: boolean): number {
  const kept: string[] = [];
  let taken = 0;
  const reader = createRecordReader(
    (record) => {
      if (taken++ % 20 === 0) kept.push((record as { text: string }).text);
    },
    { level: 0 },
    retained,
  );
  const writer = createRecordWriter({
    frame(kind, bytes, length) {
      const memory = frameMemory(new SharedArrayBuffer((length + 7) & ~7));
      memory.bytes.set(bytes.subarray(0, length));
      reader.open(kind, memory, 0, length);
      while (reader.remaining > 0) reader.drain(1000);
    },
  });
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < KEPT * 20; i++) writer.write({ text: `${i}`.padStart(CHARS, "-") }, i, 0);
  writer.flush();
  collect();
  const after = process.memoryUsage().heapUsed;
  expect(kept.length).to.equal(KEPT);
  return (after - before) / KEPT;
}

describe("own strings", () => {
  it("are equal to what they were copied from", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 5000 }), (text) => {
        expect(ownString(text)).to.equal(text);
      }),
    );
  });

  it("let a text that is kept cost what it costs, not its batch", () => {
    const own = bytesPerKept(true);
    const slices = bytesPerKept(false);
    // Its own characters, or those of the record or two that were read with it.
    expect(own).to.be.below(CHARS * 6);
    expect(slices).to.be.above(own * 3);
  });
});
