/** What a running job says of itself, read from the memory that its slots write and from what they have told. */

import type { Spread } from "../metrics/histogram.js";
import { type Latency, latenciesOf } from "../metrics/latencies.js";
import { RoundTimes } from "../metrics/round-times.js";
import { type MetricValues, TaskMetrics } from "../metrics/task-metrics.js";
import { RecentTimes, type TimeRates } from "../metrics/time-rates.js";
import type { JobCoordinator } from "./job-coordinator.js";

/** One subtask's metrics. */
export interface SubtaskMetrics extends MetricValues, TimeRates {
  readonly vertex: string;
  readonly subtask: number;
  /** With `latencyTracking`, by source: from there to here. */
  readonly latency?: Readonly<Record<string, Latency>>;
  /** What functions count themselves (`ctx.metrics`), as `<operator>.<name>`; a second late. */
  readonly user?: Readonly<Record<string, number | Spread>>;
}

/** How far a job is. */
export interface JobProgress {
  /** Read by its sources. */
  readonly records: number;
  /** The share of the sources' work done, 0 to 1, where it is known. */
  readonly done: number | undefined;
  readonly watermark: number;
}

export class JobMetrics {
  private readonly job: JobCoordinator;
  private readonly times: RecentTimes;

  /** `now`: steady, ms. */
  constructor(job: JobCoordinator, now: number) {
    this.job = job;
    this.times = new RecentTimes(now);
  }

  subtasks(now: number): SubtaskMetrics[] {
    const { tasks, metrics, latencies } = this.job.placement;
    const { vertices } = this.job.plan.jobGraph;
    const read = tasks.map(({ vertex, subtask, metricsRow }) => {
      const user = this.job.functions.metricsOf({ vertex, subtask });
      const values = {
        vertex: vertices[vertex]!.name,
        subtask,
        ...new TaskMetrics(metrics, metricsRow).read(),
        ...(latencies && { latency: latenciesOf(latencies, metricsRow, vertices) }),
        ...(user === undefined || Object.keys(user).length === 0 ? {} : { user }),
      };
      return { name: `${vertex}/${subtask}`, values };
    });
    const rates = this.times.rates(now, new Map(read.map(({ name, values }) => [name, values])));
    return read.map(({ name, values }) => ({ ...values, ...rates.get(name)! }));
  }

  rounds(): RoundTimes[] {
    const { slots, roundTimes } = this.job.placement;
    return Array.from({ length: slots }, (_, slot) => RoundTimes.read(roundTimes, slot));
  }

  progress(): JobProgress {
    let records = 0;
    let consumed = 0;
    let watermark = Number.POSITIVE_INFINITY;
    const { tasks, metrics } = this.job.placement;
    for (const { vertex, metricsRow } of tasks) {
      if (!this.job.isSource(vertex)) continue;
      const values = new TaskMetrics(metrics, metricsRow).read();
      records += values.recordsIn;
      consumed += values.consumed;
      watermark = Math.min(watermark, values.watermark);
    }
    const total = this.job.total();
    return { records, watermark, done: total === undefined || total === 0 ? undefined : consumed / total };
  }
}
