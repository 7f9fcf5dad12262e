import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { readLines } from "../../lib/formats/lines.js";

describe("lines of a part of a file", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-lines-"));
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  it("come once each, wherever the file is cut", async () => {
    const line = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom("", "é", "日本語", "a b"));
    const clean = line.map((text) => text.replace(/[\r\n]/g, "."));
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(clean, { maxLength: 12 }),
        fc.boolean(),
        fc.constantFrom("\n", "\r\n"),
        fc.integer({ min: 1, max: 40 }),
        async (lines, endsWithNewline, newline, partBytes) => {
          const path = join(folder, `${n++}.txt`);
          const text = lines.join(newline) + (endsWithNewline && lines.length > 0 ? newline : "");
          await writeFile(path, text);
          const size = Buffer.byteLength(text);
          const found: string[] = [];
          for (let begin = 0; begin < size; begin += partBytes) {
            const part = { path, size, begin, end: Math.min(begin + partBytes, size) };
            for await (const batch of readLines(part, new AbortController().signal))
              found.push(...batch.lines);
          }
          // What follows the last line end is a line only if there is something.
          const expected = text === "" ? [] : text.split(newline);
          if (expected.at(-1) === "") expected.pop();
          expect(found).to.deep.equal(expected);
        },
      ),
      { numRuns: 300 },
    );
  });
});
