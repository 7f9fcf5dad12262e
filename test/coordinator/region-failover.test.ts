/** Failures that concern a part of a job: that part begins anew, the others do not notice. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Job, type Recovery, type RunOptions, run } from "millrace";
import type { Crash } from "../jobs/crash-file.js";
import type { LaneRow, LanesParams } from "../jobs/lanes.js";
import { rejection } from "../storage/rejection.js";
import { gather, until, untilCheckpoints, visibleRows } from "./visible-rows.js";

const JOB = new URL("../jobs/lanes.js", import.meta.url);
const COUNT = 300;

describe("a region that fails", function () {
  this.timeout(30_000);
  let folder: string;
  let crash: string;
  let recoveries: Recovery[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-region-"));
    crash = join(folder, "crash");
    recoveries = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (params: Partial<LanesParams> = {}, options: RunOptions = {}) =>
    run(JOB, {
      parallelism: 2,
      checkpoint: { interval: 20 },
      restart: { strategy: "fixed-delay", attempts: 1, delay: 1 },
      onRecovery: (recovery) => recoveries.push(recovery),
      ...options,
      params: { counts: [COUNT, COUNT], crash, out: join(folder, "out"), ...params },
    });

  const numbers = Array.from({ length: COUNT }, (_, id) => id);
  const lane = (rows: readonly LaneRow[], wanted: number) => rows.filter((row) => row.lane === wanted);
  const ids = (rows: readonly LaneRow[]) => rows.map(({ id }) => id);
  const threads = (rows: readonly LaneRow[]) => [...new Set(rows.map(({ thread }) => thread))];

  /** Each row once, in both sinks; answers them. */
  async function rowsOf(job: Job, out: ReturnType<typeof gather<LaneRow>>): Promise<LaneRow[]> {
    await job.completed;
    await out.end;
    const files = visibleRows<LaneRow>(join(folder, "out"));
    for (const each of [0, 1]) {
      expect(ids(lane(out.rows, each)), `collected rows of lane ${each}`).to.deep.equal(numbers);
      expect(
        ids(lane(files, each)).sort((a, b) => a - b),
        `lane ${each} in files`,
      ).to.deep.equal(numbers);
    }
    expect(readdirSync(join(folder, "out")).filter((name) => name.startsWith("."))).to.deep.equal([]);
    return out.rows;
  }

  const ways: [Crash, string, RunOptions][] = [
    ["throw", "USER_FUNCTION_FAILED", {}],
    ["exit", "SLOT_EXITED", {}],
    ["heap", "SLOT_HEAP_EXHAUSTED", { slotHeapMb: 48 }],
    ["hang", "SLOT_HUNG", { hangTimeout: "1s" }],
  ];
  for (const [how, code, options] of ways) {
    it(`begins anew from the last checkpoint; the other one goes on in its thread (${how})`, async () => {
      // Long enough for the other lane to run all the time that it takes to notice a slot that hangs.
      await using job = await start({ how }, options);
      const out = gather<LaneRow>(job, "out");
      await untilCheckpoints(job, 2);
      writeFileSync(crash, "");
      await until(job, "a restart", () => job.restarts === 1);
      const rows = await rowsOf(job, out);
      expect(threads(lane(rows, 0))).to.have.length(2);
      // Its module-level counter has counted on, so it has lost nothing and done nothing again.
      expect(threads(lane(rows, 1))).to.have.length(1);
      expect(lane(rows, 1).map((row) => row.seen)).to.deep.equal(numbers.map((n) => n + 1));
      expect(job.restarts).to.equal(1);
      expect(recoveries).to.have.length(1);
      expect(recoveries[0]!.error!.code).to.equal(code);
      expect(recoveries[0]!.subtasks!.map(({ subtask }) => subtask)).to.deep.equal(
        recoveries[0]!.subtasks!.map(() => 0),
      );
      const { restored } = job.checkpoints()!.latest;
      expect(restored!.id).to.equal(recoveries[0]!.checkpoint);
      expect(restored!.subtasks).to.have.length(recoveries[0]!.subtasks!.length);
    });
  }

  it("begins anew from its start where there is no checkpoint yet", async () => {
    await using job = await start({}, { checkpoint: {} });
    const out = gather<LaneRow>(job, "out");
    await until(job, "records", () => job.progress().records > 50);
    writeFileSync(crash, "");
    const rows = await rowsOf(job, out);
    expect(recoveries[0]).to.include({ checkpoint: undefined, path: undefined });
    expect(recoveries[0]!.subtasks).to.not.equal(undefined);
    expect(lane(rows, 1).map((row) => row.seen)).to.deep.equal(numbers.map((n) => n + 1));
    expect(threads(lane(rows, 0))).to.have.length(1);
  });

  it("begins anew when another one has finished for good, and leaves that alone", async () => {
    const short = 40;
    await using job = await start({ counts: [COUNT, short], out: undefined });
    const out = gather<LaneRow>(job, "out");
    await until(job, "the end of lane 1", () => lane(out.rows, 1).length === short);
    await untilCheckpoints(job, 2);
    writeFileSync(crash, "");
    await job.completed;
    await out.end;
    expect(recoveries.map(({ subtasks }) => subtasks?.map(({ subtask }) => subtask))).to.deep.equal([[0]]);
    expect(ids(lane(out.rows, 0))).to.deep.equal(numbers);
    expect(ids(lane(out.rows, 1))).to.deep.equal(numbers.slice(0, short));
  });

  it("costs one of the attempts, and the job when they are used up", async () => {
    await using job = await start({});
    const out = gather<LaneRow>(job, "out");
    out.end.catch(() => undefined);
    await untilCheckpoints(job, 1);
    writeFileSync(crash, "");
    await until(job, "a restart", () => job.restarts === 1 && job.state === "running");
    writeFileSync(crash, "");
    expect((await rejection(job.completed)).code).to.equal("USER_FUNCTION_FAILED");
    expect(job.restarts).to.equal(1);
    expect(recoveries).to.have.length(1);
  });

  it("lets savepoints wait until it runs again", async () => {
    await using job = await start({}, { restart: { strategy: "fixed-delay", attempts: 1, delay: 200 } });
    const out = gather<LaneRow>(job, "out");
    await untilCheckpoints(job, 1);
    writeFileSync(crash, "");
    await until(job, "a restart", () => job.state === "restarting");
    const before = job.progress().records;
    const path = await job.savepoint(join(folder, "savepoints"));
    expect(path).to.include(join(folder, "savepoints"));
    expect(recoveries).to.have.length(1);
    expect(job.progress().records).to.be.greaterThan(before / 2);
    await rowsOf(job, out);
  });

  for (const whole of ["source", "sink", "union", "exchange"] as const) {
    it(`takes the whole job with it where it has to (${whole})`, async () => {
      await using job = await start({ whole });
      const out = gather<LaneRow>(job, "out");
      await untilCheckpoints(job, 2);
      writeFileSync(crash, "");
      await job.completed;
      await out.end;
      expect(recoveries.map(({ subtasks }) => subtasks)).to.deep.equal([undefined]);
      expect(job.checkpoints()!.latest.restored!.subtasks).to.equal(undefined);
      for (const each of [0, 1]) {
        expect(ids(lane(out.rows, each)).sort((a, b) => a - b)).to.deep.equal(numbers);
      }
      expect(visibleRows(join(folder, "out"))).to.have.length(2 * COUNT);
      expect(job.restarts).to.equal(1);
    });
  }
});
