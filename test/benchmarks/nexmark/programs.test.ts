/** Every Nexmark program gives the oracle's answer, however it runs. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { programs } from "../../../benchmarks/nexmark/programs.js";
import { allEvents, oracles } from "../../../fixtures/nexmark/oracle.js";
import { tables } from "../../../fixtures/nexmark/tables.js";
import {
  type Digest,
  openSession,
  RowDigest,
  type RunOptions,
  run,
  type Session,
} from "../../../lib/index.js";
import type { CrashingParams } from "../../jobs/crashing.js";

const JOB = new URL("../../jobs/crashing.js", import.meta.url);
const EVENTS = 12_000;
/** A minute of event time, with midnight in it. */
const RATE = 200;
/** Below the four seconds for which watermarks wait; groups of it make up all events. */
const DISORDER = 750;

const queries = Object.keys(programs)
  .filter((query) => query in oracles)
  .sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));

const all = allEvents(EVENTS, RATE);
const expected = new Map(
  queries.map((query) => {
    const digest = new RowDigest();
    const decided = tables[query]?.decided;
    for (const row of oracles[query]!(all)) digest.add(decided === undefined ? row : decided(row));
    return [query, digest.digest];
  }),
);

let session: Session;

async function answer(params: Omit<CrashingParams, "events" | "rate">, options: RunOptions) {
  const given = { ...options, params: { events: EVENTS, rate: RATE, ...params } };
  await using job = await (options.inline === true ? run(JOB, given) : session.run(JOB, given));
  const parts: Digest[] = [];
  for await (const part of job.results<Digest>("out")) parts.push(part);
  await job.completed;
  return { digest: RowDigest.merge(parts), restarts: job.restarts };
}

const ways: Readonly<Record<string, { options: RunOptions; disorder?: number }>> = {
  "by one subtask": { options: { inline: true, parallelism: 1 } },
  "by two threads, in small batches": { options: { parallelism: 2, bufferTimeout: 0 } },
  "by four subtasks, of events out of order": {
    options: { inline: true, parallelism: 4 },
    disorder: DISORDER,
  },
  "by two subtasks, without chains and local combining": {
    options: { inline: true, parallelism: 2, chaining: false, localCombine: false },
  },
};

describe("Nexmark programs", function () {
  this.timeout(60_000);

  before(() => {
    session = openSession();
  });
  after(() => session[Symbol.asyncDispose]());

  it("are all there, and answer something", () => {
    const numbers = Array.from({ length: 24 }, (_, number) => `q${number}`);
    expect(Object.keys(programs)).to.have.members(numbers.filter((query) => query !== "q10"));
    expect(queries).to.have.members(numbers.filter((query) => query !== "q10" && query !== "q12"));
    for (const [query, { rows }] of expected) expect(rows, query).to.be.greaterThan(0);
  });

  for (const [way, { options, disorder }] of Object.entries(ways)) {
    for (const query of queries) {
      it(`${query} ${way}`, async () => {
        const params = { query, failures: 0, ...(disorder === undefined ? {} : { disorder }) };
        const { digest } = await answer(params, options);
        expect(digest).to.deep.equal(expected.get(query));
      });
    }
  }

  describe("that fail and go on", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "millrace-nexmark-"));
      mkdirSync(join(folder, "failures"));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    for (const query of queries) {
      it(`${query}`, async () => {
        const { digest, restarts } = await answer(
          { query, failures: 1, folder: join(folder, "failures") },
          {
            inline: true,
            parallelism: 2,
            restart: { strategy: "fixed-delay", attempts: 10, delay: 1 },
            checkpoint: { interval: 10, dir: join(folder, "state") },
          },
        );
        expect(digest).to.deep.equal(expected.get(query));
        expect(restarts).to.be.within(1, readdirSync(join(folder, "failures")).length);
      });
    }
  });
});
