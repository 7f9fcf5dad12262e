/** Joins in whole jobs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type RunOptions, run } from "../../lib/index.js";
import { gather, until } from "../coordinator/visible-rows.js";
import { PACED, PACED_KEYS, PACED_WINDOW_MS, PARTS, type Part, partOf } from "../jobs/joins.js";

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

    for (const program of ["burst", "windowBurst"]) {
      it(`what meets very many is suspended, not lost (${program})`, async () => {
        const rows = await rowsOf<number>(program, way);
        expect(rows.length).to.equal(360_000);
        expect(new Set(rows).size).to.equal(360_000);
      });
    }

    it("a join over windows meets what shares one", async () => {
      const starts = ({ at }: Part) => [Math.floor(at / 200) * 200, Math.floor(at / 200) * 200 - 200];
      const expected = all.flatMap((l) =>
        all
          .filter((r) => r.key === l.key)
          .flatMap((r) =>
            starts(l)
              .filter((start) => starts(r).includes(start))
              .map((start) => [l.key, start, l.id, r.id]),
          ),
      );
      expect(texts(await rowsOf("window", way))).to.deep.equal(texts(expected));
    });

    it("a stream is joined with itself, each record with itself as well", async () => {
      const some = all.slice(0, 300);
      const expected = some.flatMap((l) =>
        some
          .filter((r) => r.key === l.key && Math.floor(r.at / 500) === Math.floor(l.at / 500))
          .map((r) => [l.id, r.id]),
      );
      expect(texts(await rowsOf("itself", way))).to.deep.equal(texts(expected));
    });

    it("a co-group gives both sides of a session", async () => {
      // Records of a key are 130 ms apart, those of both streams at the same times.
      const expected = all.map(({ id, key, at }) => {
        return { key, start: at, left: [id], right: id % 3 === 0 ? [id] : [] };
      });
      expect(texts(await rowsOf("coGroup", way))).to.deep.equal(texts(expected));
    });
  });
}

describe("a join over windows that is gone on with", function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-joins-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Until `readTo` records were read, or to the end. */
  async function part(options: RunOptions, perTick: number, readTo?: number) {
    await using job = await run(JOB, {
      checkpoint: { interval: 50 },
      restart: { strategy: "none" },
      ...options,
      params: { program: "paced", perTick },
    });
    const { rows, end } = gather<unknown>(job, "out");
    let from = "";
    if (readTo !== undefined) {
      await until(job, `${readTo} records`, () => job.progress().records >= readTo);
      from = await job.stop({ directory: join(folder, "savepoints") });
    }
    await job.completed;
    await end;
    return { rows, from };
  }

  const paced = Array.from({ length: 2 * PACED }, (_, i) => ({ lane: i % 2, id: i >> 1 }));
  const place = ({ id }: { id: number }) => `${id % PACED_KEYS} ${Math.floor(id / PACED_WINDOW_MS)}`;
  const expected = paced.flatMap((l) =>
    paced.filter((r) => place(r) === place(l)).map((r) => [l.id % PACED_KEYS, l.lane, l.id, r.lane, r.id]),
  );

  for (const [name, options] of Object.entries<RunOptions>({
    "heap, inline": { inline: true },
    "lmdb, inline": { inline: true, stateBackend: "lmdb" },
    "heap, threads, unaligned": { checkpoint: { interval: 20, unaligned: true } },
  })) {
    it(`has every pair once, with 1, then 2, then 1 subtasks (${name})`, async () => {
      const first = await part({ ...options, parallelism: 1 }, 1, 500);
      const second = await part({ ...options, parallelism: 2, from: first.from }, 1, 300);
      const third = await part({ ...options, parallelism: 1, from: second.from }, 50);
      const rows = [first, second, third].flatMap((each) => each.rows);
      expect(texts(rows)).to.deep.equal(texts(expected));
      for (const each of [first, second, third]) expect(each.rows.length).to.be.greaterThan(0);
    });
  }
});
