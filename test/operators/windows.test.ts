import { expect } from "chai";
import fc from "fast-check";
import { type RunOptions, run } from "../../lib/index.js";
import { type Event, seededEvents } from "../jobs/events.js";
import type { WindowParams } from "../jobs/windows.js";

const JOB = new URL("../jobs/windows.js", import.meta.url);
const SINKS = ["sums", "largest", "all", "top"] as const;
type Rows = Record<(typeof SINKS)[number], string[]>;

async function answer(params: WindowParams, options: RunOptions): Promise<Rows> {
  await using job = await run(JOB, { ...options, params: { ...params } });
  const rows = await Promise.all(SINKS.map(async (name) => [name, await sorted(job.results(name))] as const));
  await job.completed;
  return Object.fromEntries(rows) as Rows;
}

async function sorted(rows: AsyncIterable<unknown>): Promise<string[]> {
  const all: string[] = [];
  for await (const row of rows) all.push(JSON.stringify(row));
  return all.sort();
}

/** The same by filtering all events for every window. */
function expected(params: WindowParams): Rows {
  const { size, slide, offset } = params;
  const events = seededEvents(params);
  const times = events.map(({ time }) => time);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const rows: Record<(typeof SINKS)[number], object[]> = { sums: [], largest: [], all: [], top: [] };
  const begin = Math.floor((first - size - offset) / slide) * slide + offset;
  for (let start = begin; start <= last; start += slide) {
    const inside = events.filter(({ time }) => time >= start && time < start + size);
    if (inside.length === 0) continue;
    rows.all.push({ start, count: inside.length });
    const groups = [...new Set(inside.map(({ key }) => key))].map((key) =>
      inside.filter((event) => event.key === key),
    );
    const sums = groups.map((group) => statistics(group, start, start + size));
    rows.sums.push(...sums);
    rows.largest.push(
      ...groups.map((group) => [...group].sort((a, b) => b.value - a.value || a.id - b.id)[0]!),
    );
    if (slide !== size) continue;
    const best = [...sums].sort((a, b) => b.sum - a.sum || (a.key < b.key ? -1 : 1)).slice(0, 2);
    rows.top.push(...best.map(({ key, sum }, i) => ({ start, rank: i + 1, key, sum })));
  }
  return Object.fromEntries(
    SINKS.map((name) => [name, rows[name].map((row) => JSON.stringify(row)).sort()]),
  ) as Rows;
}

function statistics(group: readonly Event[], start: number, end: number) {
  const values = group.map(({ value }) => value);
  const sum = values.reduce((total, value) => total + value, 0);
  return {
    key: group[0]!.key,
    start,
    end,
    count: group.length,
    large: values.filter((value) => value > 50).length,
    sum,
    min: Math.min(...values),
    max: Math.max(...values),
    avg: sum / group.length,
    ids: group.map(({ id }) => id).sort((a, b) => a - b),
  };
}

const windows = fc
  .record({
    seed: fc.integer({ min: 1, max: 1 << 30 }),
    events: fc.integer({ min: 0, max: 400 }),
    slide: fc.constantFrom(10, 25, 100),
    factor: fc.constantFrom(1, 1, 2, 5, 20),
    offset: fc.constantFrom(0, 0, 7),
    disorder: fc.constantFrom(0, 30, 200),
  })
  .map(({ factor, ...rest }): WindowParams => ({ ...rest, size: rest.slide * factor }));

describe("event-time windows", () => {
  it("hold what a filter over all events finds (inline)", async () => {
    await fc.assert(
      fc.asyncProperty(
        windows,
        fc.constantFrom(1, 3),
        fc.boolean(),
        async (params, parallelism, localCombine) => {
          expect(await answer(params, { inline: true, parallelism, localCombine })).to.deep.equal(
            expected(params),
          );
        },
      ),
      { numRuns: 40 },
    );
  }).timeout(120_000);

  const settings: readonly RunOptions[] = [
    { parallelism: 1 },
    { parallelism: 2 },
    { parallelism: 4 },
    { parallelism: 2, localCombine: false },
    { parallelism: 2, chaining: false },
  ];
  for (const options of settings) {
    it(`hold the same in worker threads with ${JSON.stringify(options)}`, async () => {
      const params: WindowParams = { seed: 7, events: 3000, size: 100, slide: 20, offset: 0, disorder: 60 };
      expect(await answer(params, options)).to.deep.equal(expected(params));
      const tumbling = { ...params, slide: 100 };
      expect(await answer(tumbling, options)).to.deep.equal(expected(tumbling));
    });
  }
});
