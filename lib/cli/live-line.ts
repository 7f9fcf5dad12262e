/** The one line that `millrace run` shows while a job runs. */
import type { Rescaling, SubtaskMetrics } from "../engine.js";

export interface LiveFacts {
  /** Since the job began, ms. */
  readonly elapsedMs: number;
  readonly records: number;
  readonly recordsPerSecond: number;
  /** Share of the sources' work, 0 to 1, where it is known. */
  readonly done: number | undefined;
  readonly watermark: number;
  /** Wall time, ms. */
  readonly now: number;
  readonly tasks: readonly SubtaskMetrics[];
  readonly lastRescale: Rescaling | undefined;
  readonly lastCheckpoint: { readonly id: number; readonly ms: number } | undefined;
}

const BAR = 24;
/** Below that nothing holds the job up. */
const WORTH_SAYING = 500;
/** A watermark that is further behind belongs to a job that reads what happened long ago. */
const LAG_MAX_MS = 24 * 3_600_000;

/** How long a rescale is news. */
const RESCALE_NEWS_MS = 60_000;

export function liveLine(facts: LiveFacts): string {
  const { done, records, recordsPerSecond, elapsedMs } = facts;
  const parts = [
    done === undefined ? "" : `${bar(done)} ${(done * 100).toFixed(0).padStart(3)} %`,
    `${compact(records)} records`,
    `${compact(recordsPerSecond)}/s`,
    watermarkOf(facts),
    bottleneckOf(facts.tasks),
    inFlightOf(facts.tasks),
    rescaleOf(facts),
    facts.lastCheckpoint === undefined
      ? ""
      : `checkpoint ${facts.lastCheckpoint.id} in ${facts.lastCheckpoint.ms.toFixed(0)} ms`,
    `${(elapsedMs / 1000).toFixed(1)} s`,
  ];
  return parts.filter((part) => part !== "").join("  ");
}

export function compact(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : value.toFixed(0);
}

/** How far event time is behind, or where it is. */
function watermarkOf({ watermark, now }: LiveFacts): string {
  if (!Number.isFinite(watermark)) return "";
  const lag = now - watermark;
  if (lag >= 0 && lag < LAG_MAX_MS) return `${(lag / 1000).toFixed(1)} s behind`;
  return Math.abs(watermark) <= 8.64e15 ? `watermark ${new Date(watermark).toISOString().slice(0, 19)}Z` : "";
}

/** The busiest vertex: what makes others wait. */
function bottleneckOf(tasks: readonly SubtaskMetrics[]): string {
  const busiest = tasks.reduce<SubtaskMetrics | undefined>(
    (most, task) => (most === undefined || task.busyTimeMsPerSecond > most.busyTimeMsPerSecond ? task : most),
    undefined,
  );
  if (busiest === undefined || busiest.busyTimeMsPerSecond < WORTH_SAYING) return "";
  return `${busiest.vertex} ${(busiest.busyTimeMsPerSecond / 10).toFixed(0)} % busy`;
}

/** What waits between tasks, as time that its receivers need for it. */
function inFlightOf(tasks: readonly SubtaskMetrics[]): string {
  const longest = Math.max(0, ...tasks.map((task) => task.estimatedTimeToConsumeBuffersMs));
  return longest < 1 ? "" : `${longest.toFixed(0)} ms in flight`;
}

/** The parallelism that a rescale has led to; for a while also when that was, and why. */
function rescaleOf({ lastRescale, now }: LiveFacts): string {
  if (lastRescale === undefined) return "";
  const { from, parallelism, cause, cores, at } = lastRescale;
  const ago = now - at;
  if (ago > RESCALE_NEWS_MS) return `parallelism ${parallelism}`;
  const why = cause === "request" ? "as asked for" : `for ${coresText(cores)}`;
  return `parallelism ${from} -> ${parallelism} ${why} ${(ago / 1000).toFixed(0)} s ago`;
}

export function coresText(cores: number): string {
  return cores === 1 ? "1 core" : `${Number(cores.toFixed(2))} cores`;
}

function bar(done: number): string {
  const full = Math.round(Math.min(Math.max(done, 0), 1) * BAR);
  return `[${"=".repeat(full)}${" ".repeat(BAR - full)}]`;
}
