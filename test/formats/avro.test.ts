import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import avsc from "avsc";
import { expect } from "chai";
import fc from "fast-check";
import { type AvroOptions, avro, MillraceError } from "../../lib/index.js";
import { avroFile } from "./avro-file.js";

const ORDER = {
  type: "record",
  name: "Order",
  fields: [
    { name: "id", type: "long" },
    { name: "text", type: ["null", "string"] },
    { name: "ratio", type: "double" },
    { name: "paid", type: "boolean" },
    { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "seen", type: ["null", { type: "long", logicalType: "timestamp-micros" }] },
    { name: "day", type: { type: "int", logicalType: "date" } },
    { name: "raw", type: "bytes" },
    { name: "state", type: { type: "enum", name: "State", symbols: ["OPEN", "DONE"] } },
    {
      name: "items",
      type: {
        type: "array",
        items: { type: "record", name: "Item", fields: [{ name: "count", type: "int" }] },
      },
    },
    { name: "tags", type: { type: "map", values: "long" } },
  ],
} as const;

const long = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -200, max: 200 }),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
);
const date = fc.date({ noInvalidDate: true });
const order = fc.record(
  {
    id: long.map((value) => (Object.is(value, -0) ? 0 : value)),
    text: fc.option(fc.string({ unit: "grapheme" })),
    ratio: fc.double({ noNaN: true }),
    paid: fc.boolean(),
    at: date,
    seen: fc.option(date),
    day: fc.integer({ min: -20_000, max: 60_000 }).map((days) => new Date(days * 86_400_000)),
    raw: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    state: fc.constantFrom("OPEN", "DONE"),
    items: fc.array(fc.record({ count: fc.integer() }, { noNullPrototype: true }), { maxLength: 3 }),
    tags: fc
      .array(fc.tuple(fc.string({ maxLength: 5 }), fc.integer()), { maxLength: 3 })
      .map((pairs) => Object.fromEntries(pairs.filter(([key]) => key !== "__proto__"))),
  },
  { noNullPrototype: true },
);

describe("Avro", () => {
  let folder: string;
  let n = 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-avro-"));
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function read(
    bytes: Buffer,
    options: AvroOptions = {},
    partBytes = bytes.length,
  ): Promise<unknown[]> {
    const path = join(folder, `${n++}.avro`);
    await writeFile(path, bytes);
    const size = bytes.length;
    const found: unknown[] = [];
    let sum = 0;
    for (let begin = 0; begin < size || begin === 0; begin += Math.max(partBytes, 1)) {
      const part = { path, size, begin, end: Math.min(begin + partBytes, size) };
      for await (const { records, bytes } of avro<unknown>(options).read(
        part,
        new AbortController().signal,
      )) {
        found.push(...records);
        sum += bytes;
      }
    }
    expect(sum).to.be.at.most(size);
    await rm(path);
    return found;
  }

  async function errorOf(work: Promise<unknown>): Promise<MillraceError> {
    const error: unknown = await work.then(
      () => new Error("nothing was thrown"),
      (thrown: unknown) => thrown,
    );
    expect(error).to.satisfy(MillraceError.is, String(error));
    return error as MillraceError;
  }

  it("records come back as they were written, once each, wherever the file is cut into parts", async () => {
    const codec = fc.constantFrom("null" as const, "deflate" as const);
    await fc.assert(
      fc.asyncProperty(
        fc.array(order, { minLength: 1, maxLength: 12 }),
        codec,
        fc.constantFrom(1, 100, 65_536),
        fc.integer({ min: 40, max: 3000 }),
        async (records, codec, blockBytes, partBytes) => {
          const bytes = await avroFile(records, { schema: ORDER, codec, blockBytes });
          expect(await read(bytes, {}, partBytes)).to.deep.equal(records);
        },
      ),
      { numRuns: 150 },
    );
  }).timeout(60_000);

  it("of other writers is read, and others read what is written", async () => {
    const records = [
      { id: 1, at: new Date(5) },
      { id: -3, at: new Date(-7) },
    ];
    const schema = { ...ORDER, fields: ORDER.fields.filter(({ name }) => name === "id" || name === "at") };
    const millis = records.map(({ id, at }) => ({ id, at: at.getTime() }));
    for (const codec of ["null", "deflate"] as const) {
      const theirs: Buffer[] = [];
      const encoder = new avsc.streams.BlockEncoder(schema as unknown as avsc.Schema, { codec });
      for (const each of millis) encoder.write(each);
      encoder.end();
      for await (const chunk of encoder) theirs.push(chunk as Buffer);
      expect(await read(Buffer.concat(theirs))).to.deep.equal(records);

      const decoder = new avsc.streams.BlockDecoder();
      Readable.from([await avroFile(records, { schema, codec })]).pipe(decoder);
      const found: unknown[] = [];
      for await (const each of decoder) found.push({ ...(each as object) });
      expect(found).to.deep.equal(millis);
    }
  });

  it("packed by Snappy or Zstandard is read, and its damage told", async () => {
    const schema = { type: "record", name: "R", fields: [{ name: "text", type: "string" }] };
    const records = Array.from({ length: 2000 }, (_, i) => ({ text: `${"ab".repeat(50)} ${i}` }));
    const sizeOf = (bytes: Buffer) =>
      Buffer.from([(bytes.length & 127) | 128, ((bytes.length >> 7) & 127) | 128, bytes.length >> 14]);
    const codecs: Record<string, (bytes: Buffer) => Buffer> = {
      // Bytes by themselves, and copies of what stands two before.
      snappy(bytes) {
        const pieces = [sizeOf(bytes)];
        for (let at = 0; at < bytes.length; ) {
          let same = 0;
          while (
            at >= 2 &&
            same < 64 &&
            at + same < bytes.length &&
            bytes[at + same] === bytes[at + same - 2]
          )
            same++;
          if (same >= 4) pieces.push(Buffer.from([((same - 1) << 2) | 2, 2, 0]));
          else pieces.push(Buffer.from([0, bytes[at]!]));
          at += same >= 4 ? same : 1;
        }
        const sum = Buffer.alloc(4);
        sum.writeUInt32BE(crc32(bytes));
        return Buffer.concat([...pieces, sum]);
      },
      // One block that holds the bytes as they are.
      zstandard(bytes) {
        const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0, 0, 0, 0]);
        head.writeUInt32LE(bytes.length, 5);
        head.writeUIntLE(bytes.length * 8 + 1, 9, 3);
        return Buffer.concat([head, bytes]);
      },
    };
    for (const [codec, pack] of Object.entries(codecs)) {
      const pieces: Buffer[] = [];
      const options = {
        codec,
        codecs: {
          [codec]: (bytes: Buffer, done: (error: null, packed: Buffer) => void) => {
            done(null, pack(bytes));
          },
        },
      };
      const encoder = new avsc.streams.BlockEncoder(schema as unknown as avsc.Schema, options as never);
      for (const each of records) encoder.write(each);
      encoder.end();
      for await (const chunk of encoder) pieces.push(chunk as Buffer);
      const bytes = Buffer.concat(pieces);
      expect(await read(bytes, {}, 20_000)).to.deep.equal(records);
      const mark = bytes.subarray(-16);
      const begin = bytes.indexOf(mark) + 16;
      // Where a block's bytes begin; and where they end: with a checksum, if it is Snappy's.
      for (const at of [begin + 6, ...(codec === "snappy" ? [bytes.indexOf(mark, begin) - 2] : [])]) {
        const damaged = Buffer.from(bytes);
        damaged.fill(0xff, at, at + 2);
        const error = await errorOf(read(damaged));
        expect([error.code, codec]).to.deep.equal(["FILE_FORMAT_INVALID", codec]);
        expect(error.message).to.match(
          /of the block at byte \d+ is damaged|the block at byte \d+ is damaged/,
        );
      }
    }
  });

  it("a file cut anywhere is refused, and says where it ends", async () => {
    for (const codec of ["null", "deflate"] as const) {
      const records = Array.from({ length: 6 }, (_, id) => ({ id, name: `order ${id}` }));
      const fields = [
        { name: "id", type: "long" },
        { name: "name", type: "string" },
      ];
      const options = { schema: { type: "record", name: "Order", fields }, codec, blockBytes: 16 };
      const bytes = await avroFile(records, options);
      const mark = bytes.subarray(-16);
      let whole = 0;
      for (let size = 0; size < bytes.length; size++) {
        const cut = bytes.subarray(0, size);
        if (size > 16 && cut.subarray(-16).equals(mark)) {
          expect(await read(cut)).to.deep.equal(records.slice(0, whole++ * 2));
          continue;
        }
        for (const partBytes of [Math.max(size, 1), 50]) {
          const error = await errorOf(read(cut, {}, partBytes));
          expect(error.code).to.equal("FILE_TRUNCATED");
          expect(error.message).to.match(
            new RegExp(`avro ends at byte ${size}, within (its header|the block)`),
          );
        }
      }
      expect(whole).to.equal(3);
    }
  });

  it("damage is told with its place", async () => {
    const schema = { type: "record", name: "R", fields: [{ name: "text", type: "string" }] };
    const records = Array.from({ length: 3 }, () => ({ text: "a".repeat(100) }));
    const bytes = await avroFile(records, { schema, codec: "null" });
    const at = bytes.indexOf(bytes.subarray(-16)) + 16;
    const damaged = (change: (copy: Buffer) => void) => {
      const copy = Buffer.from(bytes);
      change(copy);
      return errorOf(read(copy));
    };
    const expected: readonly [change: (copy: Buffer) => void, message: string][] = [
      [
        (copy) => copy.writeUInt8(copy.at(-1)! ^ 1, copy.length - 1),
        `the block at byte ${at} is damaged: its mark`,
      ],
      // The length of the first record's text, then of the count.
      [(copy) => copy.writeUInt8(copy[at + 3]! ^ 0x40, at + 3), `of the block at byte ${at} is damaged`],
      [(copy) => copy.writeUInt8(4, at), `the block at byte ${at} has more bytes than its 2 records`],
      [(copy) => copy.writeUInt8(8, at), `record 4 of the block at byte ${at} is damaged`],
      [(copy) => copy.writeUInt8(7, at), `the block at byte ${at} is damaged: it cannot be of -4 records`],
      [(copy) => copy.fill(0xff, at, at + 10), `the block at byte ${at} is damaged: a number`],
      [(copy) => copy.write("strange", copy.indexOf('"string"') + 1), "its schema is none"],
      [(copy) => copy.write("nix!", copy.indexOf("null")), "its codec is nix!"],
      [(copy) => copy.write("avro.schemo", copy.indexOf("avro.schema")), "its header has no schema"],
    ];
    for (const [change, message] of expected) {
      const error = await damaged(change);
      expect(error.code).to.equal("FILE_FORMAT_INVALID", message);
      expect(error.message).to.include(message);
    }
    const packed = await avroFile(records, { schema });
    packed.fill(0xff, packed.length - 22, packed.length - 16);
    expect((await errorOf(read(packed))).message).to.match(/the block at byte \d+ is damaged/);
  });

  it("has plain objects, also of unions that do not tell their types apart", async () => {
    const record = (name: string) => ({ type: "record", name, fields: [{ name: "n", type: "int" }] });
    const schema = {
      type: "record",
      name: "Both",
      fields: [
        { name: "one", type: [record("A"), record("B")] },
        { name: "other", type: "A" },
      ],
    };
    const records = [{ one: { B: { n: 1 } }, other: { n: 2 } }];
    const [found] = (await read(await avroFile(records, { schema }))) as typeof records;
    expect(found).to.deep.equal(records[0]);
    for (const each of [found!, found!.one, found!.one.B, found!.other])
      expect(Object.getPrototypeOf(each)).to.equal(Object.prototype);
  });

  it("columns and a schema of the reader's choose what is read", async () => {
    const fields = [
      { name: "id", type: "long" },
      { name: "old", type: "string" },
      { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
    ];
    const schema = { type: "record", name: "R", fields };
    const at = new Date("9999-12-31T00:00:00Z");
    const bytes = await avroFile([{ id: 2n ** 60n, old: "x", at: at.getTime() }], { schema });
    expect(await read(bytes, { columns: ["at"] })).to.deep.equal([{ at }]);
    expect(await read(bytes, { columns: ["at", "id"] })).to.deep.equal([{ id: 2n ** 60n, at }]);
    const later = [fields[0], fields[2], { name: "fresh", type: "string", default: "none" }];
    expect(await read(bytes, { schema: { ...schema, fields: later } })).to.deep.equal([
      { id: 2n ** 60n, at, fresh: "none" },
    ]);
    const missing = await errorOf(read(bytes, { columns: ["id", "nix"] }));
    expect([missing.code, missing.hint]).to.deep.equal([
      "FILE_FORMAT_INVALID",
      "Its columns are id, old, at.",
    ]);
    const other = { ...schema, fields: [{ name: "id", type: "string" }] };
    expect((await errorOf(read(bytes, { schema: other }))).message).to.include("its schema does not match");
    expect((await errorOf(read(bytes, { schema: { type: "nix" } }))).code).to.equal("OPTION_INVALID");
  });

  it("a record that does not match is refused, and the file goes on without it", async () => {
    const schema = { type: "record", name: "R", fields: [{ name: "id", type: "long" }] };
    const format = avro<unknown>({ schema });
    await format.load?.();
    const encoder = format.createEncoder();
    expect(encoder.end?.()).to.equal("");
    const codes: unknown[] = [];
    const texts = [1, "two", 3.5, 2n ** 63n, 4].map((id) => {
      try {
        return encoder.encode({ id });
      } catch (error) {
        codes.push((error as MillraceError).code);
        return "";
      }
    });
    expect(codes).to.deep.equal(Array.from({ length: 3 }, () => "RECORD_INVALID"));
    const bytes = Buffer.from(texts.join("") + encoder.end?.(), "latin1");
    expect(await read(bytes)).to.deep.equal([{ id: 1 }, { id: 4 }]);
  });
});
