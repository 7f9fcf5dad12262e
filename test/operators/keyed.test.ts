import { expect } from "chai";
import { MillraceError, type RunOptions, run } from "../../lib/index.js";

const JOB = new URL("../jobs/keyed.js", import.meta.url);
const N = 3000;
const KEYS = 17;

async function rowsOf<T>(program: string, options: RunOptions, ...sinks: string[]): Promise<T[][]> {
  await using job = await run(JOB, { ...options, params: { program } });
  const all = await Promise.all(
    sinks.map(async (sink) => {
      const rows: T[] = [];
      for await (const row of job.results<T>(sink)) rows.push(row);
      return rows;
    }),
  );
  await job.completed;
  return all;
}

async function failureOf(program: string, options: RunOptions): Promise<MillraceError> {
  try {
    await rowsOf(program, options, "out");
  } catch (error) {
    if (MillraceError.is(error)) return error;
    throw error;
  }
  return expect.fail("the job did not fail");
}

const ways: readonly RunOptions[] = [
  { inline: true, parallelism: 1 },
  { inline: true, parallelism: 4 },
  { parallelism: 1 },
  { parallelism: 2 },
];
const ids = Array.from({ length: N }, (_, id) => id);
const up = (a: number, b: number) => a - b;

for (const way of ways) {
  describe(`keyed process with ${JSON.stringify(way)}`, () => {
    it("keeps every kind of state per key, and timers see it", async () => {
      const [rows] = await rowsOf<{ key: string }>("state", way, "out");
      const expected = Array.from({ length: KEYS }, (_, k) => {
        const mine = ids.filter((id) => id % KEYS === k);
        return {
          key: `k${k}`,
          at: [N * 10, N * 10, true],
          last: mine.at(-1),
          tail: mine.slice(-2),
          even: mine.filter((id) => id % 2 === 0).length,
          highest: mine.at(-1),
          mean: mine.reduce((sum, id) => sum + id, 0) / mine.length,
        };
      });
      const byKey = (a: { key: string }, b: { key: string }) => a.key.localeCompare(b.key);
      // Records of a key come from several subtasks: the last one is the order of arrival's.
      const known = rows!.map((row) => ({ ...row, last: undefined })).sort(byKey);
      expect(known).to.deep.equal(expected.map((row) => ({ ...row, last: undefined })).sort(byKey));
      if (way.parallelism === 1) expect(rows!.sort(byKey)).to.deep.equal(expected.sort(byKey));
    });

    it("fires timers in order of time, once each, also those registered by timers", async () => {
      const [rows, side] = await rowsOf<any>("timers", way, "out", "small");
      for (let group = 0; group < 5; group++) {
        const times = rows!.filter((row) => row.group === group).map(({ time }) => time);
        expect(times).to.deep.equal(Array.from({ length: 50 }, (_, i) => (i + 1) * 1000));
      }
      expect(side!.map(({ id }) => id).sort(up)).to.deep.equal([0, 1000, 2000]);
    });

    it("timers that are due at once are suspended, not lost", async () => {
      const [rows] = await rowsOf<{ n: number; count: number }>("manyTimers", way, "out");
      expect(rows!.sort((a, b) => a.n - b.n)).to.deep.equal(
        Array.from({ length: 40 }, (_, n) => ({ n, count: N })),
      );
    });

    it("fires processing-time timers by the clock, and drops those left at the end", async () => {
      const [rows] = await rowsOf<string>("processingTime", way, "out");
      expect(rows!.sort()).to.deep.equal(
        ["element 1", "element 2", "element 3", "timer 0 true", "timer 1 true"].sort(),
      );
    });

    it("two keyed streams share state and timers", async () => {
      const [rows] = await rowsOf<string>("connected", way, "out");
      const paid = rows!.filter((row) => row.endsWith("paid")).map((row) => Number.parseInt(row, 10));
      const open = rows!.filter((row) => row.endsWith("open")).map((row) => Number.parseInt(row, 10));
      expect(paid.sort(up)).to.deep.equal(ids.filter((id) => id % 3 === 0));
      expect(open.sort(up)).to.deep.equal(ids.filter((id) => id % 3 !== 0));
    });

    it("two streams without keys have a function each", async () => {
      const [mapped, flat, processed] = await rowsOf<number>(
        "connectedPlain",
        way,
        "map",
        "flatMap",
        "process",
      );
      expect(mapped!.sort(up)).to.deep.equal([...ids.map((id) => -id - 1), ...ids].sort(up));
      expect(flat!.sort(up)).to.deep.equal([-2, -1, 0, 0, 1, 1, 2, 2]);
      expect(processed!.sort(up)).to.deep.equal([1000, 2000]);
    });

    it("a broadcast stream writes what every key reads", async () => {
      const [rows] = await rowsOf<{ key: string }>("broadcast", way, "out");
      const expected = Array.from({ length: KEYS }, (_, k) => ({
        key: `k${k}`,
        factor: k < KEYS - 2 ? k : undefined,
        n: ids.filter((id) => id % KEYS === k).length,
        rules: KEYS - 2,
      }));
      const byKey = (a: { key: string }, b: { key: string }) => a.key.localeCompare(b.key);
      expect(rows!.sort(byKey)).to.deep.equal(expected.sort(byKey));
    });

    it("an error in a timer or on the second input says whose it is", async () => {
      const timer = await failureOf("failInTimer", way);
      expect(timer).to.include({ code: "USER_FUNCTION_FAILED", message: "at the time" });
      expect(timer.place.operator).to.equal("explosive");
      expect(timer.place.at).to.match(/keyed\.[jt]s:\d+/);
      const second = await failureOf("failInSecond", way);
      expect(second.message).to.match(/^second \d+$/);
      expect(second.place.operator).to.equal("halves");
      expect(second.place.record).to.include("key");
    });
  });
}

describe("keyed process", () => {
  const way: RunOptions = { inline: true, parallelism: 1 };

  it("refuses timers without a function, promises and names of its own parts", async () => {
    expect(await failureOf("noTimerFunction", way)).to.have.property("code", "TIMER_INVALID");
    expect(await failureOf("promised", way)).to.have.property("code", "USER_FUNCTION_ASYNC");
    expect(await failureOf("reserved", way)).to.have.property("code", "OPTION_INVALID");
  });

  it("operator state belongs to a subtask", async () => {
    const [rows] = await rowsOf<{ id: number }>("operatorState", way, "out");
    expect(rows!.map(({ id }) => id)).to.deep.equal(ids.slice(0, rows!.length));
    expect(rows!.length).to.be.greaterThan(N - 7);
  });
});
