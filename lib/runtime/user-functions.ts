/**
 * The user's functions of one task: opens and closes them, keeps what they count, and says so to the coordinator now
 * and then, for all operators of the task in one message.
 */
import { MillraceError, messageOf } from "../base/error.js";
import { FUNCTION_REPORT_MS } from "../base/limits.js";
import { refusePromise, settled } from "../base/promise-check.js";
import type { FunctionMetrics, MetricCounter, MetricHistogram } from "../metrics/function-metrics.js";
import { Histogram } from "../metrics/histogram.js";
import type { FunctionContext, FunctionLifecycle } from "../operators/function-context.js";
import type { Accumulator, LocalAccumulator } from "../operators/job-accumulators.js";
import type { FunctionReport } from "../protocol/function-report.js";

export interface UserFunctionsOptions
  extends Pick<FunctionContext, "job" | "subtask" | "parallelism" | "attempt"> {
  readonly signal: AbortSignal;
  /** Those the job has declared. */
  readonly declared: ReadonlyMap<string, Accumulator>;
  readonly now: () => number;
  readonly send: (report: FunctionReport) => void;
  /** Throws an error with its place. */
  readonly failed: (error: unknown, operator: string, record: undefined) => never;
}

interface Registered {
  readonly operator: string;
  readonly functions: FunctionLifecycle;
  readonly context: FunctionContext;
  /** Of an `open` that was begun. */
  opening?: Promise<void>;
  closed: boolean;
}

export class UserFunctions {
  private readonly given: UserFunctionsOptions;
  /** By the operator's uid; one may have several. */
  private readonly registered = new Map<string, Registered[]>();
  private readonly contexts = new Map<string, FunctionContext>();
  private readonly metrics = new Map<string, OperatorMetrics>();
  private readonly accumulators = new Map<string, TaskAccumulator>();
  private reportedAt: number;
  private ended = false;

  constructor(given: UserFunctionsOptions) {
    this.given = given;
    this.reportedAt = given.now();
  }

  /** From now on `functions` are opened and closed with the operator; answers what they are told. */
  register({ uid, name }: { uid: string; name: string }, functions: FunctionLifecycle): FunctionContext {
    const context = this.contexts.get(uid) ?? this.newContext(uid, name);
    this.contexts.set(uid, context);
    if (functions.open === undefined && functions.close === undefined) return context;
    const all = this.registered.get(uid) ?? [];
    all.push({ operator: name, functions, context, closed: false });
    this.registered.set(uid, all);
    return context;
  }

  /** Opens those of an operator. */
  async open(uid: string): Promise<void> {
    for (const each of this.registered.get(uid) ?? []) {
      if (this.ended) return;
      each.opening = (async () => each.functions.open?.(each.context))();
      await each.opening;
    }
  }

  /**
   * Closes each that was opened, once, whatever the others do; also where `open` has thrown, for what it did before.
   * Throws what the first one threw, with its place.
   */
  async close(): Promise<void> {
    this.ended = true;
    let failure: { readonly error: unknown; readonly operator: string } | undefined;
    for (const each of [...this.registered.values()].flat()) {
      if (each.opening === undefined || each.closed) continue;
      each.closed = true;
      try {
        await each.opening.catch(() => undefined);
        await each.functions.close?.();
      } catch (error) {
        failure ??= { error, operator: each.operator };
      }
    }
    if (failure !== undefined) this.given.failed(failure.error, failure.operator, undefined);
  }

  /** Tells what was counted, where it is time. */
  report(): void {
    if (this.metrics.size === 0 && this.accumulators.size === 0) return;
    const now = this.given.now();
    if (now - this.reportedAt < FUNCTION_REPORT_MS) return;
    this.reportedAt = now;
    this.send();
  }

  /** Tells what was counted for the last time. */
  reportLast(): void {
    if (this.metrics.size > 0 || this.accumulators.size > 0) this.send();
  }

  private send(): void {
    const metrics: Record<string, FunctionReport["metrics"][string]> = {};
    for (const of of this.metrics.values()) of.read(metrics, this.given.failed);
    const changed = [...this.accumulators].filter(([, { changed }]) => changed);
    const accumulators = changed.map(([name, each]) => [name, this.copyOf(name, each)] as const);
    this.given.send({ metrics, accumulators: Object.fromEntries(accumulators) });
  }

  private copyOf(name: string, accumulator: TaskAccumulator): unknown {
    accumulator.changed = false;
    try {
      return structuredClone(accumulator.value);
    } catch (cause) {
      throw new MillraceError("ACCUMULATOR_INVALID", `accumulator "${name}": ${messageOf(cause)}`, {
        job: this.given.job,
        cause,
      });
    }
  }

  private newContext(uid: string, operator: string): FunctionContext {
    const { job, subtask, parallelism, attempt, signal } = this.given;
    const metrics = () => {
      const isTaken = [...this.metrics.values()].some(({ label }) => label === operator);
      const known = this.metrics.get(uid) ?? new OperatorMetrics(operator, isTaken ? uid : operator);
      this.metrics.set(uid, known);
      return known;
    };
    return {
      job,
      operator,
      subtask,
      parallelism,
      attempt,
      signal,
      // Made when the first metric is asked for: most functions have none.
      metrics: {
        counter: (name) => metrics().counter(name),
        gauge: (name, read) => metrics().gauge(name, read),
        histogram: (name) => metrics().histogram(name),
      },
      accumulator: <T, R>(declared: Accumulator<T, R>) =>
        this.accumulatorOf(declared) as LocalAccumulator<T, R>,
    };
  }

  private accumulatorOf({ name }: Accumulator): LocalAccumulator<any> {
    const known = this.accumulators.get(name);
    if (known !== undefined) return known;
    const declared = this.given.declared.get(name);
    if (declared === undefined) {
      throw new MillraceError("ACCUMULATOR_INVALID", `the job has declared no accumulator "${name}"`);
    }
    const made = new TaskAccumulator(declared);
    this.accumulators.set(name, made);
    return made;
  }
}

/** A task's part of an accumulator. */
class TaskAccumulator implements LocalAccumulator<any> {
  value: unknown;
  changed = true;
  private readonly functions: Accumulator["functions"];

  constructor({ functions }: Accumulator) {
    this.functions = functions;
    this.value = settled(functions.create());
  }

  add(value: unknown): void {
    this.value = settled(this.functions.add(this.value, value));
    this.changed = true;
  }

  get local(): unknown {
    return this.functions.result(this.value);
  }
}

class Counter implements MetricCounter {
  count = 0;

  increase(n = 1): void {
    this.count += n;
  }
}

type Metric = Counter | Histogram | (() => number);

/** The metrics of one operator in one subtask. */
class OperatorMetrics implements FunctionMetrics {
  /** What its metrics' names begin with: operators may have the same name. */
  readonly label: string;
  private readonly operator: string;
  private readonly byName = new Map<string, Metric>();

  constructor(operator: string, label: string) {
    this.operator = operator;
    this.label = label;
  }

  counter(name: string): MetricCounter {
    return this.metric(name, Counter, () => new Counter());
  }

  histogram(name: string): MetricHistogram {
    return this.metric(name, Histogram, () => new Histogram());
  }

  gauge(name: string, read: () => number): void {
    if (typeof (this.byName.get(name) ?? read) !== "function") this.refuse(name);
    this.byName.set(name, read);
  }

  read(
    into: Record<string, FunctionReport["metrics"][string]>,
    failed: UserFunctionsOptions["failed"],
  ): void {
    for (const [name, metric] of this.byName) {
      const value =
        metric instanceof Counter
          ? metric.count
          : metric instanceof Histogram
            ? metric.read()
            : this.ask(name, metric, failed);
      into[`${this.label}.${name}`] = value;
    }
  }

  private ask(name: string, read: () => number, failed: UserFunctionsOptions["failed"]): number {
    try {
      const value: unknown = read();
      refusePromise(value, `the gauge "${name}"`);
      if (typeof value === "number") return value;
      throw new MillraceError("METRIC_INVALID", `the gauge "${name}" answered ${String(value)}`);
    } catch (error) {
      return failed(error, this.operator, undefined);
    }
  }

  private metric<M extends Metric>(name: string, kind: new () => M, make: () => M): M {
    const known = this.byName.get(name) ?? make();
    if (!(known instanceof kind)) this.refuse(name);
    this.byName.set(name, known);
    return known;
  }

  private refuse(name: string): never {
    throw new MillraceError(
      "METRIC_INVALID",
      `the metric "${name}" of this function has another kind already`,
    );
  }
}
