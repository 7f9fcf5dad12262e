/** Operators as users write them, through `testOperator`. */
import { expect } from "chai";
import { count, type DataStream, MillraceError, session, sideOutput, tumbling } from "../../lib/index.js";
import { testOperator } from "../../lib/testing/index.js";

interface Order {
  readonly id: number;
}
interface Payment {
  readonly order: number;
  readonly at: number;
}

async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (MillraceError.is(error)) return error.code;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

describe("testOperator", () => {
  it("gives a part of a job one stream, and looks at what it answers", async () => {
    await using t = await testOperator((words: DataStream<string>) => words.keyBy((word) => word).dedupe());
    t.push("a").push("b").push("a");
    await t.expect().toEqual(["a", "b"]);
    expect(await t.rows()).to.deep.equal(["a", "b"]);
  });

  it("gives it as many as it has parameters", async () => {
    await using t = await testOperator((orders: DataStream<Order>, payments: DataStream<Payment>) =>
      orders
        .keyBy(({ id }) => id)
        .intervalJoin(
          payments.keyBy(({ order }) => order),
          { lower: 0, upper: "10s" },
          ({ id }, { at }) => ({ id, at }),
        ),
    );
    t.push({ id: 1 }, { at: 1_000 }).push({ order: 1, at: 5 }, { at: 11_000, input: 1 });
    t.push({ order: 1, at: 6 }, { at: 11_001, input: 1 });
    t.advanceWatermark(50_000, { input: 0 }).advanceWatermark(20_000, { input: 1 });
    t.push({ id: 2 }, { at: 15_000 });
    await t.expect().toEqual([{ id: 1, at: 5 }]);
    await t.expect().toHaveTimestamps([11_000]);
    expect(await codeOf(() => t.push({ id: 3 }, { input: 2 }))).to.equal("TEST_TARGET_UNKNOWN");
    expect(await codeOf(() => t.advanceWatermark(1, { input: 1 }))).to.equal("TEST_STEP_INVALID");
  });

  it("looks at several outputs by name: late records of windows", async () => {
    const late = sideOutput<{ key: string; n: number }>("late");
    await using t = await testOperator((events: DataStream<{ key: string; n: number }>) => {
      const windows = events
        .keyBy(({ key }) => key)
        .window(tumbling("10ms"), { lateData: late })
        .aggregate({ n: count() }, ({ n }, { key }) => `${key} ${n}`);
      return { windows, late: windows.side(late).map(({ n }) => n) };
    });
    t.push({ key: "a", n: 1 }, { at: 1 }).push({ key: "a", n: 2 }, { at: 12 });
    t.advanceWatermark(9).push({ key: "a", n: 3 }, { at: 2 }).end();
    await t.expect("windows").toEqual(["a 1", "a 1"]);
    await t.expect("late").toEqual([3]);
    expect(await codeOf(() => t.expect())).to.equal("TEST_TARGET_UNKNOWN");
  });

  it("goes through sessions, by the clock as well", async () => {
    for (const time of ["event", "processing"] as const) {
      await using t = await testOperator((clicks: DataStream<string>) =>
        clicks
          .keyBy((user) => user)
          .window(session("10ms", { time }))
          .aggregate({ n: count() }, ({ n }, { key, window: { start, end } }) => ({ key, start, end, n })),
      );
      t.push("a", { at: 0 }).advanceClock(5).push("a", { at: 5 }).push("b", { at: 5 }).advanceClock(30);
      t.push("a", { at: 35 }).advanceWatermark(40).advanceClock(10).end();
      await t.expect().toEqualInAnyOrder([
        { key: "a", start: 0, end: 15, n: 2 },
        { key: "b", start: 5, end: 15, n: 1 },
        { key: "a", start: 35, end: 45, n: 1 },
      ]);
    }
  });

  it("refuses a function that takes no stream, and fails as the operator does", async () => {
    expect(await codeOf(testOperator(() => ({})))).to.equal("OPTION_INVALID");
    await using t = await testOperator((numbers: DataStream<number>) =>
      numbers.map((n) => {
        if (n < 0) throw new RangeError("below zero");
        return n;
      }),
    );
    t.push(1).push(-1);
    await t.expectFailure("USER_FUNCTION_FAILED");
    expect(await codeOf(t.run())).to.equal("USER_FUNCTION_FAILED");
  });
});
