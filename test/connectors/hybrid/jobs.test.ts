/** Jobs that read a chain of sources, and fail, stop and change their width around its switches. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Job, type Recovery, type RunOptions, run } from "millrace";
import { gather, until, untilCheckpoints } from "../../coordinator/visible-rows.js";
import type { HybridParams, LaneCount } from "../../jobs/hybrid.js";
import type { Paced } from "../../jobs/paced-source.js";

const JOB = new URL("../../jobs/hybrid.js", import.meta.url);
/** Three sources; the second has one lane only, so that a reader has nothing of it. */
const COUNTS = [[60, 50, 55], [45], [40, 60]];
const LANES = COUNTS.flat();

describe("a job with a hybrid source", function () {
  this.timeout(30_000);
  let folder: string;
  let crash: string;
  let recoveries: Recovery[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-hybrid-job-"));
    crash = join(folder, "crash");
    recoveries = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (params: Partial<HybridParams>, options: RunOptions = {}) =>
    run(JOB, {
      inline: true,
      parallelism: 2,
      checkpoint: { interval: 15 },
      restart: { strategy: "fixed-delay", attempts: 1, delay: 1 },
      onRecovery: (recovery) => recoveries.push(recovery),
      ...options,
      params: { counts: COUNTS, perTick: 3, crash, ...params },
    });

  const numbers = (length: number, first = 0) => Array.from({ length }, (_, i) => first + i);

  function expectRows(rows: readonly Paced[], lanes = LANES): void {
    for (const [lane, length] of lanes.entries()) {
      const ids = rows.filter((row) => row.lane === lane).map(({ id }) => id);
      expect(ids, `lane ${lane}`).to.deep.equal(numbers(length));
    }
    expect(rows).to.have.length(lanes.reduce((sum, length) => sum + length, 0));
  }

  function expectCounts(rows: readonly LaneCount[]): void {
    for (const [lane, length] of LANES.entries()) {
      const found = rows.filter((row) => row.lane === lane).map(({ n }) => n);
      expect(found, `lane ${lane}`).to.deep.equal(numbers(length, 1));
    }
  }

  async function rowsOf<T>(job: Job): Promise<T[]> {
    const out = gather<T>(job, "out");
    await job.completed;
    await out.end;
    return out.rows;
  }

  const widths: [number, RunOptions][] = [
    [1, {}],
    [2, { inline: false }],
    [4, {}],
  ];
  for (const [parallelism, options] of widths) {
    it(`gives every record once with ${parallelism} readers, with checkpoints and without`, async () => {
      for (const checkpoint of [{ interval: 15 }, undefined]) {
        const given = { parallelism, ...options, ...(checkpoint === undefined ? {} : { checkpoint }) };
        await using job = await run(JOB, {
          inline: true,
          ...given,
          params: { counts: COUNTS, perTick: 10 },
        });
        const rows = await rowsOf<Paced>(job);
        expectRows(rows);
        // With one reader the order is that of the sources.
        const order = rows.map(({ lane }) => [0, 0, 0, 1, 2, 2][lane]!);
        if (parallelism === 1) expect(order).to.deep.equal([...order].sort());
      }
    });
  }

  const places: Record<string, Paced> = {
    "in the first source": { lane: 1, id: 30 },
    "at the last record before a switch": { lane: 0, id: 59 },
    "at the first record behind a switch": { lane: 3, id: 0 },
    "at the last record before the second switch": { lane: 3, id: 44 },
    "at the first record behind the second switch": { lane: 4, id: 0 },
    "at the last record of all": { lane: 5, id: 59 },
  };
  for (const [name, at] of Object.entries(places)) {
    it(`goes on as if nothing had been when a part of it fails ${name}`, async () => {
      writeFileSync(crash, "");
      await using job = await start({ at });
      expectRows(await rowsOf<Paced>(job));
      expect(recoveries).to.have.length(1);
      expect(recoveries[0]!.subtasks).to.have.length(1);
    });

    it(`goes on as if nothing had been when all of it fails ${name}`, async () => {
      writeFileSync(crash, "");
      const threads = at.id === 0;
      await using job = await start({ at, counted: true }, { inline: !threads });
      expectCounts(await rowsOf<LaneCount>(job));
      expect(recoveries).to.have.length(1);
      expect(recoveries[0]!.subtasks).to.equal(undefined);
    });
  }

  it("goes on when a thread with a reader dies behind a switch", async () => {
    writeFileSync(crash, "");
    const at = { lane: 3, id: 20 };
    await using job = await start({ at, how: "exit" }, { inline: false });
    expectRows(await rowsOf<Paced>(job));
    expect(recoveries[0]!.error!.code).to.equal("SLOT_EXITED");
  });

  it("goes on when it fails before its first checkpoint, behind a switch", async () => {
    writeFileSync(crash, "");
    await using job = await start({ at: { lane: 4, id: 5 }, perTick: 20 }, { checkpoint: {} });
    expectRows(await rowsOf<Paced>(job));
    expect(recoveries[0]).to.include({ checkpoint: undefined });
  });

  const first = LANES[0]! + LANES[1]! + LANES[2]!;
  for (const [name, records] of Object.entries({
    "before a switch": 50,
    "right before a switch": first - 3,
    "at a switch": first,
    "right behind a switch": first + 3,
    "at the second switch": first + LANES[3]!,
    "behind the second switch": first + LANES[3]! + 30,
  })) {
    it(`goes on from a savepoint ${name} with other widths`, async () => {
      const parts: Paced[] = [];
      let from: string | undefined;
      for (const [i, parallelism] of [2, 4, 1].entries()) {
        const options = { parallelism, ...(from === undefined ? {} : { from }) };
        await using job = await start({}, { ...options, restart: { strategy: "none" } });
        const out = gather<Paced>(job, "out");
        if (i === 0) {
          await until(job, `${records} records`, () => job.progress().records >= records);
          from = await job.stop({ directory: join(folder, "savepoints") });
        } else if (i === 1) {
          await until(job, "a start", () => job.state === "running");
          from = await job.stop({ directory: join(folder, "savepoints") });
        }
        await job.completed;
        await out.end;
        parts.push(...out.rows);
      }
      expectRows(parts);
    });
  }

  it("changes its width while it runs, on either side of a switch", async () => {
    await using job = await start({ counted: true }, { parallelism: 1 });
    const out = gather<LaneCount>(job, "out");
    await until(job, "records of the first source", () => job.progress().records >= 40);
    await job.rescale(3);
    await until(job, "records of the second source", () => out.rows.some(({ lane }) => lane === 3));
    await job.rescale(2);
    await job.completed;
    await out.end;
    expectCounts(out.rows);
  });

  it("reads a last source that never ends until it is stopped, and goes on with it from there", async () => {
    const counts = [
      [30, 20],
      [null, null],
    ];
    const rows: Paced[] = [];
    let from: string | undefined;
    for (let part = 0; part < 2; part++) {
      await using job = await start({ counts }, from === undefined ? {} : { from, parallelism: 1 });
      const out = gather<Paced>(job, "out");
      await until(job, "live records", () => job.progress().records >= 150);
      await untilCheckpoints(job, 1);
      from = await job.stop({ directory: join(folder, "savepoints"), drain: part === 1 });
      await job.completed;
      await out.end;
      rows.push(...out.rows);
    }
    expectRows(
      rows,
      [0, 1, 2, 3].map((lane) => rows.filter((row) => row.lane === lane).length),
    );
    expect(rows.filter(({ lane }) => lane < 2)).to.have.length(50);
    expect(rows.length).to.be.greaterThan(250);
  });
});
