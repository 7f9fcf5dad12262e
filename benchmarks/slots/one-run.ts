/** One run of a job in a process of its own, with Node's flags and the run's options: `node one-run.js '<task>'`. */
import { setTimeout as sleep } from "node:timers/promises";
import { type RunOptions, run } from "../../lib/index.js";
import { measure, quantile } from "../measure.js";
import { DELAYS, type SlotsParams } from "./job.js";

export interface OneTask {
  readonly params: SlotsParams;
  readonly options: Pick<RunOptions, "preset" | "bufferTimeout" | "parallelism">;
  /** A job without an end is looked at for so long. */
  readonly seconds: number;
}

export interface OneRun {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** The longest round of any slot, ms. */
  readonly longestRoundMs: number;
  /** From source to sink, ms; of a trickle. */
  readonly delayMsP50: number;
  readonly delayMsP99: number;
}

const JOB = new URL("./job.js", import.meta.url);
/** Code is compiled and threads are there by then. */
const WARM_UP_MS = 1500;

const { params, options, seconds } = JSON.parse(process.argv[2]!) as OneTask;
const answer = params.job === "trickle" ? await trickle() : await whole();
process.stdout.write(JSON.stringify(answer satisfies OneRun));

async function whole(): Promise<OneRun> {
  let longestRoundMs = 0;
  const measured = await measure(async () => {
    await using job = await run(JOB, { ...options, params: { ...params } });
    const results = params.job === "retained" ? job.results("out") : [];
    for await (const _ of results);
    await job.completed;
    longestRoundMs = Math.max(...job.rounds().map(({ longest }) => longest));
  });
  return { ...measured, longestRoundMs, delayMsP50: 0, delayMsP99: 0 };
}

async function trickle(): Promise<OneRun> {
  const delays: number[] = [];
  const port = new BroadcastChannel(DELAYS);
  await using job = await run(JOB, { ...options, params: { ...params } });
  await sleep(WARM_UP_MS);
  port.onmessage = (message: unknown) => {
    delays.push(...(message as { data: number[] }).data);
  };
  const measured = await measure(() => sleep(seconds * 1000));
  port.close();
  await job.cancel();
  if (delays.length === 0) throw new Error("no record came through");
  return {
    ...measured,
    longestRoundMs: 0,
    delayMsP50: quantile(delays, 0.5),
    delayMsP99: quantile(delays, 0.99),
  };
}
