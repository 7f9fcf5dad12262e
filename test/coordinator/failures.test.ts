/** Slots and user functions that fail: with checkpoints a job goes on from the last one, and not for ever. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Job, type RunOptions, run } from "millrace";
import type { Crash } from "../jobs/crash-file.js";
import type { Paced } from "../jobs/paced-source.js";
import type { WrongParams } from "../jobs/wrong.js";
import { rejection } from "../storage/rejection.js";
import { gather, until, untilCheckpoints } from "./visible-rows.js";

const JOB = new URL("../jobs/wrong.js", import.meta.url);
const COUNT = 300;

describe("a job of which something fails", function () {
  this.timeout(30_000);
  let folder: string;
  let crash: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-failing-"));
    crash = join(folder, "crash");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (program: WrongParams["program"], options: RunOptions, params: Partial<WrongParams> = {}) =>
    run(JOB, {
      inline: true,
      parallelism: 1,
      checkpoint: { interval: 20, dir: join(folder, "state") },
      restart: { strategy: "fixed-delay", attempts: 3, delay: 1 },
      ...options,
      params: { program, count: COUNT, crash, ...params },
    });

  /** Checkpoints that lie in the folder. */
  const left = () =>
    readdirSync(join(folder, "state"), { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith("manifest"),
    );

  const expectEachOnce = async (job: Job, rows: ReturnType<typeof gather<Paced>>) => {
    await job.completed;
    await rows.end;
    expect(rows.rows.map(({ id }) => id)).to.deep.equal(Array.from({ length: COUNT }, (_, id) => id));
  };

  const ways: [Crash, string, RunOptions][] = [
    ["throw", "USER_FUNCTION_FAILED", {}],
    ["exit", "SLOT_EXITED", { inline: false }],
    ["heap", "SLOT_HEAP_EXHAUSTED", { inline: false, slotHeapMb: 48 }],
    ["hang", "SLOT_HUNG", { inline: false, hangTimeout: "1s" }],
  ];
  for (const [how, code, options] of ways) {
    it(`goes on from the last checkpoint when a slot fails (${how})`, async () => {
      await using job = await start("fine", options, { how });
      const rows = gather<Paced>(job, "out");
      await untilCheckpoints(job, 1);
      writeFileSync(crash, "");
      await until(job, "a restart", () => job.restarts === 1);
      await expectEachOnce(job, rows);
      expect(job.checkpoints()!.latest.restored!.id).to.be.greaterThan(0);
    });

    it(`has failed with ${code} where it takes no checkpoints (${how})`, async () => {
      writeFileSync(crash, "");
      const once = await run(JOB, {
        inline: true,
        parallelism: 1,
        ...options,
        params: { program: "fine", count: COUNT, crash, how },
      });
      expect((await rejection(once.completed)).code).to.equal(code);
      expect(once.state).to.equal("failed");
      expect(once.restarts).to.equal(0);
    });
  }

  it("keeps the last good checkpoint when its attempts are used up, and can be resumed from it", async () => {
    const checkpoint = { interval: 20, dir: join(folder, "state"), retention: "retain-on-failure" } as const;
    const first = await start("fine", { checkpoint, restart: { strategy: "none" } });
    const before = gather<Paced>(first, "out");
    await untilCheckpoints(first, 2);
    writeFileSync(crash, "");
    expect((await rejection(first.completed)).message).to.equal("a failure that was asked for");
    expect((await rejection(before.end)).code).to.equal("USER_FUNCTION_FAILED");
    expect(left()).to.have.length(1);
    await using second = await start("fine", { checkpoint, resume: true });
    const after = gather<Paced>(second, "out");
    await second.completed;
    await after.end;
    const ids = [...before.rows, ...after.rows].map(({ id }) => id);
    expect(ids).to.deep.equal(Array.from({ length: COUNT }, (_, id) => id));
  });

  it("ends when a function throws in open, after every attempt", async () => {
    await using job = await start("open", {});
    const error = await rejection(job.completed);
    expect(error.message).to.include("cannot open");
    expect(error.code).to.equal("USER_FUNCTION_FAILED");
    expect(job.restarts).to.equal(3);
  });

  it("ends when it cannot go on with another parallelism, and says so to who asked for it", async () => {
    await using job = await start("second", {});
    await untilCheckpoints(job, 1);
    const asked = rejection(job.rescale(2));
    const error = await rejection(job.completed);
    expect(error.message).to.equal("no second one");
    expect(await asked).to.equal(error);
    expect(job.restarts).to.equal(3);
  });

  it("loses nothing at least once", async () => {
    const checkpoint = { interval: 20, mode: "at-least-once" } as const;
    await using job = await start("fine", { checkpoint });
    const rows = gather<Paced>(job, "out");
    for (let round = 0; round < 2; round++) {
      await untilCheckpoints(job, 1);
      writeFileSync(crash, "");
      await until(job, "a restart", () => job.restarts === round + 1);
    }
    await job.completed;
    await rows.end;
    expect(new Set(rows.rows.map(({ id }) => id)).size).to.equal(COUNT);
  });

  it("ends when a timer throws, after every attempt", async () => {
    await using job = await start("timer", {});
    const error = await rejection(job.completed);
    expect(error.code).to.equal("USER_FUNCTION_FAILED");
    expect(error.place).to.include({ operator: "timing" });
    expect(error.message).to.equal("the timer does not like it");
    expect(job.restarts).to.equal(3);
  });

  it("ends with the position that is not JSON, and keeps the checkpoint before it", async () => {
    await using job = await start("position", {
      checkpoint: { interval: 10, dir: join(folder, "state"), retention: "retain-on-failure" },
    });
    const error = await rejection(job.completed);
    expect(error.code).to.equal("CHECKPOINTS_FAILED");
    expect(error.cause).to.have.property("code", "POSITION_INVALID");
    expect(left()).to.have.length(1);
  });

  for (const program of ["commit", "prepare", "snapshot"] as const) {
    it(`goes on when the sink can again (${program})`, async () => {
      await using job = await start(program, {
        restart: { strategy: "fixed-delay", attempts: 100, delay: 10 },
      });
      const rows = gather<Paced>(job, "out");
      await untilCheckpoints(job, 1);
      writeFileSync(crash, "");
      await until(job, "a restart", () => job.restarts > 0);
      rmSync(crash);
      await expectEachOnce(job, rows);
    });
  }

  it("ends with a code when the sink never can", async () => {
    writeFileSync(crash, "");
    await using commits = await start("commit", {});
    expect((await rejection(commits.completed)).code).to.equal("SINK_FAILED");
    // However many checkpoints may fail: what it was given would be lost.
    const checkpoint = { interval: 20, tolerableFailures: 1_000 };
    await using prepares = await start("prepare", { checkpoint });
    const error = await rejection(prepares.completed);
    expect(error.code).to.equal("SINK_FAILED");
    expect(error.message).to.equal("cannot do prepareCommit");
    await using snapshots = await start("snapshot", {});
    const failed = await rejection(snapshots.completed);
    expect(failed.code).to.equal("CHECKPOINTS_FAILED");
    expect((failed.cause as Error).message).to.include("cannot do snapshot");
  });

  it("endures as many failed checkpoints in a row as it is told, and counts anew behind a good one", async () => {
    await using job = await start("snapshot", {
      checkpoint: { interval: 10, dir: join(folder, "state"), tolerableFailures: 1_000 },
      restart: { strategy: "none" },
    });
    const rows = gather<Paced>(job, "out");
    await untilCheckpoints(job, 1);
    writeFileSync(crash, "");
    await until(job, "failed checkpoints", () => job.checkpoints()!.counts.failed >= 3);
    expect(job.checkpoints()!.latest.failed!.failureMessage).to.include("cannot do snapshot");
    rmSync(crash);
    await expectEachOnce(job, rows);
    expect(job.restarts).to.equal(0);
  });

  it("goes on beside checkpoints that time out, and nothing of these is left", async () => {
    await using job = await start(
      "fine",
      {
        inline: false,
        checkpoint: {
          interval: 10,
          timeout: 10,
          tolerableFailures: 1_000,
          dir: join(folder, "state"),
          retention: "retain",
        },
        restart: { strategy: "none" },
      },
      { work: 12 },
    );
    const rows = gather<Paced>(job, "out");
    await until(job, "checkpoints that time out", () => job.checkpoints()!.counts.failed >= 5);
    expect(job.restarts).to.equal(0);
    await job.cancel();
    await rows.end.catch(() => undefined);
    const numbers = readdirSync(join(folder, "state"), { recursive: true, encoding: "utf8" }).filter((name) =>
      /chk-\d+$/.test(name),
    );
    expect(numbers.length).to.be.at.most(1);
    expect(existsSync(join(folder, "state"))).to.equal(true);
  });
});
