/** Joins in whole jobs. */
import { expect } from "chai";
import { type RunOptions, run } from "../../lib/index.js";
import { PARTS, type Part, partOf } from "../jobs/joins.js";

const JOB = new URL("../jobs/joins.js", import.meta.url);

async function rowsOf<T>(program: string, options: RunOptions): Promise<T[]> {
  await using job = await run(JOB, { ...options, params: { program } });
  const rows: T[] = [];
  for await (const row of job.results<T>("out")) rows.push(row);
  await job.completed;
  return rows;
}

const ways: readonly RunOptions[] = [
  { inline: true, parallelism: 1 },
  { inline: true, parallelism: 2 },
  { parallelism: 2 },
];
const all: readonly Part[] = Array.from({ length: PARTS }, (_, id) => partOf(id));
const texts = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();

for (const way of ways) {
  describe(`joins with ${JSON.stringify(way)}`, () => {
    it("an interval join meets what is near", async () => {
      const expected = all.flatMap((l) =>
        all
          .filter((r) => r.key === l.key && r.at >= l.at - 300 && r.at < l.at + 130)
          .map((r) => [l.id, r.id]),
      );
      expect(texts(await rowsOf("interval", way))).to.deep.equal(texts(expected));
    });

    it("a record that meets very many is suspended, not lost", async () => {
      const rows = await rowsOf<number>("burst", way);
      expect(rows.length).to.equal(360_000);
      expect(new Set(rows).size).to.equal(360_000);
    });
  });
}
