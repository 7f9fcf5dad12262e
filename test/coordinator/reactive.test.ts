/** Running jobs that follow the cores of their control group. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { explain, type Job, type Rescaling, type RunOptions, run } from "millrace";
import type { PacedCount, PacedCountParams } from "../jobs/paced-count.js";
import { rejection } from "../storage/rejection.js";
import { gather, until } from "./visible-rows.js";

const COUNT = new URL("../jobs/paced-count.js", import.meta.url);
const ENDLESS: PacedCountParams = { lanes: ["endless", "endless", "endless"] };

describe("a reactive job", function () {
  this.timeout(30_000);
  let folder: string;
  let told: Rescaling[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-reactive-"));
    told = [];
    give(1);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const limit = (text: string) => writeFileSync(join(folder, "cpu.max"), text);
  const give = (cores: number) => limit(`${cores * 100_000} 100000\n`);
  const optionsOf = (options: RunOptions = {}): RunOptions => ({
    inline: true,
    params: { ...ENDLESS },
    checkpoint: { interval: 50, dir: join(folder, "state") },
    reactive: { stabilisation: 40, poll: 10 },
    resources: { controlGroup: folder },
    onRescale: (rescaling) => told.push(rescaling),
    ...options,
  });
  const start = (options: RunOptions = {}) => run(COUNT, optionsOf(options));
  const width = (job: Job) => new Set(job.metrics().map(({ subtask }) => subtask)).size;
  const comesTo = (job: Job, parallelism: number) =>
    until(
      job,
      `parallelism ${parallelism}`,
      () => told.at(-1)?.parallelism === parallelism && width(job) === parallelism,
    );
  const goesOn = async (job: Job, rows: readonly unknown[]) => {
    const before = rows.length;
    await until(job, "more rows", () => rows.length > before + 200);
  };

  for (const [name, options] of Object.entries<RunOptions>({
    inline: {},
    threads: { inline: false },
    "unaligned checkpoints": { checkpoint: { interval: 20, unaligned: true } },
    lmdb: { stateBackend: "lmdb" },
  })) {
    it(`takes cores that come, gives up those that go, and counts each record once (${name})`, async () => {
      await using job = await start(options);
      const { rows, end } = gather<PacedCount>(job, "out");
      await goesOn(job, rows);
      expect({ parallelism: job.parallelism, width: width(job) }).to.deep.equal({ parallelism: 1, width: 1 });
      give(2.5);
      await comesTo(job, 2);
      await goesOn(job, rows);
      give(4);
      await comesTo(job, 4);
      await goesOn(job, rows);
      give(0.5);
      await comesTo(job, 1);
      await goesOn(job, rows);
      await job.stop({ directory: join(folder, "savepoint"), drain: true });
      await end;
      expectEachOnce(rows, 3);
      expect(job.restarts).to.equal(0);
      expect(
        told.map(({ from, parallelism, cause, cores }) => [from, parallelism, cause, cores]),
      ).to.deep.equal([
        [1, 2, "resources", 2.5],
        [2, 4, "resources", 4],
        [4, 1, "resources", 0.5],
      ]);
      for (const { pauseMs, error } of told) {
        expect(pauseMs).to.be.greaterThan(0);
        expect(error).to.equal(undefined);
      }
      expect(job.lastRescale).to.equal(told[2]);
    });
  }

  it("begins with what there is, as far as its key groups and its options allow", async () => {
    give(8);
    const options = optionsOf();
    for (const [more, parallelism] of [
      [{}, 8],
      [{ maxParallelism: 3 }, 3],
      [{ reactive: { maxParallelism: 2 } }, 2],
      [{ params: { ...ENDLESS, fixed: 2 } }, 2],
    ] as const) {
      const { vertices } = await explain(COUNT, { ...options, ...more });
      expect(new Set(vertices.map((vertex) => vertex.parallelism))).to.deep.equal(new Set([parallelism]));
    }
    await using job = await start({ maxParallelism: 3 });
    expect(job.parallelism).to.equal(3);
  });

  it("goes on from a savepoint, whose key groups bound it", async () => {
    give(2);
    let path: string;
    {
      await using first = await start({ maxParallelism: 4 });
      await goesOn(first, gather(first, "out").rows);
      path = await first.stop({ directory: join(folder, "savepoint") });
    }
    give(8);
    await using second = await start({ from: path, checkpoint: {} });
    expect(second.parallelism).to.equal(4);
    give(3);
    await comesTo(second, 3);
  });

  it("keeps the parallelism that it is given until it is told to follow again", async () => {
    await using job = await start();
    await until(job, "a start", () => job.state === "running");
    expect((await job.rescale(3)).parallelism).to.equal(3);
    give(2);
    const before = job.checkpoints()!.counts.completed;
    await until(job, "checkpoints", () => job.checkpoints()!.counts.completed > before + 4);
    expect(job.parallelism).to.equal(3);
    const { parallelism, pauseMs } = await job.rescale("auto");
    expect(parallelism).to.equal(2);
    expect(pauseMs).to.be.greaterThan(0);
    give(4);
    await comesTo(job, 4);
    expect(told.map(({ cause }) => cause)).to.deep.equal(["request", "request", "resources"]);
  });

  it("is told of resources that nobody can see", async () => {
    await using job = await start({ reactive: { stabilisation: 0, poll: "1h" }, resources: { cpu: 1 } });
    await until(job, "a start", () => job.state === "running");
    job.resourcesChanged({ cpu: 3 });
    await comesTo(job, 3);
    job.resourcesChanged({ controlGroup: folder });
    await comesTo(job, 1);
    give(2);
    job.resourcesChanged();
    await comesTo(job, 2);
    expect(() => job.resourcesChanged({ cpu: -1 })).to.throw("resources.cpu");
    await using other = await start({ reactive: false, parallelism: 1 });
    expect(() => other.resourcesChanged()).to.throw("does not follow");
  });

  it("stays as it is while the limits cannot be understood", async () => {
    await using job = await start({ reactive: { stabilisation: 20, poll: 10 } });
    await until(job, "a start", () => job.state === "running");
    limit("");
    await until(job, "word of it", () => told.length === 1);
    const [{ error, from, parallelism }] = told as [Rescaling];
    expect({ code: error!.code, from, parallelism }).to.deep.equal({
      code: "RESOURCES_UNREADABLE",
      from: 1,
      parallelism: 1,
    });
    give(2);
    await comesTo(job, 2);
  });

  it("goes on as it was where its state does not fit what it would go on with", async () => {
    const changed = join(folder, "changed");
    await using job = await start({
      params: { ...ENDLESS, changed },
      reactive: { stabilisation: 0, poll: 10 },
    });
    const { rows, end } = gather<PacedCount>(job, "out");
    await goesOn(job, rows);
    writeFileSync(changed, "");
    give(2);
    await until(job, "a refusal", () => told.length === 1);
    expect(told[0]!.error!.code).to.equal("STATE_NOT_RESTORED");
    expect((await rejection(job.rescale(3))).code).to.equal("STATE_NOT_RESTORED");
    await goesOn(job, rows);
    expect({ state: job.state, restarts: job.restarts, parallelism: job.parallelism }).to.deep.equal({
      state: "running",
      restarts: 0,
      parallelism: 1,
    });
    rmSync(changed);
    await job.rescale(2);
    await goesOn(job, rows);
    await job.stop({ directory: join(folder, "savepoint"), drain: true });
    await end;
    expectEachOnce(rows, 3);
  });

  it("counts each record once whatever fails while it is rescaled, and who asked is answered", async () => {
    const crash = join(folder, "crash");
    await using job = await start({
      params: { ...ENDLESS, crash },
      reactive: { stabilisation: 0, poll: 10 },
      checkpoint: { interval: 15, dir: join(folder, "state") },
      restart: { strategy: "fixed-delay", attempts: 1_000, delay: 5 },
    });
    const { rows, end } = gather<PacedCount>(job, "out");
    const answers: unknown[] = [];
    for (let round = 0; round < 16; round++) {
      await until(job, "a start", () => job.state === "running");
      const asked = [1 + (round % 4), "auto" as const].map((wanted) => job.rescale(wanted));
      // Before, within and after the rescales.
      await sleep(round * 2);
      writeFileSync(crash, "");
      for (const answer of await Promise.allSettled(asked)) {
        answers.push(answer.status === "fulfilled" ? "done" : answer.reason.code);
      }
      await until(job, "a failure", () => !existsSync(crash));
    }
    await goesOn(job, rows);
    await job.stop({ directory: join(folder, "savepoint"), drain: true });
    await end;
    expectEachOnce(rows, 3);
    expect(job.restarts).to.be.within(1, 16);
    expect(new Set(answers)).to.include("done");
    expect(
      [...new Set(answers)].filter((answer) => answer !== "done" && answer !== "CHECKPOINT_FAILED"),
    ).to.deep.equal([]);
  });

  it("needs checkpoints, and no parallelism of its own", async () => {
    for (const [options, code] of [
      [{ checkpoint: undefined }, "CHECKPOINTS_OFF"],
      [{ parallelism: 2 }, "OPTION_INVALID"],
      [{ reactive: { poll: 0 } }, "OPTION_INVALID"],
      [{ reactive: { maxParallelism: 0 } }, "OPTION_INVALID"],
      [{ resources: { controlGroup: "" } }, "OPTION_INVALID"],
    ] as const) {
      const asked = { ...optionsOf(), ...options } as RunOptions;
      expect((await rejection(run(COUNT, asked))).code, JSON.stringify(options)).to.equal(code);
    }
  });
});

/** Each lane's records are there from the first to the last, and each key was counted one by one. */
function expectEachOnce(rows: readonly PacedCount[], lanes: number): void {
  const from = (first: number, count: number) => Array.from({ length: count }, (_, n) => first + n);
  const sorted = (numbers: number[]) => numbers.sort((a, b) => a - b);
  for (let lane = 0; lane < lanes; lane++) {
    const ids = sorted(rows.filter((row) => row.lane === lane).map(({ id }) => id));
    expect(ids).to.deep.equal(from(0, ids.length));
  }
  for (const key of new Set(rows.map((row) => row.key))) {
    const counts = sorted(rows.filter((row) => row.key === key).map(({ n }) => n));
    expect(counts).to.deep.equal(from(1, counts.length));
  }
}
