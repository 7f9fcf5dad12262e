/** Jobs that go wrong in worker threads: which error says so, how soon, and what is left behind. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type Job, MillraceError, type RunOptions, run } from "../../lib/index.js";

const SOURCES = new URL("../../../test/jobs/", import.meta.url);
const SQUARES = new URL("../jobs/squares.js", import.meta.url);
const FAILING = new URL("../jobs/fail-in-map.js", import.meta.url);
/** From the moment a function goes wrong to the end of the job, with its threads, on a busy machine. */
const END_MS = 2000;

/** `file:line` of the line that holds a text. */
async function placeOf(file: string, text: string): Promise<string> {
  const path = fileURLToPath(new URL(file, SOURCES));
  const lines = (await readFile(path, "utf8")).split("\n");
  return `${path}:${lines.findIndex((line) => line.includes(text)) + 1}`;
}

async function errorOf(job: Job): Promise<MillraceError> {
  const error = await job.completed.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!MillraceError.is(error)) throw new Error(`ended with ${String(error)}`);
  return error;
}

/** Threads and ports that this process holds. */
function held(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /Port|Worker/i.test(name));
}

describe("a job that fails in a worker thread", function () {
  this.timeout(20_000);
  let folder: string;
  let out: string;
  let mark: string;
  let before: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-failures-"));
    out = join(folder, "out");
    mark = join(folder, "mark");
    before = held();
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const start = (how: string, options: RunOptions = {}, module = FAILING) =>
    run(module, { parallelism: 2, params: { how, out, mark }, ...options });

  /** ms since the function went wrong. */
  const sinceMark = async () => Date.now() - Number(await readFile(mark, "utf8"));

  /** A closed port goes a few turns of the event loop later. */
  const expectNoThreads = async () => {
    for (let tries = 0; tries < 50 && held().length > before.length; tries++) await sleep(5);
    expect(held(), "threads and ports").to.deep.equal(before);
  };

  const expectNothingLeft = async () => {
    expect(await readdir(out), "files of the sink").to.deep.equal([]);
    await expectNoThreads();
  };

  it("names operator, subtask, record and line of a function that throws", async () => {
    const job = await start("throw");
    const error = await errorOf(job);
    expect(await sinceMark()).to.be.below(END_MS);
    expect(error.code).to.equal("USER_FUNCTION_FAILED");
    expect(error.message).to.equal("order 20000 is out of stock");
    expect(error.place).to.include({ job: "fail-in-map", operator: "step", subtask: 0 });
    expect(error.place.record).to.include("20000");
    expect(error.place.at).to.match(/:\d+:\d+$/);
    expect(error.place.at).to.include(await placeOf("fail-in-map.ts", "// thrown here"));
    expect(error.cause).to.be.instanceOf(Error).with.property("name", "RangeError");
    expect(job.state).to.equal("failed");
    await expectNothingLeft();
  });

  it("names the line of a .ts job that was never compiled", async () => {
    const error = await errorOf(await start("throw", {}, new URL("fail-in-map.ts", SOURCES)));
    expect(error.code).to.equal("USER_FUNCTION_FAILED");
    expect(error.place.at).to.include(await placeOf("fail-in-map.ts", "// thrown here"));
    await expectNothingLeft();
  });

  it("names the line inline too", async () => {
    const error = await errorOf(await start("throw", { inline: true }, new URL("fail-in-map.ts", SOURCES)));
    expect(error.place.operator).to.equal("step");
    expect(error.place.at).to.include(await placeOf("fail-in-map.ts", "// thrown here"));
    await expectNothingLeft();
  });

  it("names no line of its own where a timestamp is none", async () => {
    const error = await errorOf(
      await run(new URL("../jobs/fail-time.js", import.meta.url), { parallelism: 2 }),
    );
    expect(error.code).to.equal("TIMESTAMP_INVALID");
    expect(error.message).to.include("NaN");
    expect(error.place).to.include({ operator: "clicks" });
    expect(error.place.record).to.include("yesterday");
    expect(error.place.at).to.equal(undefined);
  });

  it("ends at a rejection that nobody handles", async () => {
    const error = await errorOf(await start("reject"));
    expect(error.code).to.equal("SLOT_CRASHED");
    expect(error.message).to.match(/slot \d: nobody waits for order 20000/);
    await expectNothingLeft();
  });

  it("says which slot process.exit() ended", async () => {
    const job = await start("exit");
    const error = await errorOf(job);
    expect(await sinceMark()).to.be.below(END_MS);
    expect(error.code).to.equal("SLOT_EXITED");
    expect(error.hint).to.include("process.exit()");
    expect(job.state).to.equal("failed");
    await expectNothingLeft();
  });

  it("ends at the limit of a slot's heap", async () => {
    const error = await errorOf(await start("heap", { slotHeapMb: 64 }));
    expect(error.code).to.equal("SLOT_HEAP_EXHAUSTED");
    expect(error.retryable).to.equal(true);
    await expectNothingLeft();
  });

  it("ends at the limit of a slot's heap also within one call", async () => {
    const job = await start("heapAtOnce", { slotHeapMb: 64 });
    expect((await errorOf(job)).code).to.equal("SLOT_HEAP_EXHAUSTED");
    await expectNothingLeft();
  });

  it("ends at the limit of a slot's Buffers", async () => {
    const error = await errorOf(await start("buffers", { slotHeapMb: 64 }));
    expect(error.code).to.equal("SLOT_BUFFERS_EXHAUSTED");
    await expectNothingLeft();
  });

  it("notices a function that does not return", async () => {
    const error = await errorOf(await start("hang", { hangTimeout: "1s" }));
    const ms = await sinceMark();
    expect(error.code).to.equal("SLOT_HUNG");
    expect(error.message).to.include("step").and.include("subtask 0");
    expect(ms).to.be.within(900, 1000 + 1500);
    await expectNothingLeft();
  });

  it("runs the next job after each of these", async () => {
    for (const how of ["throw", "exit", "hang"]) await errorOf(await start(how, { hangTimeout: 300 }));
    const job = await run(SQUARES, { parallelism: 2 });
    const squares: number[] = [];
    for await (const row of job.results<{ square: number }>("squares")) squares.push(row.square);
    await job.completed;
    expect(squares.sort((a, b) => a - b)).to.deep.equal([0, 1, 4, 9, 16]);
    await expectNoThreads();
  });

  it("tells the readers of results about the failure", async () => {
    const job = await run(SQUARES, { parallelism: 2, params: { count: 1e9 } });
    const read = (async () => {
      for await (const _ of job.results("squares")) await job.cancel();
    })();
    const reason = await read.catch((error: unknown) => error);
    expect(reason).to.have.property("code", "JOB_CANCELLED");
  });

  describe("cancelling", () => {
    /** Until the sink has begun a part. */
    const partBegun = async () => {
      for (let tries = 0; tries < 500; tries++) {
        const names = await readdir(out).catch(() => []);
        if (names.some((name) => name.startsWith("."))) return;
        await sleep(10);
      }
      throw new Error("the sink began no part");
    };

    it("throws away what was written", async () => {
      const job = await start("nothing");
      await partBegun();
      const since = Date.now();
      await job.cancel();
      expect(Date.now() - since).to.be.below(END_MS);
      expect((await errorOf(job)).code).to.equal("JOB_CANCELLED");
      expect(job.state).to.equal("cancelled");
      await expectNothingLeft();
    });

    it("by a signal, also one that was aborted before", async () => {
      const abort = new AbortController();
      const job = await start("nothing", { signal: abort.signal });
      await partBegun();
      abort.abort();
      expect((await errorOf(job)).code).to.equal("JOB_CANCELLED");
      expect((await errorOf(await start("nothing", { signal: abort.signal }))).code).to.equal(
        "JOB_CANCELLED",
      );
      await expectNothingLeft();
    });

    it("does nothing to a job that has ended", async () => {
      const job = await run(SQUARES, { parallelism: 2 });
      await job.completed;
      await job.cancel();
      expect(job.state).to.equal("finished");
    });
  });
});

describe("a function that answers a promise", () => {
  const start = (where: string) =>
    run(new URL("../jobs/fail-async.js", import.meta.url), { parallelism: 1, params: { where } });

  for (const [where, operator] of [
    ["map", "next"],
    ["filter", "large"],
    ["key", "by key"],
  ] as const) {
    it(`is refused before the job starts: ${where}`, async () => {
      const reason = await start(where).then(
        (job) => job.cancel(),
        (error: unknown) => error,
      );
      expect(reason).to.have.property("code", "USER_FUNCTION_ASYNC");
      expect((reason as MillraceError).place.operator).to.equal(operator);
    });
  }

  it("fails at the first record where nothing told before", async () => {
    const error = await errorOf(await start("unseen"));
    expect(error.code).to.equal("USER_FUNCTION_ASYNC");
    expect(error.message).to.include("promise");
    expect(error.place.operator).to.equal("later");
  });
});
