/** Jobs with windows of the general kind, against naive answers over all events. */
import { expect } from "chai";
import fc from "fast-check";
import { MillraceError, type RunOptions, run } from "../../lib/index.js";
import { type Event, seededEvents } from "../jobs/events.js";
import type { SessionParams } from "../jobs/sessions.js";

const JOB = new URL("../jobs/sessions.js", import.meta.url);

async function rowsOf<T>(params: SessionParams, options: RunOptions, ...sinks: string[]): Promise<T[][]> {
  await using job = await run(JOB, { ...options, params: { ...params } });
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

interface NaiveSession {
  start: number;
  end: number;
  events: Event[];
}

/** Events in order of time; one that begins no later than the session before ends belongs to it. */
function naiveSessions(events: readonly Event[], gapOf: (event: Event) => number): NaiveSession[] {
  const sessions: NaiveSession[] = [];
  for (const event of [...events].sort((a, b) => a.time - b.time)) {
    const last = sessions.at(-1);
    const end = event.time + gapOf(event);
    if (last === undefined || event.time > last.end) {
      sessions.push({ start: event.time, end, events: [event] });
      continue;
    }
    last.end = Math.max(last.end, end);
    last.events.push(event);
  }
  return sessions;
}

function byKey(events: readonly Event[]): [string, Event[]][] {
  return [...new Set(events.map(({ key }) => key))].map((key) => [
    key,
    events.filter((event) => event.key === key),
  ]);
}

const up = (a: number, b: number) => a - b;
const texts = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();

const answers: Record<string, (events: readonly Event[]) => unknown[]> = {
  sessions: (events) =>
    byKey(events).flatMap(([key, mine]) =>
      naiveSessions(mine, () => 15).map(({ start, end, events: held }) => {
        return { key, start, end, n: held.length, highest: Math.max(...held.map(({ value }) => value)) };
      }),
    ),
  dynamic: (events) =>
    byKey(events).flatMap(([key, mine]) =>
      naiveSessions(mine, ({ value }) => (value % 2 === 0 ? 10 : 20)).map(({ start, end, events: held }) => {
        return { key, start, end, ids: held.map(({ id }) => id).sort(up) };
      }),
    ),
  all: (events) =>
    naiveSessions(events, () => 3).map(({ start, end, events: held }) => {
      return { start, end, first: Math.min(...held.map(({ id }) => id)) };
    }),
  counts: (events) =>
    byKey(events).flatMap(([key, { length }]) => Array.from({ length: length >> 2 }, () => ({ key, n: 4 }))),
  slidingCounts: (events) =>
    Array.from({ length: events.length >> 1 }, (_, i) => {
      return { ids: events.slice(Math.max(0, (i + 1) * 2 - 5), (i + 1) * 2).map(({ id }) => id) };
    }),
  evicting: (events) =>
    byKey(events).flatMap(([, mine]) =>
      Array.from({ length: Math.floor(mine.length / 3) }, (_, i) => {
        const [left, right] = mine.slice(i * 3 + 1, i * 3 + 3) as [Event, Event];
        return left.value > right.value ? left : right;
      }),
    ),
};

const ways: readonly RunOptions[] = [
  { inline: true, parallelism: 1 },
  { inline: true, parallelism: 4 },
  { parallelism: 1 },
  { parallelism: 2 },
  { parallelism: 4 },
  { inline: true, parallelism: 2, stateBackend: "lmdb" },
];

describe("sessions, count windows and lateness in jobs", () => {
  for (const way of ways) {
    it(`answer what a loop over all events does with ${JSON.stringify(way)}`, async () => {
      for (const [program, answer] of Object.entries(answers)) {
        const params = { program, seed: 11, events: 600, disorder: 40 };
        const [rows] = await rowsOf(params, way, "out");
        expect(texts(rows!), program).to.deep.equal(texts(answer(seededEvents(params))));
      }
    }).timeout(60_000);
  }

  it("do so for any events", async () => {
    const params = fc.record({
      program: fc.constantFrom(...Object.keys(answers)),
      seed: fc.integer({ min: 1, max: 1 << 30 }),
      events: fc.integer({ min: 0, max: 200 }),
      // Not 0: of records of one time the last may come behind a watermark that says that this time is there. A
      // session that it would still touch is closed then, as in Flink, and it begins another one.
      disorder: fc.constantFrom(1, 10, 100),
    });
    await fc.assert(
      fc.asyncProperty(params, fc.constantFrom(1, 3), async (given, parallelism) => {
        const [rows] = await rowsOf(given, { inline: true, parallelism }, "out");
        expect(texts(rows!)).to.deep.equal(texts(answers[given.program]!(seededEvents(given))));
      }),
      { numRuns: 40 },
    );
  }).timeout(120_000);

  it("every record is in the last result of its window or in the late output", async () => {
    for (const disorder of [40, 200]) {
      const params = { program: "lateness", seed: 3, events: 800, disorder };
      const [rows, dropped] = await rowsOf<any>(params, { parallelism: 2 }, "out", "late");
      const totals = new Map<string, number>();
      const place = (key: string, time: number) => `${key} ${Math.floor(time / 20) * 20}`;
      for (const { key, start, n } of rows!) {
        const at = place(key, start);
        totals.set(at, Math.max(totals.get(at) ?? 0, n));
      }
      for (const { key, time } of dropped!) {
        totals.set(place(key, time), (totals.get(place(key, time)) ?? 0) + 1);
      }
      const expected = new Map<string, number>();
      for (const { key, time } of seededEvents(params)) {
        expected.set(place(key, time), (expected.get(place(key, time)) ?? 0) + 1);
      }
      expect([...totals].sort()).to.deep.equal([...expected].sort());
    }
  }).timeout(30_000);

  it("give the best records of windows that are not plain", async () => {
    const params = { program: "top", seed: 5, events: 200, disorder: 0 };
    const [rows] = await rowsOf<any>(params, { inline: true, parallelism: 2 }, "out");
    const events = seededEvents(params);
    const begin = Math.floor(Math.min(...events.map(({ time }) => time)) / 20) * 20 - 20;
    const expected: object[] = [];
    for (let start = begin; start <= Math.max(...events.map(({ time }) => time)); start += 20) {
      const inside = events.filter(({ time }) => time >= start && time < start + 40);
      inside.sort((a, b) => b.value - a.value || a.id - b.id);
      expected.push(...inside.slice(0, 2).map(({ id }, i) => ({ start, rank: i + 1, id })));
    }
    expect(texts(rows!)).to.deep.equal(texts(expected));
  });

  it("refuse records without timestamps", async () => {
    for (const localCombine of [true, false]) {
      const params = { program: "unstamped", seed: 5, events: 9, disorder: 0 };
      try {
        await rowsOf(params, { inline: true, parallelism: 2, localCombine }, "out");
      } catch (error) {
        expect(MillraceError.is(error) && error.code).to.equal("TIMESTAMP_MISSING");
        continue;
      }
      expect.fail("the job did not fail");
    }
  });
});
