/** How long a job stands still when a slot's thread ends: from its last word to the next record behind the state. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../lib/index.js";
import { median, rounded } from "../measure.js";
import type { Row } from "../report.js";
import type { CheckpointSuiteOptions } from "./suite.js";

const JOB = new URL("./job.js", import.meta.url);
const KEYS = 100_000;
const RUNS = 5;
/** Records of subtask 0 before the crash: all keys and some seconds at the rate of the suite. */
const SECONDS_BEFORE = 3;

export async function restart({ rate, parallelism }: CheckpointSuiteOptions): Promise<Row[]> {
  const rows: Row[] = [];
  for (const each of parallelism) {
    const times: number[] = [];
    for (let i = 0; i < RUNS; i++) times.push(await once(each, rate));
    rows.push({
      suite: "checkpoint",
      state: "restart",
      parallelism: each,
      keys: KEYS,
      againMs: rounded(median(times), 0),
      againMsMax: rounded(Math.max(...times), 0),
    });
  }
  return rows;
}

async function once(parallelism: number, rate: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const crashAt = Math.floor((KEYS + rate * SECONDS_BEFORE) / parallelism);
  const job = await run(JOB, {
    parallelism,
    params: {
      state: "sum",
      keys: KEYS,
      touched: KEYS,
      rate,
      splits: parallelism,
      sinkRate: 0,
      crashAt,
      folder,
    },
    checkpoint: { interval: 500, dir: join(folder, "state") },
    restart: { strategy: "fixed-delay", attempts: 10, delay: 0 },
  });
  try {
    for (;;) {
      await sleep(20);
      const again = timeIn(join(folder, "again"));
      if (again !== undefined) return (again - timeIn(join(folder, "crashed"))!) / 1e6;
      if (job.state.toLowerCase() === "failed") await job.completed;
    }
  } finally {
    await job.cancel();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Steady nanoseconds; good for differences within a process. */
function timeIn(file: string): number | undefined {
  try {
    const text = readFileSync(file, "utf8");
    return text === "" ? undefined : Number(text);
  } catch {
    return undefined;
  }
}
