/** A Nexmark query behind a function that fails now and then. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineJob, nexmarkSource, watermarks } from "millrace";
import { programs } from "../../benchmarks/nexmark/programs.js";
import { answerSink } from "../../benchmarks/nexmark/table-digest-sink.js";

export interface CrashingParams {
  readonly query: string;
  readonly events: number;
  /** How often something fails, and where it is counted: a file for each failure. */
  readonly failures: number;
  readonly folder?: string;
  /** How: an exception, or the end of the thread. */
  readonly how?: "throw" | "exit";
  readonly disorder?: number;
  /** Events per second of event time; default 10,000. */
  readonly rate?: number;
}

export default defineJob("crashing", (env, params: CrashingParams) => {
  const { query, events, disorder, rate = 10_000 } = params;
  const source = nexmarkSource({ events, rate, ...(disorder === undefined ? {} : { disorder }) });
  const stream = env
    .source("events", source, { watermarks: watermarks.boundedOutOfOrderness("4s", (e) => e.dateTime) })
    .map(failing(params), "failing");
  programs[query]!(stream, answerSink(query), env);
});

/** Fails at a random event of each attempt, until that has happened `failures` times in all threads. */
function failing<T>({ failures, folder, events, how }: CrashingParams): (event: T) => T {
  let seen = 0;
  const at = 1 + Math.floor((Math.random() * events) / 3);
  return (event) => {
    if (++seen !== at || failures === 0) return event;
    const made = readdirSync(folder!).length;
    if (made >= failures) return event;
    writeFileSync(join(folder!, `${made}-${process.pid}-${Math.random()}`), "");
    if (how === "exit") process.exit(7);
    throw new Error(`failure ${made + 1} of ${failures}, at event ${seen}`);
  };
}
