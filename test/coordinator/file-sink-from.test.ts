/** A run that begins with a savepoint goes on in the folder where the run before it has written. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { run } from "millrace";
import { visibleRows } from "./visible-rows.js";

const JOB = new URL("../jobs/numbered-files.js", import.meta.url);

describe("a file sink of a run that begins with a savepoint", function () {
  this.timeout(30_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-from-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  for (const mode of ["fail", "append", "replace"]) {
    it(`adds to what is there (${mode})`, async () => {
      const out = join(folder, "out");
      const options = {
        inline: true,
        parallelism: 2,
        checkpoint: { interval: 20 },
        params: { out, mode },
      } as const;
      await using first = await run(JOB, options);
      while (first.progress().records < 2_000) await new Promise((resolve) => setTimeout(resolve, 2));
      const from = await first.stop({ directory: join(folder, "savepoints") });
      const before = visibleRows<{ n: number }>(out).length;
      expect(before).to.be.greaterThan(0);
      await using second = await run(JOB, { ...options, from });
      await second.completed;
      const rows = visibleRows<{ n: number }>(out).map(({ n }) => n);
      expect(rows.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 60_000 }, (_, n) => n));
    });
  }
});
