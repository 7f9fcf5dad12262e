import { expect } from "chai";
import { type Job, type RunOptions, run } from "../../lib/index.js";

const JOB = new URL("../jobs/streams.js", import.meta.url);
const N = 5000;

async function rowsOf<T>(
  program: string,
  options: RunOptions,
  sink = "out",
  params = {},
): Promise<[T[], Job]> {
  await using job = await run(JOB, { ...options, params: { program, ...params } });
  const rows: T[] = [];
  for await (const row of job.results<T>(sink)) rows.push(row);
  await job.completed;
  return [rows, job];
}

const ways: readonly RunOptions[] = [
  { inline: true, parallelism: 2 },
  { parallelism: 1 },
  { parallelism: 3 },
];

for (const way of ways) {
  describe(`streams with ${JSON.stringify(way)}`, () => {
    const parallelism = way.parallelism as number;
    const numbers = Array.from({ length: N }, (_, id) => id);
    const byValue = (a: number, b: number) => a - b;

    it("flatMap gives every record of every list", async () => {
      const [rows] = await rowsOf<string>("flatMap", way);
      const expected = Array.from({ length: 100 }, (_, id) =>
        Array.from({ length: id % 4 }, (_x, i) => `${id}/${i}`),
      );
      expect(rows.sort()).to.deep.equal(expected.flat().sort());
    });

    it("a flatMap larger than every buffer is suspended, not lost", async () => {
      const [rows] = await rowsOf<{ key: number; n: number; last: number }>("hugeFlatMap", way);
      const table = new Map(rows.map((row) => [row.key, row]));
      expect(table.size).to.equal(100);
      for (const [key, { n, last }] of table) expect([n, last]).to.deep.equal([6000, 199_900 + key]);
    });

    it("a flatMap behind a function that knows no gate loses nothing", async () => {
      const [rows] = await rowsOf<{ key: number; n: number }>("burstIntoFlatMap", way);
      const table = new Map(rows.map((row) => [row.key, row.n]));
      expect([...table.values()]).to.deep.equal(Array.from({ length: 10 }, () => 30_000));
    });

    it("process emits and fills side outputs", async () => {
      const [even] = await rowsOf<{ id: number }>("process", way);
      expect(even.map(({ id }) => id).sort(byValue)).to.deep.equal(
        numbers.filter((id) => id < 100 && id % 2 === 0),
      );
      const [odd] = await rowsOf<number>("process", way, "odd");
      expect(odd.map((id) => -id).sort(byValue)).to.deep.equal(
        numbers.filter((id) => id < 100 && id % 2 === 1),
      );
    });

    it("union joins streams before a key", async () => {
      const [rows] = await rowsOf<{ id: number }>("union", way);
      const last = rows
        .map(({ id }) => id)
        .sort((a, b) => b - a)
        .slice(0, 5);
      expect(last).to.deep.equal([1030, 1010, 990, 970, 950]);
    });

    for (const miniBatch of [false, true]) {
      it(`running aggregates end in the right table ${miniBatch ? "with" : "without"} mini-batch`, async () => {
        const [rows] = await rowsOf<{ key: string; n: number; sum: number }>("running", way, "out", {
          miniBatch,
        });
        const table = new Map(rows.map((row) => [row.key, row]));
        for (let key = 0; key < 13; key++) {
          const mine = numbers.filter((id) => id % 13 === key);
          const sum = mine.reduce((total, id) => total + id, 0);
          expect(table.get(`k${key}`)).to.deep.equal({ key: `k${key}`, n: mine.length, sum });
        }
        if (!miniBatch) expect(rows.length).to.equal(N);
      });
    }

    it("keys are equal by value and type", async () => {
      const [rows] = await rowsOf<string>("keys", way);
      const last = [...new Map(rows.map((row) => [row.slice(0, row.lastIndexOf(" ")), row])).values()];
      expect(last.sort()).to.deep.equal(
        [
          "bigint 10 4",
          "boolean true 4",
          "number 0 8",
          "number 1 4",
          "number 1.5 4",
          "number null 4",
          'object [1,"a"] 4',
          'object "1970-01-01T00:00:00.005Z" 4',
          "object null 4",
          'object {"a":1} 4',
          'string "1" 4',
          "undefined undefined 4",
        ].sort(),
      );
    });

    for (const spread of ["rebalance", "rescale", "shuffle", "forward", "global", "partitionCustom"]) {
      it(`${spread} brings every record once`, async () => {
        const [rows] = await rowsOf<number>(spread, way);
        expect(rows.sort(byValue)).to.deep.equal(numbers);
      });
    }

    it("broadcast brings every record to every subtask", async () => {
      const [rows] = await rowsOf<number>("broadcast", way);
      expect(rows.sort(byValue)).to.deep.equal(
        numbers.flatMap((id) => Array.from({ length: parallelism }, () => id)),
      );
    });

    it("late records are dropped and counted", async () => {
      const [rows, job] = await rowsOf<{ windowStart: number; n: number }>("late", way);
      const counts = new Map(rows.map(({ windowStart, n }) => [windowStart, n]));
      const dropped = job.metrics().reduce((sum, { lateRecordsDropped }) => sum + lateRecordsDropped, 0);
      const counted = [...counts.values()].reduce((sum, n) => sum + n, 0);
      expect(counted + dropped).to.equal(7);
    });

    it("disorder within the bound changes nothing, beyond it drops and counts", async () => {
      const [ordered] = await rowsOf<{ windowStart: number; n: number }>("nexmark", way, "out", {
        disorder: 1,
      });
      const [shuffled] = await rowsOf<{ windowStart: number; n: number }>("nexmark", way, "out", {
        disorder: 20_000,
      });
      const byStart = (a: { windowStart: number }, b: { windowStart: number }) =>
        a.windowStart - b.windowStart;
      expect(shuffled.sort(byStart)).to.deep.equal(ordered.sort(byStart));
      const [late, job] = await rowsOf<{ n: number }>("nexmark", way, "out", { disorder: 60_000 });
      const dropped = job.metrics().reduce((sum, { lateRecordsDropped }) => sum + lateRecordsDropped, 0);
      expect(late.reduce((sum, { n }) => sum + n, 0) + dropped).to.equal(55_200);
    });
  });
}
