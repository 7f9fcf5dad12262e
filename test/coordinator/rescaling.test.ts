/** Another parallelism: what is in flight goes where its key has gone. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { run } from "millrace";
import type { Counted } from "../jobs/slow-end.js";
import { until, visibleRows } from "./visible-rows.js";

const SLOW = new URL("../jobs/slow-end.js", import.meta.url);
const COUNT = 2_500;

describe("a job with another parallelism", function () {
  this.timeout(30_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-rescaling-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  for (const [first, second] of [
    [1, 2],
    [2, 1],
  ] as const) {
    it(`goes on with the records that barriers have overtaken (${first} to ${second})`, async () => {
      const out = join(folder, "out");
      await using job = await run(SLOW, {
        parallelism: first,
        maxParallelism: 16,

        checkpoint: { unaligned: true, interval: 50, dir: join(folder, "state") },
        restart: { strategy: "none" },
        params: { count: COUNT, work: 1, out, padding: 4_000 },
      });
      // Records wait in front of the keyed operator, and behind it.
      const persisted = (vertex: number) =>
        job.checkpoints()!.latest.completed?.tasks.find((task) => task.vertex === vertex)?.persistedData ?? 0;
      await until(job, "records in flight", () => persisted(1) > 0 && persisted(2) > 0);
      await job.rescale(second);
      await job.completed;
      const rows = visibleRows<Counted>(out).sort((a, b) => a.id - b.id);
      expect(rows.map(({ id }) => id)).to.deep.equal(Array.from({ length: COUNT }, (_, id) => id));
      const counts = rows.map(({ id, n }) => `${id % 50}/${n}`);
      expect(new Set(counts).size).to.equal(COUNT);
    });
  }
});
