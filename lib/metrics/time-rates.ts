/**
 * What tasks have done with their time lately, as Flink's `busyTimeMsPerSecond` and its like: from what their
 * counters said at an earlier look. What is missing to 1000 they waited for their turn in a slot's loop.
 */
import type { MetricValues } from "./task-metrics.js";

/** Milliseconds of each second. */
export interface TimeRates {
  readonly busyTimeMsPerSecond: number;
  readonly idleTimeMsPerSecond: number;
  readonly backPressuredTimeMsPerSecond: number;
}

type Times = Pick<MetricValues, "busyMs" | "idleMs" | "backPressuredMs">;

interface Look {
  readonly at: number;
  readonly times: ReadonlyMap<string, Times>;
}

/** Looks are kept so long, ms, and one beyond: rates are those of at least the last seconds. */
const KEPT_MS = 5_000;
/** A look that is younger adds nothing. */
const APART_MS = 250;
const NOTHING: Times = { busyMs: 0, idleMs: 0, backPressuredMs: 0 };

export class RecentTimes {
  private looks: Look[];

  /** `began`: when the counters stood at zero, ms. */
  constructor(began: number) {
    this.looks = [{ at: began, times: new Map() }];
  }

  /** The rates of each task, by a name of its own, at time `at`. */
  rates(at: number, tasks: ReadonlyMap<string, Times>): Map<string, TimeRates> {
    const { looks } = this;
    while (looks.length > 1 && at - looks[1]!.at >= KEPT_MS) looks.shift();
    const [oldest] = looks;
    const seconds = (at - oldest!.at) / 1000;
    const rates = new Map(
      [...tasks].map(([name, times]) => [name, between(oldest!.times.get(name), times, seconds)]),
    );
    if (at - looks.at(-1)!.at >= APART_MS) looks.push({ at, times: new Map(tasks) });
    return rates;
  }
}

/** Counters that went back belong to a task that began anew. */
function between(earlier: Times = NOTHING, later: Times, seconds: number): TimeRates {
  const isNew = later.busyMs < earlier.busyMs || later.idleMs < earlier.idleMs;
  const from = isNew ? NOTHING : earlier;
  const rate = (what: keyof Times) =>
    seconds <= 0 ? 0 : Math.min(1000, Math.max(0, (later[what] - from[what]) / seconds));
  return {
    busyTimeMsPerSecond: rate("busyMs"),
    idleTimeMsPerSecond: rate("idleMs"),
    backPressuredTimeMsPerSecond: rate("backPressuredMs"),
  };
}
