/** What the soak test runs: a Nexmark program with state behind a function that fails at moments it is told. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineJob, fileSink, jsonl, map, nexmarkSource, type, value, watermarks } from "millrace";
import { bidsOf, type QueryProgram } from "../../benchmarks/nexmark/programs/streams.js";
import { programs } from "../../benchmarks/nexmark/programs.js";
import { answerSink } from "../../benchmarks/nexmark/table-digest-sink.js";
import { SLIDE_MS } from "../../fixtures/nexmark/queries.js";

/** When a slot fails: each failure leaves a file, so that all attempts and processes count together. */
export interface SoakFailures {
  readonly count: number;
  readonly folder: string;
  readonly seed: number;
  readonly how: "throw" | "exit";
}

export interface SoakParams {
  readonly query: string;
  readonly events: number;
  readonly failures: SoakFailures;
  /** Folder of a file sink; absent: a digest. */
  readonly out?: string;
}

export const RATE = 10_000;

export default defineJob("soak", (env, params: SoakParams) => {
  const { query, events, failures, out } = params;
  const stream = env
    .source("events", nexmarkSource({ events, rate: RATE }), {
      watermarks: watermarks.boundedOutOfOrderness("4s", (event) => event.dateTime),
    })
    .map(failing(failures, events), "failing");
  const program = query === "buckets" ? buckets : programs[query]!;
  program(stream, out === undefined ? answerSink(query) : fileSink({ path: out, format: jsonl() }), env);
});

/** Bids per auction and slide, by a map in state and a timer for each bucket; `total` counts over all. */
const buckets: QueryProgram = (events, sink) => {
  bidsOf(events)
    .keyBy((bid) => bid.auction)
    .process("buckets", {
      out: type<object>(),
      state: { counts: map<number, number>(), total: value<number>() },
      element({ dateTime }, { state, timers }) {
        const end = dateTime - (dateTime % SLIDE_MS) + SLIDE_MS;
        const count = state.counts.get(end) ?? 0;
        state.counts.set(end, count + 1);
        if (count === 0) timers.eventTime(end - 1);
      },
      timer(time, { key, state, emit }) {
        const end = time + 1;
        const bids = state.counts.get(end)!;
        const total = (state.total.get() ?? 0) + bids;
        state.counts.delete(end);
        state.total.update(total);
        emit({ auction: key, end, bids, total });
      },
    })
    .sink("out", sink);
};

/** Fails at an event that seed and the number of failures so far decide. */
function failing<T>({ count, folder, seed, how }: SoakFailures, events: number): (event: T) => T {
  const before = count === 0 ? 0 : readdirSync(folder).length;
  const at = 1 + ((Math.imul(seed + before, 0x9e3779b1) >>> 0) % Math.ceil(events / 2));
  let seen = 0;
  return (event) => {
    if (++seen !== at) return event;
    const made = count === 0 ? 0 : readdirSync(folder).length;
    if (made >= count) return event;
    writeFileSync(join(folder, `${made}-${process.pid}-${Math.random()}`), "");
    if (how === "exit") process.exit(7);
    throw new Error(`failure ${made + 1} of ${count}, at event ${seen}`);
  };
}
