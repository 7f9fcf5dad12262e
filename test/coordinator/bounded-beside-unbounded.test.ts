/** A bounded input beside an unbounded one, and failures before, while and after the bounded one ends. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Digest, type Job, RowDigest, type RunOptions, run } from "millrace";
import { type BesideParams, KEYS, type Row } from "../jobs/bounded-beside-unbounded.js";
import type { Crash } from "../jobs/crash-file.js";
import { gather, until, untilCheckpoints, visibleRows } from "./visible-rows.js";

const JOB = new URL("../jobs/bounded-beside-unbounded.js", import.meta.url);
const SLOW = new URL("../jobs/slow-end.js", import.meta.url);
const HISTORY = [300, 200];

/** Each of 0 to count - 1, once. `found` is sorted. */
function expectOnce(found: readonly number[], what: string, count: number): void {
  const distinct = new Set(found);
  const lost = Array.from({ length: count }, (_, id) => id).filter((id) => !distinct.has(id));
  const twice = found.filter((id, i) => found[i - 1] === id);
  const first = (ids: readonly number[]) => `${ids.length} (${ids.slice(0, 5).join(" ")})`;
  const told = `lost ${first(lost)}, twice ${first(twice)}, above ${first(found.filter((id) => id >= count))}`;
  expect(told, what).to.equal("lost 0 (), twice 0 (), above 0 ()");
}

describe("a bounded input beside an unbounded one", function () {
  this.timeout(30_000);
  let folder: string;
  let out: string;
  let crash: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-beside-"));
    out = join(folder, "out");
    crash = join(folder, "crash");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (options: RunOptions, params: Partial<BesideParams> = {}) =>
    run(JOB, {
      parallelism: 2,
      inline: true,
      checkpoint: { interval: 20, dir: join(folder, "state") },
      restart: { strategy: "fixed-delay", attempts: 100, delay: 1 },
      ...options,
      params: { history: HISTORY, out, crash, ...params },
    });

  const watch = (job: Job) => ({
    ids: gather<Row>(job, "ids"),
    known: gather<{ lane: number; id: number; known: number }>(job, "known"),
    digest: gather<Digest>(job, "digest"),
  });

  /** Fails the job now, and waits until it has gone on. */
  const fail = async (job: Job) => {
    const before = job.restarts;
    writeFileSync(crash, "");
    await until(job, "a restart", () => job.restarts > before && job.state === "running");
  };

  const subtasks = (job: Job) => job.checkpoints()?.latest.completed?.numSubtasks ?? 0;
  /** A subtask of the history has finished. */
  const partFinished = (job: Job, all: number) =>
    until(job, "a checkpoint of fewer tasks", () => subtasks(job) > 0 && subtasks(job) < all);
  const historyRows = () => visibleRows<Row>(out).filter(({ from }) => from === "history").length;
  /** All of it has. */
  const historyFinished = async (job: Job, all: number) => {
    const count = HISTORY.reduce((sum, n) => sum + n);
    await until(job, "all of the history", () => historyRows() === count);
    await untilCheckpoints(job, 2);
    await partFinished(job, all);
  };

  /** Every record of the history once, and every record of the feed once, up to where it was stopped. */
  const expectWhole = (rows: readonly Row[], history = HISTORY) => {
    const ids = (from: Row["from"], lane: number) =>
      rows
        .filter((row) => row.from === from && row.lane === lane)
        .map(({ id }) => id)
        .sort((a, b) => a - b);
    for (const [lane, count] of history.entries()) {
      expectOnce(ids("history", lane), `history ${lane}`, count);
    }
    for (const lane of [0, 1]) {
      const found = ids("feed", lane);
      expectOnce(found, `feed ${lane}`, (found.at(-1) ?? -1) + 1);
      expect(found.length).to.be.greaterThan(20);
    }
  };

  const expectAgreement = async (seen: ReturnType<typeof watch>, rows: readonly Row[]) => {
    await Promise.all([seen.ids.end, seen.known.end, seen.digest.end]);
    expectWhole(seen.ids.rows);
    const digest = new RowDigest();
    for (const row of rows) digest.add(row);
    expect(RowDigest.merge(seen.digest.rows)).to.deep.equal(digest.digest);
    const feed = rows.filter(({ from }) => from === "feed").map(({ lane, id }) => `${lane}/${id}`);
    expect(seen.known.rows.map(({ lane, id }) => `${lane}/${id}`).sort()).to.deep.equal(feed.sort());
    for (const { id, known } of seen.known.rows.filter((row) => row.id > 5_000)) {
      const all = HISTORY.reduce((sum, n) => sum + Math.ceil((n - (id % KEYS)) / KEYS), 0);
      expect(known).to.equal(all);
    }
  };

  const modes: Record<string, RunOptions["checkpoint"]> = { aligned: {}, unaligned: { unaligned: true } };
  const ways: [string, RunOptions, Crash][] = [
    ["inline, throws", { inline: true }, "throw"],
    ["threads, exits", { inline: false }, "exit"],
  ];
  for (const [mode, checkpoint] of Object.entries(modes)) {
    for (const [name, options, how] of ways) {
      it(`is whole when it fails before, while and after that ends (${mode}, ${name})`, async () => {
        await using job = await start(
          { ...options, checkpoint: { ...checkpoint, interval: 20, dir: join(folder, "state") } },
          { how },
        );
        const seen = watch(job);
        await untilCheckpoints(job, 1);
        const all = subtasks(job);
        await fail(job);
        await historyFinished(job, all);
        await untilCheckpoints(job, 2);
        await fail(job);
        await untilCheckpoints(job, 2);
        await partFinished(job, all);
        await job.stop({ directory: join(folder, "savepoints"), drain: true });
        expect(job.restarts).to.equal(2);
        const rows = visibleRows<Row>(out);
        expectWhole(rows);
        await expectAgreement(seen, rows);
      });
    }
  }

  it("shows each record at most once while it runs and fails, and never a part of a checkpoint twice", async () => {
    await using job = await start({}, { historyPerTick: 20 });
    const watched = watch(job);
    for (let round = 0; round < 6; round++) {
      await untilCheckpoints(job, 1);
      if (round % 2 === 1) await fail(job);
      const names = visibleRows<Row>(out).map(({ from, lane, id }) => `${from}/${lane}/${id}`);
      expect(new Set(names).size).to.equal(names.length);
    }
    await until(job, "all of the history", () => historyRows() === 500);
    await job.stop({ directory: join(folder, "savepoints"), drain: true });
    await watched.ids.end;
    expectWhole(visibleRows<Row>(out));
    expectWhole(watched.ids.rows);
  });

  it("takes the final checkpoint of a bounded job at once, whatever the interval", async () => {
    const begun = performance.now();
    await using job = await start(
      { checkpoint: { interval: "1h", dir: join(folder, "state") } },
      { feed: [50, 50], history: [50, 50] },
    );
    await job.completed;
    expect(performance.now() - begun).to.be.lessThan(4_000);
    expect(job.checkpoints()!.counts.completed).to.equal(1);
    expectWhole(visibleRows<Row>(out), [50, 50]);
  });

  it("takes it without an interval, and commits also when it fails first", async () => {
    writeFileSync(crash, "");
    await using job = await start({ checkpoint: {} }, { feed: [50, 50], history: [50, 50] });
    await job.completed;
    expect(job.restarts).to.equal(1);
    expectWhole(visibleRows<Row>(out), [50, 50]);
  });

  for (const [mode, checkpoint] of Object.entries<RunOptions["checkpoint"]>({
    ...modes,
    "at least once": { mode: "at-least-once" },
  })) {
    it(`keeps what a finished source has sent but nobody processed yet (${mode})`, async () => {
      await using job = await run(SLOW, {
        parallelism: 2,
        checkpoint: { ...checkpoint, interval: 20, dir: join(folder, "state") },
        restart: { strategy: "fixed-delay", attempts: 100, delay: 1 },
        params: { count: 2_000, work: 0.5, out, crash },
      });
      // The slow tasks are left.
      await until(job, "the end of the source", () => job.state === "finished" || subtasks(job) === 2);
      writeFileSync(crash, "");
      await job.completed;
      // A fast machine may have nothing left to do when the crash would come.
      expect(job.restarts).to.be.at.most(1);
      const ids = visibleRows<{ id: number }>(out).map(({ id }) => id);
      if (mode === "at least once") expect(new Set(ids).size).to.equal(2_000);
      else
        expectOnce(
          ids.sort((a, b) => a - b),
          "rows",
          2_000,
        );
    });
  }

  for (const [name, options] of Object.entries<RunOptions>({
    inline: { inline: true },
    threads: { inline: false },
  })) {
    it(`takes every savepoint and checkpoint while its tasks finish (${name})`, async () => {
      for (const history of [
        [5, 10],
        [10, 15, 20],
      ]) {
        await using job = await start(
          { ...options, checkpoint: { interval: 10, dir: join(folder, `state-${history.length}`) } },
          { history, historyPerTick: 1 },
        );
        await untilCheckpoints(job, 1);
        for (let taken = 0; taken < 15; taken++) await job.savepoint(join(folder, "savepoints"));
        await job.stop({ directory: join(folder, "savepoints"), drain: history.length === 2 });
        expect(job.restarts).to.equal(0);
        const failed = job.checkpoints()!.history.flatMap(({ failureMessage }) => failureMessage ?? []);
        expect(failed.filter((message) => message === "A task was about to end.")).to.deep.equal([]);
      }
    });
  }

  for (const parallelism of [1, 2, 3]) {
    it(`goes on from a savepoint behind the bounded end, at parallelism ${parallelism}`, async () => {
      const first = await start({});
      await untilCheckpoints(first, 1);
      const all = subtasks(first);
      await historyFinished(first, all);
      const from = await first.stop({ directory: join(folder, "savepoints") });
      const between = visibleRows<Row>(out).length;
      await using second = await start({ from, parallelism });
      const seen = gather<Row>(second, "ids");
      await untilCheckpoints(second, 3);
      await fail(second);
      await untilCheckpoints(second, 2);
      await second.stop({ directory: join(folder, "savepoints"), drain: true });
      await seen.end;
      const rows = visibleRows<Row>(out);
      expect(rows.length).to.be.greaterThan(between);
      expectWhole(rows);
      expect(seen.rows.filter(({ from: source }) => source === "history")).to.deep.equal([]);
    });

    it(`goes on from a savepoint behind a half of it, at parallelism ${parallelism}`, async () => {
      const history = [40, 700];
      const first = await start({}, { history });
      await untilCheckpoints(first, 1);
      const all = subtasks(first);
      await partFinished(first, all);
      const finished = first.checkpoints()!.latest.completed!.numSubtasks;
      expect(finished).to.be.lessThan(all);
      const from = await first.stop({ directory: join(folder, "savepoints") });
      expect(historyRows()).to.be.lessThan(740);
      await using second = await start({ from, parallelism }, { history, historyPerTick: 50 });
      await until(second, "the history", () => historyRows() === 740);
      await untilCheckpoints(second, 1);
      await second.stop({ directory: join(folder, "savepoints"), drain: true });
      expectWhole(visibleRows<Row>(out), history);
    });
  }
});
