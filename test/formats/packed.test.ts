import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import fc from "fast-check";
import { unpackLz4 } from "../../lib/formats/lz4.js";
import { Xxh32 } from "../../lib/formats/xxh32.js";
import { unpackZstd } from "../../lib/formats/zstd.js";
import { fileSource, MillraceError, text } from "../../lib/index.js";
import { readAll } from "../source/restoring.js";

/** What all of `fixtures/packed` hold: made by the programs `zstd` and `lz4`, of one frame or of two. */
const NUMBERS = Array.from(
  { length: 25_000 },
  (_, i) => `${((i % 977) * 7919) % 10_007} ${"ab".repeat(i % 5)}\n`,
).join("");
const FILES = ["one-frame.txt.zst", "two-frames.txt.zst", "linked.txt.lz4", "two-frames.txt.lz4"];

type Unpack = (chunks: AsyncIterable<Buffer>, path: string) => AsyncGenerator<Buffer>;

async function unpacked(name: string, bytes: Buffer, chunkBytes = bytes.length): Promise<string> {
  const unpack: Unpack = name.endsWith(".zst") ? unpackZstd : unpackLz4;
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const found: Buffer[] = [];
  for await (const chunk of unpack(chunks(), name)) found.push(chunk);
  return Buffer.concat(found).toString();
}

async function errorOf(work: Promise<unknown>): Promise<MillraceError> {
  const error: unknown = await work.then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  expect(error).to.satisfy(MillraceError.is, String(error));
  return error as MillraceError;
}

describe("packed files", () => {
  const files = new Map<string, Buffer>();

  before(async () => {
    for (const name of FILES) files.set(name, await readFile(join("fixtures/packed", name)));
  });

  for (const name of FILES) {
    it(`${name} is unpacked, however its bytes come`, async () => {
      const bytes = files.get(name)!;
      expect(await unpacked(name, bytes)).to.equal(NUMBERS);
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), async (chunkBytes) => {
          expect((await unpacked(name, bytes, chunkBytes)) === NUMBERS).to.equal(true);
        }),
        { numRuns: 15 },
      );
    }).timeout(30_000);

    it(`${name} cut anywhere is refused`, async () => {
      const bytes = files.get(name)!;
      // Behind its first frame such a file is whole.
      const isWhole = (found: string) => found.length === 60_000 && NUMBERS.startsWith(found);
      let wholes = 0;
      const refused = async (size: number) => {
        const cut = bytes.subarray(0, size);
        const found = await unpacked(name, cut).catch((error: unknown) => error as MillraceError);
        if (typeof found === "string") {
          expect(isWhole(found), `${size} bytes`).to.equal(true);
          wholes++;
        } else expect(found.code, `${size} bytes: ${found.message}`).to.equal("FILE_TRUNCATED");
      };
      for (let size = 0; size < 60; size++) await refused(size);
      for (let size = 61; size < bytes.length - 20; size += 53) await refused(size);
      for (let size = bytes.length - 20; size < bytes.length; size++) await refused(size);
      expect(wholes).to.be.at.most(2);
    }).timeout(30_000);
  }

  it("damage of LZ4 is told, by its checksums and where blocks are impossible", async () => {
    const bytes = files.get("linked.txt.lz4")!;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const damaged = Buffer.from(bytes);
          damaged[at] = damaged[at]! ^ change;
          const { code } = await errorOf(unpacked("a.lz4", damaged));
          expect(code).to.be.oneOf(["FILE_FORMAT_INVALID", "FILE_TRUNCATED"]);
        },
      ),
      { numRuns: 300 },
    );
    // Without checksums of blocks: whatever stands there ends, and in a code.
    const bare = files.get("two-frames.txt.lz4")!;
    for (let at = 12; at < 400; at += 7) {
      const damaged = Buffer.from(bare);
      damaged.fill(0xff, at, at + 6);
      const found = await unpacked("a.lz4", damaged).catch((error: unknown) => error);
      expect(typeof found === "string" || MillraceError.is(found), String(found)).to.equal(true);
    }
  }).timeout(30_000);

  it("let their bytes go when nobody wants more of them", async () => {
    for (const [unpack, name] of [
      [unpackLz4, "linked.txt.lz4"],
      [unpackZstd, "one-frame.txt.zst"],
    ] as const) {
      let isOpen = false;
      const chunks = async function* () {
        isOpen = true;
        try {
          for (;;) yield files.get(name)!;
        } finally {
          isOpen = false;
        }
      };
      for await (const chunk of unpack(chunks(), name)) {
        expect([chunk.length > 0, isOpen]).to.deep.equal([true, true]);
        break;
      }
      expect(isOpen).to.equal(false);
    }
  });

  it("foreign bytes are refused by name", async () => {
    for (const name of ["a.zst", "a.lz4"]) {
      const { code, message } = await errorOf(
        unpacked(name, Buffer.from("plain text that was never packed")),
      );
      expect(code).to.equal("FILE_FORMAT_INVALID");
      expect(message).to.include(name);
    }
  });

  it("XXH32 is that of its authors", () => {
    const sum = (content: string, pieceBytes = 1000) => {
      const hash = new Xxh32();
      const bytes = Buffer.from(content);
      for (let at = 0; at < bytes.length; at += pieceBytes) hash.update(bytes.subarray(at, at + pieceBytes));
      return hash.digest();
    };
    expect(sum("")).to.equal(0x02cc5d05);
    expect(sum("a")).to.equal(0x550d7456);
    expect(sum("Nobody inspects the spammish repetition")).to.equal(0xe2293b2f);
    for (const pieceBytes of [1, 3, 16, 17, 31]) expect(sum(NUMBERS, pieceBytes)).to.equal(sum(NUMBERS, 1e6));
  });

  it("are read by their endings", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-packed-"));
    try {
      await writeFile(join(folder, "a.txt.gz"), gzipSync(NUMBERS));
      for (const name of FILES) await writeFile(join(folder, name), files.get(name)!);
      const found = await readAll(fileSource({ path: folder, format: text(), splitBytes: 1000 }));
      expect(found.size).to.equal(FILES.length + 1);
      const lines = NUMBERS.slice(0, -1).split("\n");
      for (const each of found.values()) expect(each).to.deep.equal(lines);
    } finally {
      await rm(folder, { recursive: true });
    }
  }).timeout(30_000);
});
