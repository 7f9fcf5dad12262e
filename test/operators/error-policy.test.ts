/** What becomes of records whose functions throw, in whole jobs. */
import { expect } from "chai";
import { deadLetter, MillraceError, type RunOptions, run } from "../../lib/index.js";
import { ROWS } from "../jobs/letters.js";

const JOB = new URL("../jobs/letters.js", import.meta.url);

async function runLetters(params: Record<string, unknown>, options: RunOptions, ...sinks: string[]) {
  await using job = await run(JOB, { ...options, params });
  const rows = await Promise.all(
    sinks.map(async (sink) => {
      const all: any[] = [];
      for await (const row of job.results(sink)) all.push(row);
      return all;
    }),
  );
  await job.completed;
  const failed = job.metrics().reduce((sum, { recordsFailed }) => sum + recordsFailed, 0);
  return { rows, failed };
}

async function failureOf(params: Record<string, unknown>, options: RunOptions): Promise<MillraceError> {
  try {
    await runLetters(params, options, "out");
  } catch (error) {
    if (MillraceError.is(error)) return error;
    throw error;
  }
  return expect.fail("the job did not fail");
}

const ids = Array.from({ length: ROWS }, (_, id) => id);
const bad = ids.filter((id) => id % 10 === 3);
const good = ids.filter((id) => id % 10 !== 3);
const up = (a: number, b: number) => a - b;
const operators: Record<string, string> = {
  map: "checked",
  filter: "filter",
  flatMap: "flatMap",
  process: "checking",
  keyed: "checking",
  connected: "checking",
  keyedConnected: "checking",
  broadcast: "checking",
  asyncMap: "asking",
};
const ways: readonly RunOptions[] = [
  { inline: true, parallelism: 1 },
  { inline: true, parallelism: 2 },
  { parallelism: 2 },
];

for (const way of ways) {
  describe(`error policies with ${JSON.stringify(way)}`, () => {
    const inThreads = way.inline !== true;
    for (const [program, operator] of Object.entries(operators)) {
      // Threads differ in nothing but the way to the sinks.
      if (inThreads && program !== "map" && program !== "asyncMap") continue;
      it(`${program}: dead letters, skipped records, or a failure that says where`, async () => {
        const lettered = await runLetters({ program, policy: "letter" }, way, "out", "letters");
        expect(lettered.rows[0]!.map(({ id }) => id).sort(up)).to.deep.equal(good);
        // Behind a keyBy nobody knows where a record was read.
        const isFar = /keyed|connected|broadcast/i.test(program);
        const from = (id: number) => (isFar ? "nowhere" : `stride-${id % 128}:${id}`);
        const expected = bad.map((id) => `${operator} ${id} RangeError BAD_ROW row ${id} from ${from(id)}`);
        expect([lettered.rows[1]!.sort(), lettered.failed]).to.deep.equal([expected.sort(), bad.length]);
        if (inThreads) return;
        const skipped = await runLetters({ program, policy: "skip" }, way, "out");
        expect(skipped.rows[0]!.map(({ id }) => id).sort(up)).to.deep.equal(good);
        expect(skipped.failed).to.equal(bad.length);
        const failure = await failureOf({ program, policy: "fail" }, way);
        expect(failure).to.have.property("code", "USER_FUNCTION_FAILED");
        expect(failure.place.operator).to.equal(operator);
        expect(failure.place.record).to.match(/^\{"id":\d*3\}$/);
        expect(failure.place.at).to.match(/letters\.[jt]s:\d+/);
        const isNear = !isFar && program !== "asyncMap";
        const readFrom = isNear ? /^split stride-\d+, position \d*3$/ : /^nowhere$/;
        expect(failure.place.readFrom ?? "nowhere").to.match(readFrom);
      });
    }
  });
}

describe("dead letters", () => {
  const way: RunOptions = { inline: true, parallelism: 2 };

  it("leave what a generator gave before it threw", async () => {
    const { rows } = await runLetters({ program: "generator" }, way, "out", "letters");
    const few = ids.filter((id) => id < 40);
    const expected = few.flatMap((id) => (id % 10 === 3 ? [id] : [id, id + 1000]));
    expect(rows[0]!.sort(up)).to.deep.equal(expected.sort(up));
    expect(rows[1]!.length).to.equal(4);
  });

  it("say where the record was read also when its function was suspended, or awaited", async () => {
    for (const options of [way, { parallelism: 2 }]) {
      const { rows } = await runLetters({ program: "suspended" }, options, "letters", "out");
      const few = ids.filter((id) => id < 40 && id % 10 === 3);
      const expected = few.map((id) => `flatMap ${id} RangeError BAD_ROW row ${id} from stride-${id}:${id}`);
      expect(rows[0]!.sort()).to.deep.equal(expected.sort());
      expect(rows[1]!.length).to.equal(40 + 1);
    }
    const { rows } = await runLetters({ program: "later" }, way, "letters", "out");
    const awaited = ids
      .filter((id) => id % 20 === 3)
      .map((id) => `asking ${id} RangeError null row ${id} from stride-${id % 128}:${id}`);
    const below = ids
      .filter((id) => id % 20 === 13)
      .map((id) => `below ${id} RangeError BAD_ROW row ${id} from nowhere`);
    expect(rows[0]!.sort()).to.deep.equal([...awaited, ...below].sort());
  }).timeout(60_000);

  it("are those of all operators that name them", async () => {
    const { rows } = await runLetters({ program: "several" }, way, "letters", "out", "more out");
    expect(rows[0]!.map((text) => text.split(" ").slice(0, 2).join(" ")).sort()).to.deep.equal([
      "first 13",
      "first 3",
      "second 103",
      "second 113",
    ]);
  });

  it("are not made of errors further down", async () => {
    const failure = await failureOf({ program: "below" }, way);
    expect(failure.place.operator).to.equal("below");
  });

  it("are read, written and named, or the graph is refused", async () => {
    for (const program of ["unread", "unwritten", "tooLate"]) {
      expect(await failureOf({ program }, way), program).to.have.property("code", "GRAPH_INVALID");
    }
    expect(await failureOf({ program: "wrong" }, way)).to.have.property("code", "OPTION_INVALID");
    expect(() => deadLetter(""))
      .to.throw(MillraceError)
      .with.property("code", "OPTION_INVALID");
  });
});
