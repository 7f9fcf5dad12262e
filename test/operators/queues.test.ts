/** Running fields and the one-liners of queues in whole jobs, against loops over all events. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type RunOptions, run } from "../../lib/index.js";
import { gather, until } from "../coordinator/visible-rows.js";
import { type Event, seededEvents } from "../jobs/events.js";
import { BATCH, GAP_MS, INTERVAL_MS, LANES, PACED, type QueueParams } from "../jobs/queues.js";

const JOB = new URL("../jobs/queues.js", import.meta.url);

async function rowsOf<T>(params: QueueParams, options: RunOptions): Promise<T[]> {
  await using job = await run(JOB, { ...options, params: { ...params } });
  const rows: T[] = [];
  for await (const row of job.results<T>("out")) rows.push(row);
  await job.completed;
  return rows;
}

/** What `step` makes of each event of a key and what it made of the one before. */
function running(events: readonly Event[], step: (so: Event, event: Event) => Event): Event[] {
  let so: Event | undefined;
  return events.map((event) => (so = so === undefined ? event : step(so, event)));
}

/** The last event of each burst; of equal times the one that came last. */
function lastOfBursts(events: readonly Event[]): Event[] {
  const last: Event[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const event of [...events].sort((a, b) => a.time - b.time)) {
    if (event.time <= end + GAP_MS) last.pop();
    last.push(event);
    end = event.time;
  }
  return last;
}

function firstOfIntervals(events: readonly Event[]): Event[] {
  let [since, n] = [Number.NEGATIVE_INFINITY, 0];
  return events.filter(({ time }) => {
    if (time >= since + INTERVAL_MS) [since, n] = [time, 0];
    return n++ < 2;
  });
}

function chunks(events: readonly Event[]): Event[][] {
  return Array.from({ length: Math.ceil(events.length / BATCH) }, (_, i) =>
    events.slice(i * BATCH, (i + 1) * BATCH),
  );
}

function firstBy(events: readonly Event[], id: (event: Event) => unknown): Event[] {
  const seen = new Set<unknown>();
  return events.filter((event) => seen.size < seen.add(id(event)).size);
}

/** What comes out for the events of one key, in order. */
const answers: Record<string, (events: readonly Event[]) => unknown[]> = {
  sum: (events) => running(events, (so, { value }) => ({ ...so, value: so.value + value })),
  min: (events) => running(events, (so, { value }) => ({ ...so, value: Math.min(so.value, value) })),
  max: (events) => running(events, (so, { value }) => ({ ...so, value: Math.max(so.value, value) })),
  minBy: (events) => running(events, (so, event) => (event.value < so.value ? event : so)),
  maxBy: (events) => running(events, (so, event) => (event.value >= so.value ? event : so)),
  reduce: (events) => running(events, (so, event) => ({ ...event, value: so.value * 31 + event.value })),
  debounce: lastOfBursts,
  throttle: firstOfIntervals,
  batchBy: chunks,
  dedupe: (events) => firstBy(events, ({ value }) => value % 10),
  dedupeKeys: (events) => events.slice(0, 1),
};

const ways: readonly RunOptions[] = [
  { inline: true, parallelism: 1 },
  { inline: true, parallelism: 3 },
  { parallelism: 2 },
  { inline: true, parallelism: 2, stateBackend: "lmdb" },
];
const texts = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();
/** In order of time where the order of arrival is not said. */
const DISORDERED = ["sum", "min", "max", "minBy", "maxBy", "reduce", "debounce", "batchBy", "dedupe"];

for (const way of ways) {
  describe(`running fields and queues with ${JSON.stringify(way)}`, () => {
    for (const [program, answer] of Object.entries(answers)) {
      it(`${program} gives for each key what a loop gives, in its order`, async () => {
        const disorder = DISORDERED.includes(program) ? 30 : 0;
        const params = { program, seed: 17, events: 700, disorder };
        const events = seededEvents(params);
        const rows = await rowsOf<Event | Event[]>(params, way);
        const keyOf = (row: Event | Event[]) => (Array.isArray(row) ? row[0]! : row).key;
        for (const key of new Set(events.map((event) => event.key))) {
          const mine = rows.filter((row) => keyOf(row) === key);
          expect(mine, key).to.deep.equal(answer(events.filter((event) => event.key === key)));
        }
      });
    }

    it("dedupe without keys lets each id pass once, whichever subtask it comes to", async () => {
      const params = { program: "dedupeAll", seed: 5, events: 700, disorder: 0 };
      const rows = await rowsOf<Event>(params, way);
      const ids = seededEvents(params).map(({ value }) => value);
      expect(rows.map(({ value }) => value).sort()).to.deep.equal([...new Set(ids)].sort());
    });

    it("batches come to windows in time", async () => {
      // So many that the source's watermark goes on meanwhile.
      const params = { program: "batchWindows", seed: 5, events: 30_000, disorder: 0 };
      const rows = await rowsOf<{ events: number }>(params, way);
      expect(rows.reduce((sum, { events }) => sum + events, 0)).to.equal(30_000);
    });

    it("batchBy without keys has every record in one batch, and no batch too large", async () => {
      const params = { program: "batchAll", seed: 5, events: 705, disorder: 0 };
      const batches = await rowsOf<Event[]>(params, way);
      expect(texts(batches.flat())).to.deep.equal(texts(seededEvents(params)));
      const small = batches.filter(({ length }) => length < BATCH).length;
      expect(small).to.be.at.most(way.parallelism as number);
      expect(batches.every(({ length }) => length > 0 && length <= BATCH)).to.equal(true);
    });
  });
}

describe("batches that are gone on with", function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-queues-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function part(options: RunOptions, perTick: number, readTo?: number) {
    await using job = await run(JOB, {
      inline: true,
      checkpoint: { interval: 50 },
      restart: { strategy: "none" },
      ...options,
      params: { program: "batchPaced", seed: 0, events: perTick, disorder: 0 },
    });
    const { rows, end } = gather<unknown[]>(job, "out");
    let from = "";
    if (readTo !== undefined) {
      await until(job, `${readTo} records`, () => job.progress().records >= readTo);
      from = await job.stop({ directory: join(folder, "savepoints") });
    }
    await job.completed;
    await end;
    return { rows, from };
  }

  it("lose nothing and give nothing twice with 3, then 1, then 2 subtasks", async () => {
    const first = await part({ parallelism: 3 }, 1, 200);
    const second = await part({ parallelism: 1, from: first.from }, 1, 200);
    const third = await part({ parallelism: 2, from: second.from, inline: false }, 50);
    const batches = [first, second, third].flatMap(({ rows }) => rows);
    const all = Array.from({ length: LANES * PACED }, (_, i) => ({
      lane: i % LANES,
      id: Math.floor(i / LANES),
    }));
    expect(texts(batches.flat())).to.deep.equal(texts(all));
    expect(batches.every(({ length }) => length > 0 && length <= BATCH)).to.equal(true);
    // What was open when it was stopped went on.
    for (const { rows } of [first, second])
      expect(rows.every(({ length }) => length === BATCH)).to.equal(true);
  });
});
