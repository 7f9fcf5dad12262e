import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { MillraceError, type RunOptions, run } from "../lib/index.js";

const FAULTY = new URL("./jobs/faulty.js", import.meta.url);
const SQUARES = new URL("./jobs/streams.js", import.meta.url);

async function failure(program: string, options: RunOptions = {}, params = {}): Promise<MillraceError> {
  try {
    const job = await run(FAULTY, {
      inline: true,
      parallelism: 2,
      ...options,
      params: { program, ...params },
    });
    await job.completed;
  } catch (error) {
    expect(error).to.satisfy(MillraceError.is, String(error));
    return error as MillraceError;
  }
  return expect.fail("the job did not fail");
}

describe("engine", () => {
  it("refuses graphs that lead nowhere or name things twice", async () => {
    for (const program of ["empty", "noSink", "sameUid", "sameSink"]) {
      expect(await failure(program)).to.have.property("code", "GRAPH_INVALID");
    }
  });

  it("refuses parallelism that makes no sense", async () => {
    for (const options of [{ parallelism: 0 }, { parallelism: 1.5 }, { parallelism: 8, maxParallelism: 4 }]) {
      expect(await failure("schema", options), JSON.stringify(options)).to.have.property(
        "code",
        "PARALLELISM_INVALID",
      );
    }
    expect(await failure("schema", { hangTimeout: "soon" as never })).to.have.property(
      "code",
      "OPTION_INVALID",
    );
  });

  it("names operator and record where data does not fit", async () => {
    const schema = await failure("schema");
    expect(schema).to.include({ code: "RECORD_INVALID" });
    expect(schema.message).to.include("not positive");
    expect(schema.place).to.include({ operator: "in", record: "-3" });
    const sum = await failure("notNumber");
    expect(sum).to.include({ code: "AGGREGATE_NOT_NUMBER" });
    expect(sum.message).to.include('"s"');
    expect(await failure("badKey")).to.have.property("code", "KEY_INVALID");
    const carried = await failure("notCarriable");
    expect(carried).to.include({ code: "RECORD_NOT_CARRIABLE" });
    expect(carried.message).to.include("record.f");
    expect(await failure("tooLarge")).to.have.property("code", "RECORD_TOO_LARGE");
  }).timeout(60_000);

  it("notices a function that returns a promise", async () => {
    for (const program of ["promises", "promisedFilter"]) {
      const error = await failure(program);
      expect(error).to.have.property("code", "USER_FUNCTION_ASYNC");
      expect(error.place).to.include({ operator: "wait" });
      expect(error.place.record).to.be.oneOf(["1", "2"]);
    }
  });

  it("says what a sink could not do", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-engine-"));
    try {
      await writeFile(join(folder, "file"), "");
      const error = await failure("cannotWrite", {}, { to: join(folder, "file", "out") });
      expect(error).to.include({ code: "SINK_FAILED", retryable: true });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("ends a job whose results nobody reads, and knows no other sinks than its own", async () => {
    expect(await failure("notRead")).to.have.property("code", "RESULTS_NOT_READ");
    await using job = await run(SQUARES, { inline: true, params: { program: "flatMap" } });
    expect(() => job.results("nothing"))
      .to.throw("out")
      .with.property("code", "RESULTS_UNKNOWN");
    expect(job.sinks).to.deep.equal(["out"]);
    await job.cancel();
    expect(job.state).to.be.oneOf(["cancelled", "finished"]);
  }).timeout(60_000);

  it("stops at a signal and forgets what was not committed", async () => {
    const stop = new AbortController();
    const job = await run(SQUARES, {
      parallelism: 2,
      signal: stop.signal,
      params: { program: "hugeFlatMap" },
    });
    stop.abort();
    const error: unknown = await job.completed.catch((thrown: unknown) => thrown);
    expect(error).to.have.property("code", "JOB_CANCELLED");
    expect(job.state).to.equal("cancelled");
  });

  it("gives metrics of every subtask", async () => {
    await using job = await run(SQUARES, { parallelism: 2, params: { program: "rebalance" } });
    for await (const _ of job.results("out"));
    await job.completed;
    const metrics = job.metrics();
    const sum = (name: "recordsIn" | "recordsOut" | "bytesOut") =>
      metrics.reduce((all, each) => all + each[name], 0);
    expect(metrics.every(({ watermark }) => watermark === Number.POSITIVE_INFINITY)).to.equal(true);
    expect(sum("recordsIn")).to.be.at.least(5000);
    expect(sum("bytesOut")).to.be.greaterThan(0);
    expect(job.progress()).to.include({ records: 5000, done: 1 });
  });
});
