/** Times, keys and records that are not right, or only look like it, in whole jobs. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { MillraceError, type RunOptions, run } from "../../lib/index.js";
import { canonicalKey } from "../../lib/state/key.js";
import { FAR, KEYED_ROWS, KEYS, NO_KEYS, TIMES } from "../jobs/bad-input.js";

const JOB = new URL("../jobs/bad-input.js", import.meta.url);
const SOURCE = fileURLToPath(new URL("../../../test/jobs/bad-input.ts", import.meta.url));

type Params = Readonly<Record<"program", string> & Partial<Record<"what", string>>>;

async function rowsOf(params: Params, options: RunOptions, ...sinks: string[]) {
  await using job = await run(JOB, { ...options, params });
  const rows = await Promise.all(
    sinks.map(async (sink) => {
      const all: any[] = [];
      for await (const row of job.results(sink)) all.push(row);
      return all;
    }),
  );
  await job.completed;
  const late = job.metrics().reduce((sum, { lateRecordsDropped }) => sum + lateRecordsDropped, 0);
  return { rows, late };
}

async function failureOf(params: Params, options: RunOptions): Promise<MillraceError> {
  try {
    await rowsOf(params, options, "out");
  } catch (error) {
    if (MillraceError.is(error)) return error;
    throw error;
  }
  return expect.fail(`the job did not fail: ${JSON.stringify(params)}`);
}

const ways: readonly RunOptions[] = [
  { inline: true, parallelism: 1 },
  { inline: true, parallelism: 2 },
  { parallelism: 2 },
];

for (const way of ways) {
  describe(`bad input with ${JSON.stringify(way)}`, () => {
    it("a timestamp that is none is refused, with the record and where it was read", async () => {
      for (const what of way.inline === true ? Object.keys(TIMES) : ["nan", "text"]) {
        const error = await failureOf({ program: "time", what }, way);
        const code = what === "promise" ? "USER_FUNCTION_ASYNC" : "TIMESTAMP_INVALID";
        expect(error.code, what).to.equal(code);
        expect(error.place, what).to.include({
          operator: "rows",
          record: '{"id":7}',
          readFrom: "split iterable, position 7",
        });
        expect(error.place.at, what).to.equal(undefined);
      }
    });

    it("so is one that a function gives to what it emits; NaN is none there", async () => {
      for (const what of ["infinity", "text", "nanoseconds"]) {
        const error = await failureOf({ program: "emitted", what }, way);
        expect(error.code, what).to.equal("TIMESTAMP_INVALID");
        expect(error.place, what).to.include({ operator: "stamping", record: '{"id":7}' });
        expect(error.place.at, what).to.match(/bad-input\.[jt]s:\d+/);
      }
      const { rows } = await rowsOf({ program: "emitted", what: "nan" }, way, "out");
      expect(rows[0]).to.have.length(10);
    });

    it("windows hold what is long before 1970, and as far behind it", async () => {
      const { rows } = await rowsOf({ program: "far" }, way, "tumbling", "general", "sliding", "session");
      const windows = (size: number, slide: number, offset: number) => {
        const held = new Map<number, number>();
        for (const at of FAR) {
          const last = Math.floor((at - offset) / slide) * slide + offset;
          for (let start = last; start > at - size; start -= slide) {
            held.set(start, (held.get(start) ?? 0) + 1);
          }
        }
        return [...held].sort(([a], [b]) => a - b).map(([start, n]) => `${start} ${start + size} ${n}`);
      };
      const hour = 3_600_000;
      expect(rows[0], "tumbling").to.deep.equal(windows(hour, hour, 0));
      expect(rows[1], "general").to.deep.equal(windows(hour, hour, 0));
      expect(rows[2], "sliding").to.deep.equal(windows(2 * hour, hour, -60_000));
      expect(rows[3], "session").to.deep.equal([
        `-8640000000000000 ${-8.64e15 + 1 + hour} 2`,
        `${-hour - 1} ${1 + hour} 5`,
        `${8.64e15 - 1} ${8.64e15 + hour} 2`,
      ]);
    });

    it("a watermark that goes back changes nothing", async () => {
      for (const what of ["punctuated", "periodic"]) {
        const { rows, late } = await rowsOf({ program: "backwards", what }, way, "out");
        expect([rows[0], late], what).to.deep.equal([["0 2", "10 2", "20 1"], 2]);
      }
    });

    for (const stateBackend of ["heap", "lmdb"]) {
      it(`keys are equal as their canonical forms are, whatever they are made of (${stateBackend})`, async () => {
        const sinks = ["running", "window", "session", "process"];
        const { rows } = await rowsOf({ program: "keys" }, { ...way, stateBackend }, ...sinks);
        const counts = new Map<unknown, readonly [string, number]>();
        for (let id = 0; id < KEYED_ROWS; id++) {
          const key = KEYS[id % KEYS.length];
          counts.set(canonicalKey(key), [typeof key, (counts.get(canonicalKey(key))?.[1] ?? 0) + 1]);
        }
        const byText = (a: readonly unknown[], b: readonly unknown[]) => (`${a}` < `${b}` ? -1 : 1);
        const expected = [...counts].map(([key, [type, n]]) => [String(key), type, n]).sort(byText);
        expect(expected.length).to.equal(KEYS.length - 2);
        for (const [i, sink] of sinks.entries()) {
          const last = new Map(rows[i]!.map((row) => [`${row[0]} ${row[1]}`, row]));
          expect([...last.values()].sort(byText), sink).to.deep.equal(expected);
        }
      });
    }

    it("a key without an equality is refused, with the record", async () => {
      for (const what of Object.keys(NO_KEYS)) {
        const error = await failureOf({ program: "noKey", what }, way);
        expect(error.code, what).to.equal(what === "promise" ? "USER_FUNCTION_ASYNC" : "KEY_INVALID");
        expect(error.place.record, what).to.equal('{"id":7}');
        expect(error.place.operator, what).to.be.oneOf(["keyed", "aggregate"]);
      }
    });

    it("a record that is changed after it was emitted fails where that is asked for", async () => {
      const lines = (await readFile(SOURCE, "utf8")).split("\n");
      const line = lines.findIndex((text) => text.includes("// changed here")) + 1;
      for (const what of ["plain", "keyed", "deep", "added", "deleted"]) {
        const frozen = await failureOf({ program: "changes", what }, { ...way, frozenRecords: true });
        expect(frozen.code, what).to.equal("RECORD_CHANGED");
        expect(frozen.place, what).to.include({ operator: "changing" });
        expect(frozen.place.record, what).to.equal('{"n":1,"list":[{"m":1}]}');
        expect(frozen.place.at, what).to.match(/bad-input\.[jt]s:\d+/);
        if (what === "plain") expect(frozen.place.at).to.include(`bad-input.ts:${line}:`);
        const { rows } = await rowsOf({ program: "changes", what }, way, "out");
        expect(rows[0], what).to.have.length(1);
      }
    });
  }).timeout(120_000);
}
