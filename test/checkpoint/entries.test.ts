import { expect } from "chai";
import fc from "fast-check";
import { EntryWriter, readEntries } from "../../lib/checkpoint/entries.js";
import { carriedJson } from "../codec/carried-json.js";

type Entry = readonly [value: unknown, stamp: number, keyGroup: number];

const json = carriedJson();
const value = fc.oneof(
  fc.record({ id: fc.integer(), name: fc.string({ maxLength: 12 }) }),
  fc.record({
    id: fc.double({ noNaN: true }).map((each) => each + 0),
    name: fc.constantFrom("red", "green", "blue"),
  }),
  fc.record({ list: fc.array(fc.integer(), { maxLength: 4 }), at: fc.date({ noInvalidDate: true }) }),
  fc.record({ big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), any: json }),
  fc.record({ text: fc.integer({ min: 0, max: 150_000 }).map((n) => "é".repeat(n % 3 === 0 ? n : n % 50)) }),
);
const entry: fc.Arbitrary<Entry> = fc.tuple(value, fc.integer(), fc.nat(0x7fff));

function read(chunks: readonly Uint8Array[]): Entry[] {
  const entries: Entry[] = [];
  readEntries(Buffer.concat(chunks), (each, stamp, keyGroup) => entries.push([each, stamp, keyGroup]));
  return entries;
}

describe("entries", function () {
  this.timeout(20_000);

  it("come back from every stream by itself, whatever the writer wrote before or gave up", () => {
    const stream = fc.record({ entries: fc.array(entry, { maxLength: 30 }), isGivenUp: fc.boolean() });
    fc.assert(
      fc.property(fc.array(stream, { minLength: 1, maxLength: 5 }), (streams) => {
        const writer = new EntryWriter("test");
        for (const { entries, isGivenUp } of streams) {
          for (const [each, stamp, keyGroup] of entries) writer.entry(each, stamp, keyGroup);
          expect(writer.entries).to.equal(entries.length);
          const chunks = writer.take();
          expect(writer.entries).to.equal(0);
          if (!isGivenUp) expect(read(chunks)).to.deep.equal(entries);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("of several writers do not mix", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), entry), { maxLength: 60 }), (given) => {
        const writers = [0, 1, 2].map((i) => new EntryWriter(`test ${i}`));
        for (const [i, [each, stamp, keyGroup]] of given) writers[i]!.entry(each, stamp, keyGroup);
        writers.forEach((writer, i) => {
          const wanted = given.flatMap(([to, each]) => (to === i ? [each] : []));
          expect(read(writer.take())).to.deep.equal(wanted);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("remember repeated texts within a stream only", () => {
    const writer = new EntryWriter("test");
    const entries: Entry[] = Array.from({ length: 3000 }, (_, i) => [{ colour: `c${i % 5}`, i }, i, i % 128]);
    for (let stream = 0; stream < 3; stream++) {
      for (const [each, stamp, keyGroup] of entries) writer.entry(each, stamp, keyGroup);
      expect(read(writer.take())).to.deep.equal(entries);
    }
  });

  it("refuse bytes that are none", () => {
    const writer = new EntryWriter("test");
    writer.entry({ id: 1 }, 0, 0);
    const bytes = Buffer.concat(writer.take());
    expect(() => read([bytes.subarray(0, bytes.length - 8)]))
      .to.throw()
      .with.property("code", "CHECKPOINT_TORN");
    bytes.writeInt32LE(77, 0);
    expect(() => read([bytes]))
      .to.throw()
      .with.property("code", "CHECKPOINT_TORN");
  });
});
