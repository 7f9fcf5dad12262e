import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect } from "chai";
import fc from "fast-check";
import { createDoorbell, Doorbell } from "../../lib/exchange/doorbell.js";
import { createRing, RingReader, RingWriter } from "../../lib/exchange/ring.js";
import { sumOf } from "./ring-sum.js";

const CAPACITY = 1024;

function ends(capacity = CAPACITY) {
  const memory = createRing(capacity);
  const bell = new Doorbell(createDoorbell());
  return { writer: new RingWriter(memory, bell), reader: new RingReader(memory, bell) };
}

type Step = { write: number } | { read: true } | { credit: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ write: fc.integer({ min: 0, max: 480 }) }) },
  { weight: 4, arbitrary: fc.constant<Step>({ read: true }) },
  { weight: 1, arbitrary: fc.record({ credit: fc.integer({ min: 1, max: CAPACITY }) }) },
);

describe("ring", () => {
  it("behaves as a queue of frames under any order of writing, reading and credit", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const { writer, reader } = ends();
        const queue: Buffer[] = [];
        let [number, credit] = [0, CAPACITY];
        for (const each of steps) {
          if ("credit" in each) {
            credit = each.credit;
            reader.setCredit(credit);
          } else if ("write" in each) {
            const frame = Buffer.alloc(each.write, number++);
            const used = writer.inFlightBytes;
            const taken = writer.tryWrite(1, number, frame, frame.length);
            if (taken) queue.push(frame);
            // An empty ring takes any frame; a frame never goes beyond the credit otherwise.
            if (used === 0) expect(taken).to.equal(true);
            else if (taken) expect(writer.inFlightBytes).to.be.at.most(credit);
          } else {
            expect(reader.peek()).to.equal(queue.length > 0);
            const expected = queue.shift();
            if (expected === undefined) continue;
            const { offset, length, memory } = reader;
            expect(offset % 8).to.equal(0);
            expect(memory.bytes.subarray(offset, offset + length)).to.deep.equal(expected);
            reader.release();
          }
        }
        while (reader.peek()) {
          expect(reader.length).to.equal(queue.shift()!.length);
          reader.release();
        }
        expect(queue).to.deep.equal([]);
        expect(writer.inFlightBytes).to.equal(0);
      }),
      { numRuns: 300 },
    );
  });

  it("always has room for the batch that has begun, whatever the credit was and is", () => {
    const capacity = 4096;
    const some: fc.Arbitrary<Step> = fc.oneof(
      { weight: 8, arbitrary: fc.record({ write: fc.integer({ min: 0, max: (3 * capacity) / 16 }) }) },
      { weight: 6, arbitrary: fc.constant<Step>({ read: true }) },
      { weight: 2, arbitrary: fc.record({ credit: fc.integer({ min: 0, max: capacity }) }) },
    );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 400 }), (steps) => {
        const { writer, reader } = ends(capacity);
        const frames: number[] = [];
        let [number, batch] = [0, Number.NaN];
        for (const each of steps) {
          if ("credit" in each) reader.setCredit(each.credit);
          else if ("write" in each) {
            const content = Buffer.alloc(each.write, ++number);
            if (Number.isNaN(batch) && writer.tryWrite(1, number, content, content.length))
              frames.push(number);
            else if (Number.isNaN(batch)) {
              expect(writer.tryWriteBeyond(1, number, content, content.length)).to.equal(true);
              frames.push(number);
              batch = number;
            } else if (writer.hasCredit) batch = Number.NaN;
          } else if (reader.peek()) {
            const { offset, length, memory } = reader;
            expect(reader.records).to.equal(frames.shift());
            expect(memory.bytes.subarray(offset, offset + length)).to.deep.equal(
              Buffer.alloc(length, reader.records),
            );
            reader.release();
            expect(reader.availableBytes).to.equal(writer.inFlightBytes);
          } else expect(frames).to.deep.equal([]);
        }
        expect(reader.availableBytes).to.equal(writer.inFlightBytes);
      }),
      { numRuns: 500 },
    );
  });

  it("sends nothing without any credit, and does not touch memory that a small one does not need", () => {
    const capacity = 512 * 1024;
    const { writer, reader } = ends(capacity);
    const frame = Buffer.alloc(500, 1);
    reader.setCredit(0);
    expect(writer.tryWrite(1, 1, frame, frame.length)).to.equal(false);
    expect(writer.hasCredit).to.equal(false);
    reader.setCredit(8192);
    for (let i = 0; i < 10_000; i++) {
      while (writer.tryWrite(1, 1, frame, frame.length));
      expect(writer.inFlightBytes).to.be.within(6000, 8192);
      expect(reader.peek()).to.equal(true);
      reader.release();
    }
    const touched = reader.memory.bytes.findLastIndex((byte) => byte !== 0);
    expect(touched).to.be.below(160 * 1024);
  });

  it("refuses a frame larger than half of it as a bug", () => {
    const { writer } = ends();
    expect(() => writer.tryWrite(1, 1, Buffer.alloc(600), 600)).to.throw("half the ring");
  });

  it("brings 300,000 frames to another thread, both sides sleeping and waking", async () => {
    const frames = 300_000;
    const memories = { ring: createRing(8192), readerBell: createDoorbell(), writerBell: createDoorbell() };
    const worker = new Worker(new URL("./ring-sum.js", import.meta.url), { workerData: memories });
    const answer = once(worker, "message");
    const writer = new RingWriter(memories.ring, new Doorbell(memories.readerBell));
    const bell = new Doorbell(memories.writerBell);
    const frame = Buffer.alloc(512);
    let expected = 0;
    for (let i = 0; i < frames; i++) {
      const length = (i * 37) % 500;
      frame.writeInt32LE(i, 0);
      while (!writer.tryWrite(1, i, frame, length)) {
        const rung = bell.sleep();
        if (rung !== undefined && writer.inFlightBytes > 0) await rung;
        bell.awake();
      }
      expected = sumOf(expected, i, length);
      // Now and then the reader falls asleep.
      if (i % 50_000 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    while (!writer.tryWrite(2, 0, frame, 0)) await new Promise(setImmediate);
    writer.ring();
    const [{ sum, count }] = (await answer) as [{ sum: number; count: number }];
    expect(count).to.equal(frames);
    expect(sum).to.equal(expected);
  }).timeout(60_000);
});
