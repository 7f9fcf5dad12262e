/** Stopping behind a savepoint and going on from it, at another parallelism and as another program. */
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Job, type RunOptions, run } from "millrace";
import { KINDS_KEYS, type KindsParams, keyOf, LANES, RULES, WINDOW_MS } from "../jobs/kinds-of-state.js";
import { rejection } from "../storage/rejection.js";
import { gather, until } from "./visible-rows.js";

const JOB = new URL("../jobs/kinds-of-state.js", import.meta.url);
const COUNT = 600;
const SINKS = ["windows", "running", "timed", "lists", "rules seen"] as const;
type Rows = Record<(typeof SINKS)[number], any[]>;

describe("a savepoint", function () {
  this.timeout(30_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-savepoints-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (options: RunOptions, params: Partial<KindsParams> = {}) =>
    run(JOB, {
      inline: true,
      parallelism: 2,
      checkpoint: { interval: 50 },
      restart: { strategy: "none" },
      ...options,
      params: { count: COUNT, perTick: 2, ...params },
    });

  /** Runs a job until `end` of it is read, or to its end; its rows. */
  async function part(job: Job, readTo?: number, drain = false): Promise<{ rows: Rows; from: string }> {
    const all = SINKS.map((sink) => [sink, gather<any>(job, sink)] as const);
    let from = "";
    if (readTo !== undefined) {
      await until(job, `${readTo} records`, () => job.progress().records >= readTo);
      from = await job.stop({ directory: join(folder, "savepoints"), drain });
    }
    await job.completed;
    for (const [, { end }] of all) await end;
    return { rows: Object.fromEntries(all.map(([sink, { rows }]) => [sink, rows])) as Rows, from };
  }

  const all = Array.from({ length: LANES * COUNT }, (_, i) => ({
    lane: i % LANES,
    id: Math.floor(i / LANES),
  }));
  const texts = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).sort();

  /** Each window of each key once, whichever run has closed it. */
  const expectedWindows = () => {
    const found = new Map<string, { key: number; end: number; n: number; sum: number }>();
    for (const row of all) {
      const [key, end] = [keyOf(row), row.id - (row.id % WINDOW_MS) + WINDOW_MS];
      const window = found.get(`${key} ${end}`) ?? { key, end, n: 0, sum: 0 };
      found.set(`${key} ${end}`, { ...window, n: window.n + 1, sum: window.sum + row.id });
    }
    return [...found.values()];
  };

  const expectWhole = (parts: readonly Rows[]) => {
    const rows = (sink: keyof Rows) => parts.flatMap((each) => each[sink]);
    const windows = expectedWindows();
    expect(
      texts(rows("windows").map(({ key, windowEnd: end, n, sum }) => ({ key, end, n, sum }))),
    ).to.deep.equal(texts(windows));
    expect(texts(rows("timed").map(({ key, end, n }) => ({ key, end, n })))).to.deep.equal(
      texts(windows.map(({ key, end, n }) => ({ key, end, n }))),
    );
    for (let key = 0; key < KINDS_KEYS; key++) {
      const count = all.filter((row) => keyOf(row) === key).length;
      const running = rows("running").filter((row) => row.key === key);
      expect(running.map(({ n }) => n)).to.deep.equal(Array.from({ length: count }, (_, i) => i + 1));
      const totals = rows("timed").filter((row) => row.key === key);
      expect(totals.at(-1).total).to.equal(count);
    }
    // What each subtask of the last run has at its end is all that was ever seen.
    const last = new Map(parts.at(-1)!.lists.map(({ subtask, seen }) => [subtask, seen]));
    expect([...last.values()].reduce((sum, seen) => sum + seen, 0)).to.equal(all.length);
    expect(rows("rules seen").length).to.equal(all.length);
  };

  for (const [name, options] of Object.entries<RunOptions>({
    "heap, inline": {},
    "lmdb, inline": { stateBackend: "lmdb" },
    "heap, threads": { inline: false },
  })) {
    it(`is gone on from with 1, then 3, then 2 subtasks (${name})`, async () => {
      const one = await part(await start({ ...options, parallelism: 1 }), 700);
      const three = await part(await start({ ...options, parallelism: 3, from: one.from }), 700);
      const two = await part(await start({ ...options, parallelism: 2, from: three.from }, { perTick: 20 }));
      expectWhole([one.rows, three.rows, two.rows]);
      // Of union state everybody is given all.
      expect(three.rows.lists[0].restored).to.equal(1);
      expect(two.rows.lists[0].restored).to.equal(3);
      expect(three.rows["rules seen"].every(({ rules }) => rules === RULES)).to.equal(true);
      // Nothing was closed before its time.
      expect(one.rows.windows.length).to.be.lessThan(expectedWindows().length / 2);
    });
  }

  it("may be moved", async () => {
    const first = await part(await start({}), 700);
    const moved = join(folder, "elsewhere");
    renameSync(first.from, moved);
    const second = await part(await start({ from: moved, parallelism: 3 }, { perTick: 20 }));
    expectWhole([first.rows, second.rows]);
  });

  it("of a job that goes on leaves that job alone", async () => {
    const job = await start({}, { perTick: 5 });
    const rows = part(job);
    // Rules are records, too, but not among those that are counted below.
    await until(job, "400 records", () => job.progress().records >= 420);
    const from = await job.savepoint(join(folder, "savepoints"));
    expectWhole([(await rows).rows]);
    const again = await part(await start({ from }, { perTick: 20 }));
    expect(again.rows["rules seen"].length).to.be.within(1, all.length - 400);
  });

  it("closes windows only when the job is drained", async () => {
    const stopped = await part(await start({}), 500);
    const drained = await part(await start({}), 500, true);
    const open = (rows: Rows) => rows.windows.filter(({ windowEnd }) => windowEnd > 500 / LANES + WINDOW_MS);
    expect(open(stopped.rows)).to.deep.equal([]);
    const read = drained.rows["rules seen"].length;
    expect(drained.rows.windows.reduce((sum, { n }) => sum + n, 0)).to.equal(read);
    expect(stopped.rows.windows.reduce((sum, { n }) => sum + n, 0)).to.be.lessThan(
      stopped.rows["rules seen"].length,
    );
  });

  describe("and a changed job", () => {
    let from: string;
    beforeEach(async () => {
      from = (await part(await start({}), 700)).from;
    });
    const errorOf = async (options: RunOptions, params: Partial<KindsParams>) => {
      // A restart cannot help: nobody waits for it.
      await using job = await start(
        { from, restart: { strategy: "fixed-delay", attempts: 1_000 }, ...options },
        params,
      );
      return await rejection(job.completed);
    };

    it("is refused when it gives an operator another uid, unless it may be left behind", async () => {
      const error = await errorOf({}, { change: "uid" });
      expect(error.code).to.equal("STATE_NOT_RESTORED");
      expect(error.message)
        .to.include('- "timers" (timers): state')
        .and.include('renamed to "timers-renamed"?');
      await using job = await start({ from, allowNonRestoredState: true }, { change: "uid", perTick: 20 });
      const { rows } = await part(job);
      expect(rows.timed.at(-1).total).to.be.lessThan(all.length / KINDS_KEYS);
    });

    it("is refused when its state has another type", async () => {
      const error = await errorOf({}, { change: "type" });
      expect(error.code).to.equal("STATE_INCOMPATIBLE");
      expect(error.message).to.include("- n: number").and.include("+ n: text");
    });

    it("keeps its key groups, whatever maxParallelism is by default", async () => {
      await using job = await start({ from, maxParallelism: 16, parallelism: 3 }, { perTick: 20 });
      await part(job);
    });

    it("may have operators more", async () => {
      await using job = await start({ from }, { change: "added", perTick: 20 });
      const more = gather<object>(job, "more");
      await part(job);
      await more.end;
      expect(more.rows.length).to.be.within(1, all.length - 700 + RULES);
    });
  });
});
