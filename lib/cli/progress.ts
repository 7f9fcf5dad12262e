import { systemClock } from "../base/clock.js";
import { systemScheduler } from "../base/scheduler.js";
import type { Job } from "../engine.js";
import { style } from "./style.js";

const REDRAW_MS = 200;
const PLAIN_MS = 10_000;
const BAR = 24;

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
    const parts = [
      done === undefined ? "" : `${bar(done)} ${(done * 100).toFixed(0).padStart(3)} %`,
      `${compact(records)} records`,
      `${compact(rate.perSecond)}/s`,
      Number.isFinite(watermark) ? `watermark ${new Date(watermark).toISOString().slice(0, 19)}Z` : "",
      `${((now - started) / 1000).toFixed(1)} s`,
    ];
    const line = parts.filter((part) => part !== "").join("  ");
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

function bar(done: number): string {
  const full = Math.round(Math.min(Math.max(done, 0), 1) * BAR);
  return `[${"=".repeat(full)}${" ".repeat(BAR - full)}]`;
}

function compact(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : value.toFixed(0);
}
