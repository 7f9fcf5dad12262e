import { expect } from "chai";
import { type ObjectPart, ReadAhead } from "../../../../lib/connectors/file/s3/read-ahead.js";

const KIB = 1024;
/** Its bytes say where they are. */
const CONTENT = Uint8Array.from({ length: 300 * KIB }, (_, i) => (i >> 6) & 255);
const part = (id: string, size = CONTENT.length): ObjectPart => ({
  id,
  path: `s3://b/${id}`,
  size,
  etag: "1",
});

describe("reading ahead", () => {
  let asked: string[];

  function readAhead(rangeBytes = 10 * KIB): ReadAhead {
    asked = [];
    return new ReadAhead(async ({ id }, begin, end) => {
      asked.push(`${id} ${begin / KIB}-${end / KIB}`);
      return CONTENT.slice(begin, end);
    }, rangeBytes);
  }

  const gather = async (chunks: AsyncIterable<Buffer>) => {
    const all: Buffer[] = [];
    for await (const chunk of chunks) all.push(chunk);
    return Buffer.concat(all);
  };

  it("asks for several ranges at once, and for no more before some are taken", async () => {
    const ahead = readAhead();
    ahead.plan(part("a"), 0, CONTENT.length);
    expect(asked).to.have.length(8);
    expect(asked.slice(0, 2)).to.deep.equal(["a 0-10", "a 10-20"]);
    const chunks = ahead.contentOf(part("a")).stream(0, CONTENT.length)[Symbol.asyncIterator]();
    await chunks.next();
    expect(asked).to.have.length(9);
    await chunks.return?.(undefined);
  });

  it("gives all bytes in order, whatever was planned", async () => {
    for (const planned of [undefined, 0, 5 * KIB]) {
      const ahead = readAhead();
      if (planned !== undefined) ahead.plan(part("a"), planned, CONTENT.length);
      const bytes = await gather(ahead.contentOf(part("a")).stream(5 * KIB, CONTENT.length));
      expect(Buffer.compare(bytes, CONTENT.subarray(5 * KIB))).to.equal(0);
    }
  });

  it("goes on with the next part before it is asked for, and lets go of what a part left", async () => {
    const ahead = readAhead();
    for (const id of ["a", "b", "c"]) ahead.plan(part(id, 40 * KIB), 0, 40 * KIB);
    expect(asked).to.deep.equal(
      [0, 10, 20, 30]
        .flatMap((at) => [`a ${at}-${at + 10}`])
        .concat([0, 10, 20, 30].map((at) => `b ${at}-${at + 10}`)),
    );
    // The first is not read to what was planned: its ranges make room.
    const chunks = ahead
      .contentOf(part("a", 40 * KIB))
      .stream(0, 40 * KIB)
      [Symbol.asyncIterator]();
    await chunks.next();
    await chunks.return?.(undefined);
    expect(asked.slice(8)).to.deep.equal([0, 10, 20, 30].map((at) => `c ${at}-${at + 10}`));
    asked.length = 0;
    await gather(ahead.contentOf(part("b", 40 * KIB)).stream(0, 40 * KIB));
    expect(asked).to.deep.equal([]);
  });

  it("fetches little of what is hardly needed", async () => {
    const ahead = readAhead(100 * KIB);
    ahead.plan(part("a"), 0, 100 * KIB);
    const chunks = ahead
      .contentOf(part("a"))
      .stream(0, 100 * KIB)
      [Symbol.asyncIterator]();
    await chunks.next();
    await chunks.next();
    expect(asked).to.deep.equal(["a 0-100", "a 100-164"]);
    await chunks.return?.(undefined);
  });

  it("keeps an object's end for its next part", async () => {
    const ahead = readAhead();
    const end = CONTENT.length;
    for (const id of ["a:0", "a:1"]) {
      const { slice } = ahead.contentOf({ ...part(id), path: "s3://b/a" });
      expect(Buffer.compare(await slice(end - 4, end), CONTENT.subarray(end - 4))).to.equal(0);
      expect(
        Buffer.compare(await slice(end - 100, end - 50), CONTENT.subarray(end - 100, end - 50)),
      ).to.equal(0);
    }
    expect(asked).to.deep.equal(["a:0 0-300"]);
  });

  it("tells a failure to whoever takes the range, and to nobody else", async () => {
    const ahead = new ReadAhead(async () => {
      throw new Error("no such bytes");
    });
    ahead.plan(part("a"), 0, CONTENT.length);
    await new Promise((resolve) => setImmediate(resolve));
    const failure = await gather(ahead.contentOf(part("a")).stream(0, 1)).catch(
      (error: Error) => error.message,
    );
    expect(failure).to.equal("no such bytes");
  });
});
