import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { csv } from "../../lib/formats/csv.js";

describe("CSV", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-csv-"));
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  it("of more records than its parser holds at once is read to its end", async () => {
    const path = join(folder, "many.csv");
    for (const count of [0, 1, 16, 17, 100, 30_000]) {
      const lines = Array.from({ length: count }, (_, i) => `${i},"row\n${i}"\n`);
      await writeFile(path, `i,text\n${lines.join("")}`);
      const { size } = await stat(path);
      const part = { path, size, begin: 0, end: size };
      const found: unknown[] = [];
      let bytes = 0;
      for await (const batch of csv().read(part, new AbortController().signal)) {
        found.push(...batch.records);
        bytes += batch.bytes;
      }
      expect(found.length).to.equal(count);
      expect(found).to.deep.equal(lines.map((_, i) => ({ i: String(i), text: `row\n${i}` })));
      expect(bytes).to.equal(size);
    }
  });
});
