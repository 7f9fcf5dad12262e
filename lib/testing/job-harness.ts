/** The harness of a job: what `testJob` answers. */
import { isJobDefinition, type JobDefinition } from "../api/define-job.js";
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { ErrorCode } from "../base/error-catalogue.js";
import { copyOf } from "../base/plain-data.js";
import { TIMESTAMP_MAX } from "../time/timestamps.js";
import type { Timestamp } from "../time/watermarks.js";
import { check } from "./expectation.js";
import { JobRun, type JobRunOptions } from "./job-run.js";
import type { Row } from "./rows.js";
import { printStep, type Step } from "./steps.js";
import { VARIATIONS, type Variation, type VariationName } from "./variations.js";

/** How a job or an operator is tested. */
export interface TestOptions {
  /** Wall time at the begin, ms since the epoch; default 0. */
  readonly startTime?: number;
  /** Which variations the case is repeated in; default: all. The first answers `rows`. */
  readonly variations?: readonly VariationName[];
  /** How long, in real time, a step waits for the promises of `asyncMap`; default "1s". */
  readonly answers?: Duration;
  /** Rows that one step may lead to; with more the case never ends; default 100,000. */
  readonly rowsMax?: number;
}

/** How a job is tested. */
export interface JobTestOptions<P = Record<string, unknown>> extends TestOptions {
  /** Given to the job's build function; default {}. */
  readonly params?: P;
}

/** Holds what a sink has been given against what a test expects. Promises reject with TEST_EXPECTATION_FAILED. */
export interface Expectation<T = unknown> {
  /** All rows so far, in this order. */
  toEqual(rows: readonly T[]): Promise<void>;
  /** All rows so far, in any order. */
  toEqualInAnyOrder(rows: readonly T[]): Promise<void>;
  /** The event times of all rows so far, ms; NaN for none. */
  toHaveTimestamps(timestamps: readonly number[]): Promise<void>;
}

/** A source of a job under test. Steps are gone through when something is expected. */
export interface TestSource<T = unknown> {
  /**
   * Gives a record. `at`: its event time, ms or a Date; default: what the source's `watermarks` say, else none.
   */
  push(record: T, options?: { readonly at?: Timestamp }): TestSource<T>;
  /** Event time of this source reaches `watermark` (ms or a Date): no record of it or before follows. */
  advanceWatermark(watermark: Timestamp): TestSource<T>;
}

/** Without a name in options: every variation. */
function chosen(names: readonly VariationName[] | undefined): readonly Variation[] {
  if (names === undefined) return VARIATIONS;
  const known = VARIATIONS.map(({ name }) => `"${name}"`).join(", ");
  if (names.length === 0)
    throw new MillraceError("OPTION_INVALID", `variations is empty; choose from ${known}`);
  return names.map((name) => {
    const found = VARIATIONS.find((each) => each.name === name);
    if (found !== undefined) return found;
    throw new MillraceError("OPTION_INVALID", `there is no variation "${name}", only ${known}`);
  });
}

function checked(options: TestOptions): Omit<JobRunOptions, "job" | "params"> {
  const { startTime = 0, answers = "1s", rowsMax = 100_000 } = options;
  if (!Number.isFinite(startTime))
    throw new MillraceError("OPTION_INVALID", `startTime is ${startTime}; expected ms`);
  if (!(rowsMax > 0))
    throw new MillraceError("OPTION_INVALID", `rowsMax is ${rowsMax}; expected a number above 0`);
  return { startTime, answersMs: durationMs(answers, "answers"), rowsMax };
}

/**
 * A job under test. Steps are noted and answer at once; `expect` has every variation go through them, each with a
 * program of its own, and holds each against what is expected.
 */
export class JobHarness implements AsyncDisposable {
  private readonly runs: readonly JobRun[];
  private readonly steps: Step[] = [];
  private readonly watermarks = new Map<string, number>();
  private ended = false;
  private working: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(job: JobDefinition, params: unknown, options: TestOptions) {
    const given = { job, params, ...checked(options) };
    this.runs = chosen(options.variations).map((variation) => new JobRun(variation, given));
  }

  /** @internal */
  async open(): Promise<this> {
    await this.runs[0]!.catchUp([]);
    return this;
  }

  /** The source of that name. Throws TEST_TARGET_UNKNOWN. */
  source<T = any>(name: string): TestSource<T> {
    this.known("source", name, this.sources);
    const source: TestSource<T> = {
      push: (record, { at } = {}) => {
        if (at !== undefined && !(Math.abs(+at) <= TIMESTAMP_MAX)) this.refuse(`"at" is ${at}; expected ms`);
        this.add({
          do: "push",
          source: name,
          record: copyOf(record),
          at: at === undefined ? undefined : +at,
        });
        return source;
      },
      advanceWatermark: (watermark) => {
        this.advance([name], +watermark);
        this.add({ do: "watermark", source: name, watermark: +watermark });
        return source;
      },
    };
    return source;
  }

  /**
   * Event time of all sources reaches `watermark`, ms or a Date. Throws TEST_STEP_INVALID where one of them goes back.
   * Watermarks come from here alone: the sources' own strategies only tell the time of records.
   */
  advanceWatermark(watermark: Timestamp): this {
    this.advance(this.sources, +watermark);
    this.add({ do: "watermark", source: undefined, watermark: +watermark });
    return this;
  }

  /**
   * Wall time goes on, in one leap: timers of processing time that are due fire, in order. Throws TEST_STEP_INVALID
   * where it would go back.
   */
  advanceClock(by: Duration): this {
    const ms = durationMs(by, "advanceClock");
    if (ms < 0) this.refuse(`advanceClock(${by}) goes back`);
    this.add({ do: "clock", ms });
    return this;
  }

  /** The input ends: event time comes to its end, and operators give what they hold. Nothing can follow. */
  end(): this {
    this.add({ do: "end" });
    this.ended = true;
    return this;
  }

  /** The names of the job's sources. */
  get sources(): readonly string[] {
    return [...this.program.sources.keys()];
  }

  /** The names of the job's sinks. */
  get sinks(): readonly string[] {
    return [...this.program.sinks];
  }

  /** What the sink of that name has been given. Throws TEST_TARGET_UNKNOWN. */
  expect<T = any>(sink: string): Expectation<T> {
    this.known("sink", sink, this.sinks);
    const compare = (rows: readonly unknown[], by: (row: Row) => unknown, ordered: boolean) =>
      this.inTurn(async (steps) => {
        for (const run of this.runs) await run.catchUp(steps);
        const swaps = !ordered || !this.program.isLinear;
        const all = this.runs.map(({ variation, rows: got }) => ({ variation, rows: got.get(sink)! }));
        check({ of: `sink "${sink}"`, rows, by, ordered, swaps }, all, steps.map(printStep));
      });
    return {
      toEqual: (rows) => compare(rows, ({ record }) => record, true),
      toEqualInAnyOrder: (rows) => compare(rows, ({ record }) => record, false),
      toHaveTimestamps: (timestamps) => compare(timestamps, ({ timestamp }) => timestamp, true),
    };
  }

  /**
   * Every variation has to fail with an error of that code; the answer is the first one's. Rejects with
   * TEST_EXPECTATION_FAILED where one does not.
   */
  expectFailure(code: ErrorCode): Promise<MillraceError> {
    return this.inTurn((steps) => this.failure(code, steps));
  }

  private async failure(code: ErrorCode, steps: readonly Step[]): Promise<MillraceError> {
    let first: MillraceError | undefined;
    for (const run of this.runs) {
      const error: unknown = await run.catchUp(steps).then(
        () => undefined,
        (failure: unknown) => failure,
      );
      if (!MillraceError.is(error) || error.code !== code) {
        const got = MillraceError.is(error) ? `${error.code}: ${error.message}` : "nothing failed";
        throw new MillraceError(
          "TEST_EXPECTATION_FAILED",
          `the job does not fail with ${code} in the variation "${run.variation.name}"\n- ${code}\n+ ${got}`,
          error === undefined ? {} : { cause: error },
        );
      }
      first ??= error;
    }
    return first!;
  }

  /** The rows that the sink has been given so far in the first variation. Throws TEST_TARGET_UNKNOWN. */
  async rows<T = any>(sink: string): Promise<readonly T[]> {
    this.known("sink", sink, this.sinks);
    const first = this.runs[0]!;
    return this.inTurn(async (steps) => {
      await first.catchUp(steps);
      return first.rows.get(sink)!.map(({ record }) => record as T);
    });
  }

  /**
   * What the job's accumulators have come to, by name, in the first variation.
   * @example
   * t.source("lines").push("").push("a");
   * assert.equal((await t.accumulators())["bad lines"], 1);
   */
  accumulators(): Promise<Readonly<Record<string, unknown>>> {
    const first = this.runs[0]!;
    return this.inTurn(async (steps) => {
      await first.catchUp(steps);
      return first.accumulators();
    });
  }

  /** Has every variation go through the steps so far. Rejects with what the job fails with. */
  run(): Promise<void> {
    return this.inTurn(async (steps) => {
      for (const run of this.runs) await run.catchUp(steps);
    });
  }

  /** Ends the job in every variation. */
  close(): Promise<void> {
    return this.inTurn(async () => {
      for (const run of this.runs) await run.close();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** With the steps so far, when what was asked before is done: nobody need await. */
  private inTurn<R>(work: (steps: readonly Step[]) => Promise<R>): Promise<R> {
    const steps = [...this.steps];
    const done = this.working.then(() => work(steps));
    this.working = done.catch(() => undefined);
    return done;
  }

  private get program() {
    return this.runs[0]!.program;
  }

  private add(step: Step): void {
    if (this.ended) this.refuse(`${printStep(step)} comes behind end()`);
    this.steps.push(step);
  }

  private advance(sources: readonly string[], watermark: number): void {
    if (Number.isNaN(watermark)) {
      this.refuse(`advanceWatermark(${watermark}): expected ms`);
    }
    for (const name of sources) {
      const before = this.watermarks.get(name);
      if (before !== undefined && watermark < before) {
        this.refuse(`advanceWatermark(${watermark}) goes back: source "${name}" is at ${before}`);
      }
    }
    for (const name of sources) this.watermarks.set(name, watermark);
  }

  private refuse(what: string): never {
    throw new MillraceError("TEST_STEP_INVALID", what);
  }

  private known(kind: string, name: string, names: readonly string[]): void {
    if (names.includes(name)) return;
    const list = names.map((each) => `"${each}"`).join(", ");
    throw new MillraceError("TEST_TARGET_UNKNOWN", `the job has no ${kind} "${name}", only ${list}`);
  }
}

/**
 * Tests a job without threads, connectors and clocks: its sources give what the test pushes, what its sinks are given
 * is compared, and everything between is the real thing. Every case is repeated with a snapshot and a restore after
 * every element, with outputs that take one record and refuse the next offer, without chaining, with frozen records,
 * and with every record through the codec.
 *
 * Rejects with what `run` rejects with of a job that is not right.
 *
 * @example
 * const t = await testJob(job, { params: {} });
 * t.source("tx").push({ account: "a", amount: 900 }, { at: 2_000 });
 * t.advanceWatermark(70_000);
 * await t.expect("alerts").toEqual([{ account: "a", amount: 900 }]);
 */
export async function testJob<P = any>(
  job: JobDefinition<P>,
  options: JobTestOptions<P> = {},
): Promise<JobHarness> {
  if (!isJobDefinition(job)) {
    throw new MillraceError(
      "JOB_INVALID",
      "testJob takes what defineJob() has made: import the job module's default export",
    );
  }
  return new JobHarness(job, options.params ?? {}, options).open();
}
