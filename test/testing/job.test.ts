import { expect } from "chai";
import {
  accumulators,
  collectSink,
  count,
  defineJob,
  type Environment,
  iterableSource,
  MillraceError,
  tumbling,
  type,
  value,
  watermarks,
} from "../../lib/index.js";
import { type JobHarness, testJob, type VariationName } from "../../lib/testing/index.js";

interface Tx {
  readonly account: string;
  readonly amount: number;
}

/** A small amount followed within a minute by a large one. */
const fraud = defineJob("fraud", (env) => {
  env
    .source<Tx>(
      "tx",
      iterableSource(() => [] as Tx[]),
    )
    .keyBy((tx) => tx.account)
    .process("fraud", {
      out: type<Tx>(),
      state: { small: value<boolean>() },
      element(tx, ctx) {
        if (ctx.state.small.get() === true && tx.amount > 500)
          ctx.emit({ account: ctx.key, amount: tx.amount });
        if (tx.amount < 1) {
          ctx.state.small.update(true);
          ctx.timers.eventTime(ctx.timestamp + 60_000);
        }
      },
      timer(_time, ctx) {
        ctx.state.small.clear();
      },
    })
    .sink("alerts", collectSink());
});

async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<MillraceError> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (MillraceError.is(error)) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

interface Event {
  readonly key: string;
  readonly n: number;
  readonly at: number;
}

/** A job from "in" to "out". */
function between(build: (env: Environment) => void, options = {}): Promise<JobHarness> {
  return testJob(defineJob("tested", build), options);
}

const input = (env: Environment, options = {}) =>
  env.source<Event>(
    "in",
    iterableSource(() => [] as Event[]),
    options,
  );
const event = (key: string, n: number, at = n): Event => ({ key, n, at });

describe("testJob", () => {
  it("runs a job through what a test says, in every variation", async () => {
    await using t = await testJob(fraud, { params: {} });
    t.source("tx").push({ account: "a", amount: 0.5 }, { at: 1_000 });
    t.source("tx").push({ account: "a", amount: 900 }, { at: 2_000 });
    await t.expect("alerts").toEqual([{ account: "a", amount: 900 }]);
    t.advanceWatermark(70_000);
    t.source("tx").push({ account: "a", amount: 901 }, { at: 71_000 });
    await t.expect("alerts").toEqual([{ account: "a", amount: 900 }]);
    await t.expect("alerts").toHaveTimestamps([2_000]);
    expect(await t.rows("alerts")).to.deep.equal([{ account: "a", amount: 900 }]);
  });

  it("takes times from the source's watermarks, moves them only when told, and ends", async () => {
    await using t = await between((env) => {
      input(env, { watermarks: watermarks.monotonous<Event>(({ at }) => at) })
        .keyBy(({ key }) => key)
        .window(tumbling("10ms"))
        .aggregate({ n: count() }, ({ n }, { key, window }) => ({ key, start: window.start, n }))
        .sink("out", collectSink());
    });
    const source = t.source<Event>("in");
    source.push(event("a", 1)).push(event("b", 2)).push(event("a", 100)).push(event("a", 3));
    await t.expect("out").toEqual([]);
    source.advanceWatermark(9);
    const first = [
      { key: "a", start: 0, n: 2 },
      { key: "b", start: 0, n: 1 },
    ];
    await t.expect("out").toEqualInAnyOrder(first);
    source.push(event("a", 4));
    t.end();
    await t.expect("out").toEqualInAnyOrder([...first, { key: "a", start: 100, n: 1 }]);
    expect(() => source.push(event("a", 1)))
      .to.throw(MillraceError)
      .with.property("code", "TEST_STEP_INVALID");
  });

  it("fires timers of processing time when the clock is advanced", async () => {
    await using t = await between(
      (env) =>
        input(env)
          .keyBy(({ key }) => key)
          .process("later", {
            out: type<number>(),
            state: {},
            element: (_event, ctx) => void ctx.timers.processingTime(ctx.processingTime() + 1_000),
            timer: (time, ctx) => ctx.emit(time),
          })
          .sink("out", collectSink()),
      { startTime: 500 },
    );
    t.source("in").push(event("a", 1));
    t.advanceClock("999ms");
    await t.expect("out").toEqual([]);
    t.advanceClock(1);
    await t.expect("out").toEqual([1_500]);
  });

  it("answers in the order it was asked, of the steps until then, whoever awaits", async () => {
    await using t = await between((env) => input(env).sink("out", collectSink()));
    const given = { key: "a", n: 1, at: 1 };
    t.source("in").push(given, { at: new Date(5) });
    given.n = 7;
    const first = t.expect("out").toEqual([event("a", 1)]);
    t.source("in").push(event("a", 2), { at: 6 });
    const second = t.expect("out").toHaveTimestamps([5, 6]);
    await Promise.all([first, second, t.rows("out"), t.run()]);
    const third = t.expect("out").toEqual([]);
    t.advanceWatermark(new Date(7));
    expect(() => t.advanceWatermark(6)).to.throw(MillraceError);
    expect((await codeOf(third)).code).to.equal("TEST_EXPECTATION_FAILED");
    await t.expect("out").toEqual([event("a", 1), event("a", 2)]);
  });

  it("tells sources of one name apart", async () => {
    await using t = await between((env) => {
      input(env)
        .map(({ n }) => n)
        .union(input(env).map(({ n }) => -n))
        .sink("out", collectSink());
    });
    expect([t.sources, t.sinks]).to.deep.equal([["in", "in-2"], ["out"]]);
    t.source("in").push(event("a", 1)).push(event("a", 2));
    t.source("in-2").push(event("a", 3));
    await t.expect("out").toEqual([1, 2, -3]);
  });

  it("waits for answers from outside", async () => {
    await using t = await between((env) =>
      input(env)
        .asyncMap(({ n }) => new Promise<number>((resolve) => setTimeout(resolve, 5, n * 2)), {
          order: "ordered",
        })
        .sink("out", collectSink()),
    );
    t.source("in").push(event("a", 1)).push(event("a", 2));
    await t.expect("out").toEqual([2, 4]);
  });
});

describe("testJob, of what is not right,", () => {
  const passing = () => between((env) => input(env).sink("out", collectSink()));

  it("refuses names that the job does not have, and lists those it has", async () => {
    await using t = await passing();
    const { code, message } = await codeOf(() => t.source("inn"));
    expect([code, message]).to.deep.equal(["TEST_TARGET_UNKNOWN", 'the job has no source "inn", only "in"']);
    expect((await codeOf(() => t.expect("alerts"))).message).to.equal(
      'the job has no sink "alerts", only "out"',
    );
    expect((await codeOf(t.rows("alerts"))).code).to.equal("TEST_TARGET_UNKNOWN");
  });

  it("refuses what goes back, and what is no time", async () => {
    await using t = await passing();
    t.advanceWatermark(10);
    for (const step of [
      () => t.advanceWatermark(9),
      () => t.source("in").advanceWatermark(9),
      () => t.advanceWatermark(Number.NaN),
      () => t.advanceClock(-1),
      () => t.source("in").push(event("a", 1), { at: Number.NaN }),
    ]) {
      expect((await codeOf(step)).code).to.equal("TEST_STEP_INVALID");
    }
    const { message } = await codeOf(() => t.advanceWatermark(9));
    expect(message).to.equal('advanceWatermark(9) goes back: source "in" is at 10');
    t.advanceWatermark(10).end();
    expect((await codeOf(() => t.end())).message).to.equal("end() comes behind end()");
  });

  it("refuses options and jobs that are none", async () => {
    expect((await codeOf(testJob({} as never))).code).to.equal("JOB_INVALID");
    const code = async (options: object) => (await codeOf(testJob(fraud, options))).code;
    expect(await code({ variations: ["quick"] })).to.equal("OPTION_INVALID");
    expect(await code({ variations: [] })).to.equal("OPTION_INVALID");
    expect(await code({ rowsMax: 0 })).to.equal("OPTION_INVALID");
    expect(await code({ startTime: Number.NaN })).to.equal("OPTION_INVALID");
    expect(await code({ answers: "soon" })).to.equal("OPTION_INVALID");
    expect((await codeOf(between((env) => void input(env)))).code).to.equal("GRAPH_INVALID");
  });

  it("ends a case that never ends", async () => {
    await using t = await between(
      (env) =>
        input(env)
          .flatMap(function* ({ n }) {
            for (;;) yield n;
          })
          .sink("out", collectSink()),
      { rowsMax: 1_000 },
    );
    t.source("in").push(event("a", 1));
    const error = await t.expectFailure("TEST_ENDLESS");
    expect(error.message).to.match(
      /^the step has led to more than 1000 rows \(variation "plain", at step 1, push/,
    );
  });

  it("gives each row once when a snapshot holds what was asked for", async () => {
    await using t = await between(
      (env) =>
        input(env)
          .asyncMap(({ n }) => new Promise<number>((resolve) => setTimeout(resolve, 1, n * 2)), {
            order: "ordered",
          })
          .sink("out", collectSink()),
      // Nobody waits for answers: they come at any time, between a barrier and the restart as well.
      { answers: 0, variations: ["restored"] },
    );
    const rows: number[] = [];
    for (let n = 0; n < 30; n++) {
      t.source("in").push(event("a", n));
      rows.push(n * 2);
    }
    t.end();
    const deadline = Date.now() + 5_000;
    while ((await t.rows("out")).length < rows.length && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(await t.rows("out")).to.deep.equal(rows);
  });

  it("goes on without answers that never come, and times them out", async () => {
    await using t = await between(
      (env) =>
        input(env)
          .asyncMap(() => new Promise<number>(() => undefined), { timeout: "5s", onError: "skip" })
          .sink("out", collectSink()),
      { answers: 1 },
    );
    t.source("in").push(event("a", 1));
    t.advanceClock("5s");
    t.end();
    await t.expect("out").toEqual([]);
  });

  it("says where a function failed, and expects that it does", async () => {
    await using t = await between((env) =>
      input(env)
        .map(({ n }) => {
          if (n === 2) throw new RangeError("two");
          return n;
        })
        .sink("out", collectSink()),
    );
    t.source("in").push(event("a", 1));
    const unmet = await codeOf(t.expectFailure("USER_FUNCTION_FAILED"));
    expect(unmet.message).to.include("nothing failed");
    t.source("in").push(event("a", 2));
    const { code, message, place } = await codeOf(t.expect("out").toEqual([1]));
    expect(code).to.equal("USER_FUNCTION_FAILED");
    expect(message).to.equal(
      'two (variation "plain", at step 2, push({ key: \'a\', n: 2, at: 2 }) into "in")',
    );
    expect(place.operator).to.equal("map");
    expect((await t.expectFailure("USER_FUNCTION_FAILED")).message).to.equal(message);
  });

  it("asks for times and checks records as the source does", async () => {
    const schema = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: (given: unknown) =>
          typeof (given as Event).n === "number"
            ? { value: given as Event }
            : { issues: [{ message: "is no number", path: ["n"] }] },
      },
    };
    const timed = (timestampOf: (event: Event) => number) =>
      between((env) =>
        input(env, { watermarks: watermarks.monotonous(timestampOf), schema }).sink("out", collectSink()),
      );
    await using right = await timed(({ at }) => at);
    right.source("in").push(event("a", 1, 7));
    await right.expect("out").toHaveTimestamps([7]);
    right.source("in").push({ key: "a", n: "1", at: 7 });
    expect((await right.expectFailure("RECORD_INVALID")).message).to.include("n: is no number");
    await using none = await timed(() => Number.NaN);
    none.source("in").push(event("a", 1));
    const { message, place } = await none.expectFailure("TIMESTAMP_INVALID");
    expect([message.includes("the timestamp is NaN"), place.operator]).to.deep.equal([true, "in"]);
  });

  it("tells what the job's accumulators have come to", async () => {
    await using t = await between((env) => {
      const sum = env.accumulator("sum", accumulators.int());
      input(env)
        .map({
          map({ n }, ctx) {
            ctx.accumulator(sum).add(n);
            return n;
          },
        })
        .sink("out", collectSink());
    });
    expect(await t.accumulators()).to.deep.equal({ sum: 0 });
    t.source("in").push(event("a", 1)).push(event("a", 5));
    await t.expect("out").toEqual([1, 5]);
    expect(await t.accumulators()).to.deep.equal({ sum: 6 });
    t.source("in").push(event("a", 7)).push(event("a", 1));
    t.end();
    expect(await t.accumulators()).to.deep.equal({ sum: 14 });
  });

  it("shows what is missing and what is too much, at which step", async () => {
    await using t = await between((env) =>
      input(env)
        .map(({ n }) => n)
        .sink("out", collectSink()),
    );
    for (let n = 0; n < 10; n++) t.source("in").push(event("a", n));
    const { message } = await codeOf(t.expect("out").toEqual([0, 1, 2, 3, 4, 5, 60, 7, 8, 9]));
    expect(message.split("\n")).to.deep.equal([
      'sink "out" is not as expected in the variation "plain"',
      "  ... 3 more that are the same",
      "  3",
      "  4",
      "  5",
      "- 60",
      "+ 6   (at step 7, push({ key: 'a', n: 6, at: 6 }) into \"in\")",
      "  7",
      "  8",
      "  9",
    ]);
    await t.expect("out").toEqualInAnyOrder([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });
});

describe("variations", () => {
  /** Fails in this variation, and in none before it. */
  async function finds(
    name: VariationName,
    build: (env: Environment) => void,
    rows: unknown[],
  ): Promise<string> {
    await using t = await between(build);
    t.source("in").push(event("a", 1)).push(event("a", 2)).push(event("a", 3));
    const { code, message } = await codeOf(t.expect("out").toEqual(rows));
    expect(code, message).to.be.oneOf(["TEST_EXPECTATION_FAILED", "RECORD_CHANGED", "RECORD_NOT_CARRIABLE"]);
    expect(message).to.include(`variation "${name}"`);
    await using without = await between(build, {
      variations: ["plain", "restored", "tiny outputs", "unchained", "frozen", "codec"].filter(
        (each) => each !== name,
      ),
    });
    without.source("in").push(event("a", 1)).push(event("a", 2)).push(event("a", 3));
    await without.expect("out").toEqual(rows);
    return message;
  }

  it("restored: finds what is kept in a variable", async () => {
    const message = await finds(
      "restored",
      (env) => {
        let sum = 0;
        input(env)
          .map(({ n }) => {
            sum += n;
            return sum;
          })
          .sink("out", collectSink());
      },
      [1, 3, 6],
    );
    expect(message).to.include("- 3   (at step 2, push({ key: 'a', n: 2, at: 2 }) into \"in\")");
    expect(message).to.include("+ 2   (at step 2, push({ key: 'a', n: 2, at: 2 }) into \"in\")");
  });

  it("restored: finds state that is changed without update()", async () => {
    await finds(
      "restored",
      (env) =>
        input(env)
          .keyBy(({ key }) => key)
          .process("sums", {
            out: type<number>(),
            state: { sum: value<{ n: number }>() },
            element({ n }, ctx) {
              const sum = ctx.state.sum.get();
              if (sum === undefined) ctx.state.sum.update({ n });
              else sum.n += n;
              ctx.emit(ctx.state.sum.get()!.n);
            },
          })
          .sink("out", collectSink()),
      [1, 3, 6],
    );
  });

  it("frozen: finds a function that changes what it was given", async () => {
    const message = await finds(
      "frozen",
      (env) =>
        input(env)
          .map((given) => {
            (given as { n: number }).n *= 2;
            return given.n;
          })
          .sink("out", collectSink()),
      [2, 4, 6],
    );
    expect(message).to.include("at step 1");
  });

  it("codec: finds what does not cross threads", async () => {
    await finds(
      "codec",
      (env) =>
        input(env)
          .map(({ n }) => ({ n, twice: () => n * 2 }))
          .map(({ twice }) => twice())
          .sink("out", collectSink()),
      [2, 4, 6],
    );
  });
});
