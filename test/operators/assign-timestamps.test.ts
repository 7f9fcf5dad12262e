/** Streams that get timestamps and watermarks on their way, in every variation and as whole jobs. */
import { expect } from "chai";
import {
  count,
  type DataStream,
  MillraceError,
  run,
  tumbling,
  type WatermarkStrategy,
  watermarks,
} from "../../lib/index.js";
import { testOperator } from "../../lib/testing/index.js";
import type { MidStreamParams } from "../jobs/mid-stream-times.js";

interface Reading {
  readonly key: string;
  readonly at: number;
  readonly ends?: boolean;
}

const JOB = new URL("../jobs/mid-stream-times.js", import.meta.url);
const counted = (strategy: WatermarkStrategy<Reading>) => (lines: DataStream<string>) =>
  lines
    .map((line) => JSON.parse(line) as Reading)
    .assignTimestampsAndWatermarks(strategy)
    .keyBy(({ key }) => key)
    .window(tumbling(10))
    .aggregate({ n: count() }, ({ n }, { key, window }) => `${key} ${window.start}: ${n}`);

const line = (at: number, key = "a", ends = false) => JSON.stringify({ key, at, ends } satisfies Reading);

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (MillraceError.is(error)) return error.code;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

describe("assignTimestampsAndWatermarks", () => {
  it("fires windows by the records' new time, whatever the stream's was", async () => {
    await using t = await testOperator(counted(watermarks.boundedOutOfOrderness(5, ({ at }: Reading) => at)));
    t.push(line(1), { at: 900 }).push(line(8)).advanceWatermark(800).push(line(3), { at: 950 });
    await t.expect().toEqual([]);
    // 15 - 5 - 1 is the last moment of the first window.
    t.push(line(15));
    await t.expect().toEqual(["a 0: 3"]);
    t.push(line(7)).push(line(14));
    await t.expect().toEqual(["a 0: 3"]);
    t.end();
    await t.expect().toEqual(["a 0: 3", "a 10: 2"]);
    await t.expect().toHaveTimestamps([9, 19]);
  });

  it("takes generators of one's own", async () => {
    const strategy = watermarks.punctuated<Reading>(
      ({ at }) => new Date(at),
      ({ ends }, at) => (ends ? at : undefined),
    );
    await using t = await testOperator(counted(strategy));
    t.push(line(2)).push(line(30)).push(line(4));
    await t.expect().toEqual([]);
    t.push(line(9, "a", true))
      .push(line(5))
      .end();
    await t.expect().toEqual(["a 0: 3", "a 30: 1"]);
  });

  it("asks periodic ones as time goes by", async () => {
    const strategy = watermarks.periodic<Reading>(
      ({ at }) => at,
      () => {
        let latest: number | undefined;
        return {
          onRecord: ({ at }) => {
            latest = at;
          },
          watermark: () => latest,
        };
      },
      { interval: 0 },
    );
    await using t = await testOperator(counted(strategy));
    t.push(line(2)).push(line(9)).push(line(3)).advanceClock(1).end();
    await t.expect().toEqual(["a 0: 2"]);
  });

  it("refuses what is no time, and what only sources can do", async () => {
    await using t = await testOperator(counted(watermarks.monotonous(({ at }: Reading) => at)));
    t.push('{"key":"a"}');
    expect(await codeOf(t.expect().toEqual([]))).to.equal("TIMESTAMP_INVALID");
    for (const options of [{ idleness: "1s" }, { alignment: { group: "g", maxDrift: 5 } }] as const) {
      const strategy = watermarks.monotonous(({ at }: Reading) => at, options);
      expect(await codeOf(testOperator(counted(strategy)))).to.equal("OPTION_INVALID");
    }
  });

  for (const [parallelism, inline] of [
    [1, true],
    [2, true],
    [2, false],
  ] as const) {
    it(`makes whole jobs event-time jobs, at parallelism ${parallelism}${inline ? ", inline" : ""}`, async () => {
      const params: MidStreamParams = { records: 4_000, failsAt: 1_500 };
      await using job = await run(JOB, {
        params: { ...params },
        parallelism,
        inline,
        checkpoint: { interval: 20 },
        restart: { strategy: "fixed-delay", attempts: 3, delay: 0 },
      });
      const rows: { start: number; n: number }[] = [];
      for await (const row of job.results<{ start: number; n: number }>("out")) rows.push(row);
      await job.completed;
      expect(rows.sort((a, b) => a.start - b.start)).to.deep.equal(
        Array.from({ length: 40 }, (_, i) => ({ start: i * 100, n: 100 })),
      );
    });
  }
});
