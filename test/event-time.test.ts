/** Whole jobs: watermarks of all kinds of strategies, through tasks and threads. */
import { expect } from "chai";
import { MillraceError } from "../lib/base/error.js";
import { run } from "../lib/index.js";
import type { AlignedParams } from "./jobs/aligned.js";
import type { EventTimeParams } from "./jobs/event-time.js";

const ALIGNED = new URL("./jobs/aligned.js", import.meta.url);
const JOB = new URL("./jobs/event-time.js", import.meta.url);

const start = (params: EventTimeParams, parallelism = 1) =>
  run(JOB, { params: params as never, parallelism, inline: parallelism === 1 });

async function rowsOf(params: EventTimeParams, parallelism = 1): Promise<unknown[]> {
  await using job = await start(params, parallelism);
  const rows: unknown[] = [];
  for await (const row of job.results("out")) rows.push(row);
  await job.completed;
  return rows;
}

const MIN = Number.NEGATIVE_INFINITY;
const MAX_DRIFT = 300;
/** What the join keeps of a record, roughly. */
const RECORD_BYTES_MAX = 200;

/**
 * How far the sources of the aligned job were apart at most, and the sizes of its checkpoints, until event time
 * has gone far, and checkpoints were taken: who is paused does not hold them up.
 */
async function watchAligned(fast: AlignedParams["fast"], parallelism: number) {
  await using job = await run(ALIGNED, {
    params: { fast, maxDrift: MAX_DRIFT },
    parallelism,
    checkpoint: { interval: 100 },
  });
  const sources = () => {
    const of = (name: string) =>
      job.metrics().flatMap(({ vertex, watermark }) => (vertex.startsWith(name) ? [watermark] : []));
    return { fast: of("fast"), slow: Math.min(...of("slow")) };
  };
  let drift = MIN;
  for (let slow = MIN; slow < 4 * MAX_DRIFT || job.checkpoints()!.counts.completed < 6; ) {
    // What the fast one read was allowed by a slow one that was no further than it is now.
    const ahead = Math.max(...sources().fast);
    slow = sources().slow;
    if (slow > MIN) drift = Math.max(drift, ahead - slow);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const sizes = job.checkpoints()!.history.filter(({ status }) => status === "completed");
  return { drift, sizes: sizes.map(({ stateSize }) => stateSize) };
}

describe("event time", () => {
  it("a punctuated watermark goes on right behind the record that says it", async () => {
    const records = [
      { at: 1 },
      { at: 5, says: 5 },
      { at: 7 },
      { at: 6, says: 3 },
      { at: 9, says: 8 },
      { at: 10 },
    ];
    const sources = { a: records };
    expect(await rowsOf({ sources, strategy: "punctuated", show: "watermark" })).to.deep.equal([
      [1, MIN],
      [5, MIN],
      [7, 5],
      [6, 5],
      [9, 5],
      [10, 8],
    ]);
  });

  it("a periodic watermark is behind the records before it, and never goes back", async () => {
    const records = [3, 9, 4, 12].map((at) => ({ at, says: at - 1, pause: 30 }));
    const rows = await rowsOf({ sources: { a: records }, strategy: "periodic", show: "watermark" });
    expect(rows).to.deep.equal([
      [3, MIN],
      [9, 2],
      [4, 8],
      [12, 8],
    ]);
  });

  for (const strategy of ["punctuated", "periodic"] as const) {
    it(`a ${strategy} generator that says NaN fails the job`, async () => {
      const sources = { a: [{ at: 1, says: -1, pause: 50 }, { at: 2 }] };
      await using job = await start({ sources, strategy, show: "watermark" });
      const error = await job.completed.then(
        () => undefined,
        (failed: unknown) => failed,
      );
      expect(MillraceError.is(error) && [error.code, error.place.operator]).to.deep.equal([
        "WATERMARK_INVALID",
        "a",
      ]);
    });
  }

  it("waits for a silent source without idleness, and not with it", async () => {
    const params: EventTimeParams = {
      sources: { a: [{ at: 1 }, { at: 25, pause: 150 }, { at: 45 }], b: [{ at: 3 }] },
      endless: ["a", "b"],
      strategy: "monotonous",
      show: "windows",
    };
    for (const parallelism of [1, 2]) {
      await using job = await start({ ...params, options: { idleness: 50 } }, parallelism);
      const results = job.results<[number, number]>("out")[Symbol.asyncIterator]();
      expect((await results.next()).value).to.deep.equal([0, 2]);
      // Both are silent now: event time came to the record at 45, whose window is open.
      expect((await results.next()).value).to.deep.equal([20, 1]);
    }
    await using job = await start(params);
    const results = job.results("out")[Symbol.asyncIterator]();
    const silence = new Promise((resolve) => setTimeout(resolve, 300, "silence"));
    expect(await Promise.race([results.next(), silence])).to.equal("silence");
  });

  it("comes to its end also where a source was idle before", async () => {
    for (const parallelism of [1, 2]) {
      const params: EventTimeParams = {
        sources: { a: [{ at: 1, pause: 250 }], b: [{ at: 3, pause: 200 }] },
        strategy: "monotonous",
        options: { idleness: 20 },
        show: "windows",
      };
      expect(await rowsOf(params, parallelism)).to.deep.equal([[0, 2]]);
    }
  });

  it("an input that comes back with an older record is late, and the others do not wait", async () => {
    const params: EventTimeParams = {
      sources: {
        a: [
          { at: 5, pause: 300 },
          { at: 6, pause: 100 },
        ],
        b: [
          { at: 7, pause: 100 },
          { at: 31, pause: 500 },
        ],
      },
      strategy: "monotonous",
      options: { idleness: 30 },
      show: "windows",
    };
    await using job = await start(params);
    const rows: unknown[] = [];
    for await (const row of job.results("out")) rows.push(row);
    await job.completed;
    expect(rows).to.deep.equal([
      [0, 2],
      [30, 1],
    ]);
    expect(job.metrics().reduce((sum, { lateRecordsDropped }) => sum + lateRecordsDropped, 0)).to.equal(1);
  });

  for (const [fast, parallelism] of [
    ["datagen", 2],
    ["iterable", 1],
  ] as const) {
    it(`aligned sources stay within the drift, and so does a join's state: ${fast}`, async () => {
      const { drift, sizes } = await watchAligned(fast, parallelism);
      // The fast source used what it may, and no more.
      expect(drift).to.be.within(MAX_DRIFT / 4, MAX_DRIFT + 8);
      // Checkpoints hold no more than what the drift lets in.
      expect(Math.max(...sizes)).to.be.at.most(MAX_DRIFT * RECORD_BYTES_MAX);
    });
  }
});
