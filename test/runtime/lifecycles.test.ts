/** Functions that are opened and closed, and what they count, in whole jobs. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Job, MillraceError, type RunOptions, run, type Spread } from "../../lib/index.js";
import { KINDS, type LifecycleParams } from "../jobs/lifecycles.js";

const JOB = new URL("../jobs/lifecycles.js", import.meta.url);
const COUNT = 300;

const ways: readonly RunOptions[] = [
  { inline: true, parallelism: 1 },
  { inline: true, parallelism: 2 },
  { parallelism: 2 },
];

let folder: string;
let log: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-lifecycles-"));
  log = join(folder, "log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const start = (params: Omit<LifecycleParams, "log">, options: RunOptions) =>
  run(JOB, { ...options, params: { count: COUNT, ...params, log } });

/** What was said so far, in order. */
const said = (): string[] => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);

async function drained(job: Job): Promise<any[]> {
  const rows: any[] = [];
  for await (const row of job.results("out")) rows.push(row);
  return rows;
}

async function failureOf(params: Omit<LifecycleParams, "log">, options: RunOptions): Promise<MillraceError> {
  try {
    await using job = await start(params, options);
    await Promise.all([drained(job), job.completed]);
  } catch (error) {
    if (MillraceError.is(error)) return error;
    throw error;
  }
  return expect.fail(`the job did not fail: ${JSON.stringify(params)}`);
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > end) expect.fail(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const up = (a: number, b: number) => a - b;

for (const way of ways) {
  const subtasks = way.parallelism as number;
  const each = (what: string) =>
    Array.from({ length: subtasks }, (_, i) => `${what} own ${i}/${subtasks} 1 lifecycles false`);

  describe(`functions that are objects, with ${JSON.stringify(way)}`, () => {
    for (const program of KINDS) {
      it(`${program}: is opened and closed once for each subtask`, async () => {
        await using job = await start({ program }, way);
        const rows = await drained(job);
        await job.completed;
        const ids = rows.map(({ id }) => id).sort(up);
        expect(ids).to.deep.equal(Array.from({ length: COUNT }, (_, i) => i));
        expect(said().sort()).to.deep.equal([...each("close"), ...each("open")]);
        expect(
          said()
            .slice(0, subtasks)
            .every((line) => line.startsWith("open")),
        ).to.equal(true);
      });

      it(`${program}: is closed once when a function fails, and when it cannot be opened`, async () => {
        const failure = await failureOf({ program, fails: "record" }, way);
        expect(failure).to.include({ code: "USER_FUNCTION_FAILED", message: "no such row" });
        expect(failure.place.operator).to.equal("own");
        expect(said().sort()).to.deep.equal([...each("close"), ...each("open")]);
        rmSync(log);
        const unopened = await failureOf({ program, fails: "open" }, way);
        expect(unopened).to.include({ code: "USER_FUNCTION_FAILED", message: "cannot be opened" });
        expect(unopened.place.operator).to.equal("own");
        const opened = said().filter((line) => line.startsWith("open"));
        const closed = said().filter((line) => line.startsWith("close"));
        expect(opened.length).to.be.greaterThan(0);
        expect(closed.sort()).to.deep.equal(opened.map((line) => line.replace("open", "close")).sort());
      });
    }

    it("are closed once when the job is cancelled", async () => {
      const { count: _, ...endless } = { program: "map", count: undefined };
      await using job = await run(JOB, { ...way, params: { ...endless, log } });
      await until(() => said().length === subtasks, "all are open");
      await job.cancel();
      expect(said().sort()).to.deep.equal([...each("close"), ...each("open")]);
    });

    it("fail the job where they cannot be closed", async () => {
      for (const program of ["map", "keyed"]) {
        const failure = await failureOf({ program, fails: "close" }, way);
        expect(failure).to.include({ code: "USER_FUNCTION_FAILED", message: "cannot be closed" });
        expect(failure.place.operator).to.equal("own");
        const closed = said().filter((line) => line.startsWith("close"));
        expect(new Set(closed).size, "each once").to.equal(closed.length);
        rmSync(log);
      }
    });

    it("may be instances of classes, with fields of their own", async () => {
      await using job = await start({ program: "instances" }, way);
      const rows = await drained(job);
      const ids = Array.from({ length: COUNT }, (_, i) => i).filter((id) => id !== 7);
      expect(rows.sort(up)).to.deep.equal(ids);
    });

    it("add to accumulators, which are merged over subtasks", async () => {
      await using job = await start({ program: "counting" }, way);
      await drained(job);
      const { accumulators } = await job.completed;
      const ids = Array.from({ length: COUNT }, (_, i) => i);
      const { subtasks: opened, ...others } = accumulators;
      expect(others).to.deep.equal({
        ids: 2 * COUNT,
        large: BigInt(COUNT) * 2n ** 60n,
        halves: COUNT / 2,
        least: 0,
        most: COUNT - 1,
        mean: ids.reduce((sum, id) => sum + id, 0) / COUNT,
        digits: new Map(Array.from({ length: 10 }, (_, digit) => [digit, COUNT / 10])),
        words: "w0,w1,w2,w3,w4,w5,w6",
        unused: 0,
      });
      const expected = Array.from({ length: subtasks }, (_, i) => `counted ${i} 1`);
      expect((opened as string[]).slice().sort()).to.deep.equal(expected);
      expect(job.accumulators()).to.deep.equal(accumulators);
    });

    it("have metrics of their own among those of the job", async () => {
      await using job = await start({ program: "counting" }, way);
      await drained(job);
      await job.completed;
      const user = job
        .metrics()
        .flatMap(({ user, subtask }) => (user === undefined ? [] : [{ user, subtask }]));
      const sum = (name: string) => user.reduce((all, { user }) => all + ((user[name] as number) ?? 0), 0);
      expect([sum("counted.rows"), sum("again.rows")]).to.deep.equal([COUNT, 2 * COUNT]);
      const counted = user.filter(({ user }) => "counted.rows" in user);
      expect(counted.length).to.equal(subtasks);
      for (const { user, subtask } of counted) expect(user["counted.subtask"]).to.equal(subtask);
      const spreads = counted.map(({ user }) => user["counted.ids"] as Spread);
      expect(spreads.reduce((all, { count }) => all + count, 0)).to.equal(COUNT);
      expect(Math.max(...spreads.map(({ max }) => max))).to.equal(COUNT - 1);
      for (const { p50 } of spreads) expect(p50).to.be.within(COUNT / 2 - 30, COUNT / 2 + 30);
    });

    it("are not alone in that: connectors count, too", async () => {
      await using job = await start({ program: "connectors" }, way);
      await drained(job);
      await job.completed;
      const user = job.metrics().map(({ user = {} }) => user);
      const read = user.map((each) => (each["rows.read"] as number | undefined) ?? 0);
      const written = user.map((each) => (each["out.written"] as Spread | undefined)?.count ?? 0);
      const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0);
      expect([sum(read), sum(written)]).to.deep.equal([COUNT, COUNT]);
    });

    it("tell what they count while the job runs, and while they are closed", async () => {
      const { count: _, ...endless } = { program: "counting", count: undefined };
      await using job = await run(JOB, { ...way, params: { ...endless, log } });
      const reading = drained(job).catch(() => undefined);
      await until(() => (job.accumulators()["ids"] as number) > 0, "something was counted");
      await until(() => job.metrics().some(({ user }) => (user?.["counted.rows"] as number) > 0), "metrics");
      await job.cancel();
      await reading;
      await using closing = await start({ program: "closing" }, way);
      await drained(closing);
      expect((await closing.completed).accumulators).to.deep.equal({ closed: subtasks });
    });

    it("fail with codes where they count wrongly", async () => {
      const wrong: [program: string, code: string, operator: string | undefined][] = [
        ["sameName", "ACCUMULATOR_INVALID", undefined],
        ["undeclared", "ACCUMULATOR_INVALID", "adding"],
        ["half", "ACCUMULATOR_INVALID", "adding"],
        ["noBigint", "ACCUMULATOR_INVALID", "adding"],
        ["functions", "ACCUMULATOR_INVALID", undefined],
        ["unmerged", "USER_FUNCTION_FAILED", undefined],
        ["otherMetric", "METRIC_INVALID", "adding"],
        ["otherGauge", "METRIC_INVALID", "adding"],
        ["badGauge", "METRIC_INVALID", "adding"],
        ["noFunction", "OPTION_INVALID", undefined],
      ];
      for (const [program, code, operator] of wrong) {
        const failure = await failureOf({ program }, way);
        expect(failure.code, program).to.equal(code);
        expect(failure.place.operator, program).to.equal(operator);
      }
    });
  }).timeout(120_000);
}

describe("functions that are objects, after a restart", () => {
  it("are closed with the attempt that failed, and count from there on", async () => {
    const crash = join(folder, "crash");
    const checkpoint = { interval: "50ms" } as const;
    const params = { program: "counting", log, crash, count: 200_000 };
    await using job = await run(JOB, {
      parallelism: 2,
      params,
      checkpoint,
      restart: { strategy: "fixed-delay", delay: 0, attempts: 3 },
    });
    const reading = drained(job);
    await until(() => (job.checkpoints()?.counts.completed ?? 0) > 1, "two checkpoints");
    writeFileSync(crash, "");
    const rows = await reading;
    const { accumulators } = await job.completed;
    expect(job.restarts).to.equal(1);
    expect(new Set(rows.map(({ id }) => id)).size).to.equal(200_000);
    const attempts = (accumulators["subtasks"] as string[]).map((text) => text.split(" ")[2]);
    expect(new Set(attempts)).to.deep.equal(new Set(["2"]));
    // What the first attempt had read before the checkpoint is not among them.
    expect(accumulators["most"]).to.equal(199_999);
    expect(accumulators["halves"]).to.be.below(100_000);
  }).timeout(120_000);
});
