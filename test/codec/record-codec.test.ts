import { expect } from "chai";
import fc from "fast-check";
import { type FrameKind, frameMemory } from "../../lib/codec/contract.js";
import { createRecordReader } from "../../lib/codec/record-reader.js";
import { createRecordWriter, type RecordWriterOptions } from "../../lib/codec/record-writer.js";

type Row = [record: unknown, timestamp: number, keyGroup: number];

/** Sends records through frames in shared memory, drained a few at a time. */
function roundTrip(records: readonly unknown[], options: RecordWriterOptions = {}) {
  const rows: Row[] = [];
  const frames: { kind: FrameKind; length: number; records: number }[] = [];
  const gate = { level: 0 };
  const reader = createRecordReader((record, timestamp, keyGroup) => {
    rows.push([record, timestamp, keyGroup]);
    if (rows.length % 3 === 0) gate.level = 1;
  }, gate);
  const writer = createRecordWriter(
    {
      frame(kind, bytes, length, count) {
        frames.push({ kind, length, records: count });
        // Frames lie anywhere in a ring: at an offset that is a multiple of 8.
        const memory = frameMemory(new SharedArrayBuffer(24 + ((length + 7) & ~7)));
        memory.bytes.set(bytes.subarray(0, length), 24);
        reader.open(kind, memory, 24, length);
        while (reader.remaining > 0) {
          gate.level = 0;
          reader.drain(5);
        }
      },
    },
    options,
  );
  records.forEach((record, i) => {
    writer.write(record, i / 2, i % 32_768);
  });
  writer.flush();
  return { rows, frames };
}

function expectSame(records: readonly unknown[], options?: RecordWriterOptions): void {
  const { rows } = roundTrip(records, options);
  expect(rows).to.deep.equal(records.map((record, i) => [record, i / 2, i % 32_768]));
  records.forEach((record, i) => {
    expect(orderOf(rows[i]![0])).to.deep.equal(orderOf(record));
  });
}

/** Key order of every object inside, which deep equality does not see. */
function orderOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : typeof value;
  if (Array.isArray(value)) return value.map(orderOf);
  return Object.entries(value).map(([name, field]) => [name, orderOf(field)]);
}

/** No -0: msgpackr, which carries the odd ones, makes it 0. */
const double = fc.double().map((each) => each + 0);
const scalar = fc.oneof(
  fc.integer(),
  double,
  fc.string({ unit: "binary" }),
  fc.string(),
  fc.boolean(),
  fc.bigInt(),
  fc.date(),
  fc.constantFrom(null, undefined, 0, Number.NaN, "", "é"),
);

const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom("a", "b", "c", "constructor", "toString", "1", "x y"), tie("any"), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
})).any;

/** Like the records of one stream: the same shape with now and then a field missing or of another type. */
const similar = fc.record(
  {
    id: fc.integer(),
    name: fc.oneof(fc.string(), fc.constant("\ud800")),
    price: double,
    when: fc.oneof(fc.date(), fc.constant(null)),
    tags: fc.array(fc.string(), { maxLength: 3 }),
    lines: fc.array(
      fc.record({ sku: fc.string(), count: fc.oneof(fc.integer(), double) }, { noNullPrototype: true }),
      {
        maxLength: 3,
      },
    ),
    nested: fc.oneof(
      fc.record(
        {
          deep: fc.record(
            { big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
            { noNullPrototype: true },
          ),
        },
        { noNullPrototype: true },
      ),
      fc.constant(undefined),
    ),
  },
  { requiredKeys: ["id", "name", "price"], noNullPrototype: true },
);

describe("record codec", () => {
  it("gives back any records in order, whatever their shapes", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), (records) => {
        expectSame(records);
      }),
      { numRuns: 300 },
    );
  });

  it("gives back records of one varying shape, in small frames", () => {
    fc.assert(
      fc.property(
        fc.array(similar, { maxLength: 60 }),
        fc.constantFrom(128, 1024, 32_768),
        (records, frameBytes) => {
          expectSame(records, { frameBytes });
        },
      ),
      { numRuns: 200 },
    );
  });

  it("takes declared types and still learns", () => {
    const type = { kind: "record", fields: [["id", { kind: "int" }]] } as const;
    expectSame([{ id: 1 }, { id: 1.5 }, { id: "x" }], { types: [type] });
    expect(roundTrip([{ id: 1 }], { types: [type] }).frames.length).to.equal(2);
  });

  it("carries what only msgpackr knows", () => {
    expectSame([new Map([["a", new Set([1])]]), { bytes: new Uint8Array([1, 2]) }, 2n ** 80n]);
  });

  it("cuts a record larger than a frame into fragments and counts it once", () => {
    const records = [
      { text: "x".repeat(400_000) },
      { text: "é".repeat(200_000) },
      { text: "short" },
      new Map([["m", "y".repeat(200_000)]]),
    ];
    expectSame(records);
    const { frames } = roundTrip(records);
    expect(Math.max(...frames.map(({ length }) => length))).to.be.below(128 * 1024);
    expect(frames.reduce((sum, frame) => sum + frame.records, 0)).to.equal(records.length);
  });

  it("sends few distinct texts by dictionary and drops it where they are many", () => {
    const few = Array.from({ length: 5000 }, (_, i) => ({ city: `a city called ${i % 7}` }));
    const many = few.map((_, i) => ({ city: `a city called ${i % 5000}` }));
    const bytes = (records: readonly unknown[]) =>
      roundTrip(records).frames.reduce((sum, { length }) => sum + length, 0);
    expectSame(few);
    expectSame(many);
    expect(bytes(few)).to.be.below(bytes(many) * 0.7);
  });

  it("does not learn for ever from objects used as maps", () => {
    const records = Array.from({ length: 2000 }, (_, i) => ({ [`k${i}`]: i }));
    expectSame(records);
    const schemas = roundTrip(records).frames.filter(({ kind }) => kind === 1);
    expect(schemas.length).to.be.below(80);
  });

  it("refuses what cannot cross threads, naming the path", () => {
    class Point {}
    for (const [record, path] of [
      [{ a: { b: () => 1 } }, "record.a.b"],
      [[1, Symbol("s")], "record[1]"],
      [{ a: new Point() }, "record.a"],
      [new Map([["k", new Point()]]), "record.get(k)"],
    ] as const) {
      expect(() => roundTrip([record]))
        .to.throw(path)
        .with.property("code", "RECORD_NOT_CARRIABLE");
    }
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect(() => roundTrip([circular])).to.throw("circular");
  });

  it("keeps no prototype pollution and no key lost", () => {
    const record = JSON.parse('{"__proto__": 1, "a": 2}') as unknown;
    const [row] = roundTrip([record]).rows;
    expect(Object.keys(row![0] as object)).to.deep.equal(["__proto__", "a"]);
  });
});
