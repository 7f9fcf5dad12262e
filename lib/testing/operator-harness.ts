/** The harness of a part of a job: what `testOperator` answers. */
import { defineJob } from "../api/define-job.js";
import type { AnyStream, DataStream } from "../api/streams.js";
import type { Duration } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { ErrorCode } from "../base/error-catalogue.js";
import { blackholeSink } from "../connectors/blackhole/sink.js";
import type { Timestamp } from "../time/watermarks.js";
import { DRIVEN } from "./driven-source.js";
import { type Expectation, JobHarness, type TestOptions } from "./job-harness.js";

/** The streams that a part of a job is given, by the types of their records. */
export type InputStreams<I extends readonly unknown[]> = { [K in keyof I]: DataStream<I[K]> };

/** What a part of a job answers: a stream, or several by names of its own choice. */
export type OutputStreams = AnyStream<any> | Readonly<Record<string, AnyStream<any>>>;

/** Where a record is pushed. */
export interface PushOptions {
  /** Event time, ms or a Date; default: none. */
  readonly at?: Timestamp;
  /** Which stream it enters, counted from 0; default 0. */
  readonly input?: number;
}

const inputName = (input: number) => `input ${input}`;
/** The only output of a part that answers a stream. */
const OUTPUT = "output";

/** An operator, or several, under test: as `JobHarness`, without names where there is only one. */
export class OperatorHarness<T = any> implements AsyncDisposable {
  private readonly job: JobHarness;

  /** @internal */
  constructor(job: JobHarness) {
    this.job = job;
  }

  /** Gives a record. Throws TEST_TARGET_UNKNOWN for an input that there is not. */
  push(record: T, { at, input = 0 }: PushOptions = {}): this {
    this.job.source(inputName(input)).push(record, at === undefined ? {} : { at });
    return this;
  }

  /** Event time of one input, or else of all, reaches `watermark`. Throws TEST_STEP_INVALID where it goes back. */
  advanceWatermark(watermark: Timestamp, { input }: Pick<PushOptions, "input"> = {}): this {
    if (input === undefined) this.job.advanceWatermark(watermark);
    else this.job.source(inputName(input)).advanceWatermark(watermark);
    return this;
  }

  /** Wall time goes on, in one leap. Throws TEST_STEP_INVALID where it would go back. */
  advanceClock(by: Duration): this {
    this.job.advanceClock(by);
    return this;
  }

  /** All inputs end. Nothing can follow. */
  end(): this {
    this.job.end();
    return this;
  }

  /** What came out, of the output of that name where there are several. Throws TEST_TARGET_UNKNOWN. */
  expect<R = any>(output = OUTPUT): Expectation<R> {
    return this.job.expect<R>(output);
  }

  /** The names of its outputs. */
  get outputs(): readonly string[] {
    return this.job.sinks;
  }

  /** As `JobHarness.expectFailure`. */
  expectFailure(code: ErrorCode): Promise<MillraceError> {
    return this.job.expectFailure(code);
  }

  /** What has come out so far in the first variation. Throws TEST_TARGET_UNKNOWN. */
  rows<R = any>(output = OUTPUT): Promise<readonly R[]> {
    return this.job.rows<R>(output);
  }

  /** Has every variation go through the steps so far. Rejects with what one fails with. */
  run(): Promise<void> {
    return this.job.run();
  }

  /** Ends it in every variation. */
  close(): Promise<void> {
    return this.job.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Tests an operator, or a part of a job, as `testJob` tests a whole one. `build` is given as many streams as it has
 * parameters, and answers the stream that is looked at, or several by name.
 *
 * @example
 * const t = await testOperator((words: DataStream<string>) => words.keyBy((word) => word).dedupe((word) => word));
 * t.push("a").push("b").push("a");
 * await t.expect().toEqual(["a", "b"]);
 */
export async function testOperator<I extends readonly unknown[]>(
  build: (...inputs: InputStreams<I>) => OutputStreams,
  options: TestOptions = {},
): Promise<OperatorHarness<I[number]>> {
  const inputs = build.length;
  if (inputs === 0) {
    throw new MillraceError(
      "OPTION_INVALID",
      "the function of testOperator has no parameters: it is given no stream",
    );
  }
  const job = defineJob("operator", (env) => {
    const streams = Array.from({ length: inputs }, (_, input) => env.source(inputName(input), DRIVEN));
    const built = build(...(streams as never));
    const outputs = isStream(built) ? { [OUTPUT]: built } : built;
    for (const [name, stream] of Object.entries(outputs)) stream.sink(name, blackholeSink());
  });
  return new OperatorHarness(await new JobHarness(job, {}, options).open());
}

function isStream(built: OutputStreams): built is AnyStream<any> {
  return "sink" in built && typeof built.sink === "function";
}
