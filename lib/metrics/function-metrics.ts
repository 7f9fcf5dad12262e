/** Metrics that functions and connectors keep by themselves. */

/** A metric that only counts. */
export interface MetricCounter {
  readonly count: number;
  /** By 1, or by `n`. */
  increase(n?: number): void;
}

/** A metric of how values are spread. */
export interface MetricHistogram {
  record(value: number): void;
}

/**
 * Metrics of one operator in one subtask: of its user's function, or of a connector's reader or writer. Shown in
 * `job.metrics()` as `user["<operator>.<name>"]`, about a second late. Asking for one again answers the same. Throws
 * METRIC_INVALID for a name that has another kind.
 */
export interface FunctionMetrics {
  counter(name: string): MetricCounter;
  /** `read` is asked once a second. */
  gauge(name: string, read: () => number): void;
  histogram(name: string): MetricHistogram;
}

/** Where nobody looks at them: in suites and tests. */
export const ignoredMetrics: FunctionMetrics = {
  counter: () => ({ count: 0, increase() {} }),
  gauge() {},
  histogram: () => ({ record() {} }),
};
