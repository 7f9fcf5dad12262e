import { systemClock } from "../base/clock.js";
import { systemScheduler } from "../base/scheduler.js";
import type { Job } from "../engine.js";
import { compact, liveLine } from "./live-line.js";
import { style } from "./style.js";

const REDRAW_MS = 200;
const PLAIN_MS = 10_000;

/** One live line on a terminal; elsewhere a line every ten seconds. */
export function showProgress(job: Job): () => void {
  const terminal =
    process.stderr.isTTY === true && process.env["TERM"] !== "dumb" && process.env["CI"] === undefined;
  const started = systemClock.steady();
  const rate = { at: started, records: 0, perSecond: 0 };
  const draw = () => {
    const { records, done, watermark } = job.progress();
    const now = systemClock.steady();
    if (now - rate.at > 0) rate.perSecond = ((records - rate.records) / (now - rate.at)) * 1000;
    rate.at = now;
    rate.records = records;
    const completed = job.checkpoints()?.latest.completed;
    const line = liveLine({
      elapsedMs: now - started,
      records,
      recordsPerSecond: rate.perSecond,
      done,
      watermark,
      now: systemClock.now(),
      tasks: job.metrics(),
      lastRescale: job.lastRescale,
      lastCheckpoint:
        completed === undefined ? undefined : { id: completed.id, ms: completed.endToEndDuration ?? 0 },
    });
    process.stderr.write(terminal ? `\r\u001b[2K${line}` : `${line}\n`);
  };
  const cancel = systemScheduler.every(terminal ? REDRAW_MS : PLAIN_MS, draw);
  return () => {
    cancel();
    if (terminal) process.stderr.write("\r\u001b[2K");
    const { records } = job.progress();
    const seconds = (systemClock.steady() - started) / 1000;
    const summary = `${compact(records)} records in ${seconds.toFixed(2)} s, ${compact(records / seconds)}/s`;
    process.stderr.write(`${style.dim(`${job.name}: ${job.state}, ${summary}`)}\n`);
  };
}
