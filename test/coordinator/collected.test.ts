/** Rows given to the program that runs the job: each once, whatever fails and wherever the job is stopped. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Job, type RunOptions, run } from "millrace";
import type { CountingParams } from "../jobs/counting.js";

const JOB = new URL("../jobs/counting.js", import.meta.url);
const COUNT = 150_000;
/** Not through before it is stopped. */
const MANY = 8 * COUNT;

async function rowsOf(job: Job): Promise<number[]> {
  const rows: number[] = [];
  for await (const row of job.results<number>("out")) rows.push(row);
  await job.completed;
  return rows;
}

/** Each number once; says which are missing or come again. */
function expectAll(rows: readonly number[], count: number): void {
  const times = new Uint8Array(count);
  for (const row of rows) times[row]!++;
  const missing = times.reduce((sum, each) => sum + Number(each === 0), 0);
  const again = times.reduce((sum, each) => sum + Number(each > 1), 0);
  expect({ missing, again }).to.deep.equal({ missing: 0, again: 0 });
}

describe("collected rows", function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-collected-"));
    mkdirSync(join(folder, "failures"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const params = (more: Partial<CountingParams> = {}): Record<string, unknown> => ({
    count: COUNT,
    failures: 0,
    folder: join(folder, "failures"),
    ...more,
  });
  const places: Record<string, RunOptions> = {
    inline: { inline: true, parallelism: 2 },
    threads: { parallelism: 2 },
  };

  for (const [where, options] of Object.entries(places)) {
    for (const unaligned of [false, true]) {
      it(`come once over restarts (${where}, ${unaligned ? "unaligned" : "aligned"})`, async () => {
        await using job = await run(JOB, {
          ...options,
          params: params({ failures: 3 }),
          restart: { strategy: "fixed-delay", attempts: 100, delay: 1 },
          checkpoint: { interval: 10, unaligned },
        });
        expectAll(await rowsOf(job), COUNT);
        expect(job.restarts).to.be.greaterThan(0);
      });
    }

    it(`come once when a task fails behind sources that have ended (${where}, unaligned)`, async () => {
      const count = COUNT / 5;
      await using job = await run(JOB, {
        ...options,
        params: params({ count, failures: 2, late: true }),
        restart: { strategy: "fixed-delay", attempts: 100, delay: 1 },
        checkpoint: { interval: 10, unaligned: true },
      });
      expectAll(await rowsOf(job), count);
      expect(job.restarts).to.be.greaterThan(0);
    });

    for (const drain of [false, true]) {
      it(`come once when the job is stopped${drain ? " and drained" : " and goes on"} (${where})`, async () => {
        const checkpoint = { interval: 10, unaligned: true };
        const given = params({ count: MANY });
        await using first = await run(JOB, { ...options, params: given, checkpoint });
        const rows = rowsOf(first);
        while (first.progress().records < 1000) await new Promise((done) => setTimeout(done, 5));
        const path = await first.stop({ directory: join(folder, "savepoints"), drain });
        const before = await rows;
        expect(before.length).to.be.lessThan(MANY);
        if (drain) return;
        // Taken as often as before, checkpoints would be most of what the second run does.
        const seldom = { ...checkpoint, interval: 200 };
        await using second = await run(JOB, { ...options, params: given, checkpoint: seldom, from: path });
        expectAll([...before, ...(await rowsOf(second))], MANY);
      });
    }
  }
});
