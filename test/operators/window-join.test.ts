/** Windows over two inputs driven by hand: pairs and groups, windows of all kinds, and the cursor between the pairs. */
import { expect } from "chai";
import { windowPairs } from "../../lib/api/added-windows.js";
import type { WindowOptions } from "../../lib/api/window-functions.js";
import type { ErrorCode } from "../../lib/base/error-catalogue.js";
import { ROUND_MS } from "../../lib/base/limits.js";
import type { AnyStream, DataStream } from "../../lib/index.js";
import type { AnyFunction, OperatorLogic } from "../../lib/operators/contract.js";
import { evictors } from "../../lib/operators/evictors.js";
import { sideOutput } from "../../lib/operators/process-context.js";
import type { Trigger } from "../../lib/operators/trigger.js";
import { triggers } from "../../lib/operators/triggers.js";
import type { WindowAssigner } from "../../lib/operators/window-assigner.js";
import { groupedSides, joinedPairs } from "../../lib/operators/window-join.js";
import { testOperator } from "../../lib/testing/index.js";
import { Bench } from "../../lib/testing/operator-bench.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";
import { globalWindows, session, sliding, tumbling, type Window } from "../../lib/time/windows.js";

interface Left {
  readonly k: unknown;
  readonly l: number;
  readonly gap?: number;
}
interface Right {
  readonly of: unknown;
  readonly r: number;
  readonly gap?: number;
}
type Place = { readonly key: unknown; readonly window: Window };

const late = sideOutput<Left | Right>("late");
const timeOf = (record: Left | Right) => ("l" in record ? record.l : record.r);

function paired(
  assigner: WindowAssigner,
  options: WindowOptions<any>,
  result: ReturnType<typeof joinedPairs>,
) {
  const place = { assigner, key: ({ k }: Left) => k, secondKey: ({ of }: Right) => of, options };
  return windowPairs("window-join", "join", place, result).logic;
}

const joinRow = ({ l }: Left, { r }: Right, { key, window }: Place) => `${key} ${window.start}: ${l}+${r}`;
const groupRow = (lefts: Left[], rights: Right[], { key, window }: Place) => {
  return [`${key} ${window.start}: ${lefts.map(({ l }) => l)}|${rights.map(({ r }) => r)}`];
};
const joined = (assigner: WindowAssigner, options: WindowOptions<any> = {}, join: AnyFunction = joinRow) =>
  paired(assigner, options, joinedPairs(join));
const grouped = (assigner: WindowAssigner, options: WindowOptions<any> = {}, group: AnyFunction = groupRow) =>
  paired(assigner, options, groupedSides(group));

/** ["l" or "r", time, key "a" unless it is said], `wm` a watermark, `wall` the clock. */
type Step =
  | readonly ["l" | "r", number, unknown?, number?]
  | { readonly wm: number }
  | { readonly wall: number };

const trialOf = (logic: OperatorLogic) => new OperatorTrial(() => logic);

function play(trial: OperatorTrial, steps: readonly Step[]): unknown[] {
  for (const step of steps) {
    if ("wm" in step) trial.advanceWatermark(step.wm);
    else if ("wall" in step) trial.setClock(step.wall);
    else {
      const [side, at, key = "a", gap = 1] = step;
      if (side === "l") trial.push({ k: key, l: at, gap } satisfies Left, at, 0);
      else trial.push({ of: key, r: at, gap } satisfies Right, at, 1);
    }
  }
  return trial.take();
}

const END = { wm: Number.POSITIVE_INFINITY };

describe("windows over two inputs", () => {
  it("joins every record of the one with every one of the other, in the order they came", () => {
    const trial = trialOf(joined(tumbling(10)));
    const steps: Step[] = [["r", 3], ["l", 5], ["l", 1], ["r", 9], ["l", 10], ["r", 11], END];
    expect(play(trial, steps)).to.deep.equal(["a 0: 5+3", "a 0: 5+9", "a 0: 1+3", "a 0: 1+9", "a 10: 10+11"]);
    expect(trial.times).to.deep.equal([9, 9, 9, 9, 19]);
  });

  it("joins nothing where a side is missing, or the key is another", () => {
    const steps: Step[] = [["l", 1], ["r", 12], ["l", 21, 1], ["r", 22, "1"], ["l", 31], ["r", 32], END];
    expect(play(trialOf(joined(tumbling(10))), steps)).to.deep.equal(["a 30: 31+32"]);
  });

  it("groups both sides of a window and key once, also where one is empty", () => {
    const steps: Step[] = [["l", 1], ["r", 2, "b"], ["l", 3], ["r", 4], ["r", 12], END];
    expect(play(trialOf(grouped(tumbling(10))), steps)).to.have.members([
      "a 0: 1,3|4",
      "b 0: |2",
      "a 10: |12",
    ]);
  });

  it("has a pair in all windows that slide over both", () => {
    const trial = trialOf(joined(sliding({ size: 10, slide: 5 })));
    expect(play(trial, [["l", 4], ["r", 7], ["r", -2], END])).to.deep.equal(["a -5: 4+-2", "a 0: 4+7"]);
    expect(trial.times).to.deep.equal([4, 9]);
  });

  it("a session goes on with records of either, and merges those of both", () => {
    const steps: Step[] = [["l", 0], ["r", 20], ["r", 40], ["l", 10], ["l", 47], END];
    expect(play(trialOf(joined(session(10))), steps)).to.deep.equal([
      "a 0: 0+20",
      "a 0: 10+20",
      "a 40: 47+40",
    ]);
    expect(play(trialOf(grouped(session(10))), steps)).to.deep.equal(["a 0: 0,10|20", "a 40: 47|40"]);
    const own = trialOf(grouped(session((record: Left | Right) => record.gap!)));
    const gaps: Step[] = [["l", 0, "a", 5], ["r", 4, "a", 100], ["l", 90, "a", 1], END];
    expect(play(own, gaps)).to.deep.equal(["a 0: 0,90|4"]);
    expect(own.times).to.deep.equal([103]);
  });

  it("counts the records of both in a global window, and purges both", () => {
    const steps: Step[] = [["l", 1], ["r", 2], ["l", 3], ["r", 4], ["r", 5], ["l", 6], ["l", 7], END];
    const purging = { trigger: triggers.purging(triggers.count(3)) };
    expect(play(trialOf(joined(globalWindows(), purging)), steps)).to.deep.equal([
      "a -Infinity: 1+2",
      "a -Infinity: 3+2",
      "a -Infinity: 6+4",
      "a -Infinity: 6+5",
    ]);
    const keeping = trialOf(grouped(globalWindows(), { trigger: triggers.count(3) }));
    expect(play(keeping, steps)).to.deep.equal(["a -Infinity: 1,3|2", "a -Infinity: 1,3,6|2,4,5"]);
    // What made it fire says when that was.
    expect(keeping.times).to.deep.equal([3, 6]);
  });

  it("tells a trigger of one's own which input a record is of", () => {
    const onSecond: Trigger<Left | Right> = {
      element: (record, ctx) => {
        expect("r" in record).to.equal(ctx.input === 1);
        return ctx.input === 1 ? "fire" : "continue";
      },
    };
    const steps: Step[] = [["l", 1], ["l", 2], ["r", 3], ["l", 4], END];
    expect(play(trialOf(grouped(tumbling(10), { trigger: onSecond })), steps)).to.deep.equal(["a 0: 1,2|3"]);
  });

  it("evicts from both sides as they came, or by which side it is", () => {
    const steps: Step[] = [["l", 1], ["r", 2], ["l", 3], ["r", 4], END];
    expect(play(trialOf(grouped(tumbling(10), { evictor: evictors.count(3) })), steps)).to.deep.equal([
      "a 0: 3|2,4",
    ]);
    const lastOfFirst = {
      before: (records: readonly { input?: 0 | 1 }[]) => [
        ...records.filter(({ input }) => input === 0).slice(-1),
        ...records.filter(({ input }) => input === 1),
      ],
    };
    expect(play(trialOf(joined(tumbling(10), { evictor: lastOfFirst as never })), steps)).to.deep.equal([
      "a 0: 3+2",
      "a 0: 3+4",
    ]);
    const sessions = trialOf(grouped(session(5), { evictor: evictors.count(2) }));
    expect(play(sessions, [["l", 0], ["r", 9], ["l", 5], END])).to.deep.equal(["a 0: 5|9"]);
  });

  it("fires again for what comes late but not too late; the rest of either goes to the late output", () => {
    const options = { allowedLateness: 5, lateData: late };
    const trial = trialOf(joined(tumbling(10), options));
    const steps: Step[] = [
      ["l", 1],
      { wm: 9 },
      ["r", 2],
      ["l", 3],
      { wm: 14 },
      ["l", 4],
      ["r", 5],
      ["r", 12],
      END,
    ];
    expect(play(trial, steps)).to.deep.equal(["a 0: 1+2", "a 0: 1+2", "a 0: 3+2"]);
    expect(trial.sides.map(([tag, record]) => [tag, timeOf(record as Left | Right)])).to.deep.equal([
      ["late", 4],
      ["late", 5],
    ]);
    const dropping = trialOf(joined(tumbling(10)));
    play(dropping, [{ wm: 20 }, ["l", 1], ["r", 2], ["r", 25]]);
    expect(dropping.lateRecordsDropped).to.equal(2);
  });

  it("goes by the clock with processing time", () => {
    const trial = trialOf(joined(tumbling(10, { time: "processing" })));
    const steps: Step[] = [
      { wall: 3 },
      ["l", 77],
      { wall: 9 },
      ["r", 5],
      { wall: 10 },
      ["r", 6],
      { wall: 40 },
    ];
    expect(play(trial, steps)).to.deep.equal(["a 0: 77+5"]);
  });

  it("keeps nothing of windows that are over", () => {
    for (const evictor of [undefined, evictors.count(9)]) {
      const options = evictor === undefined ? {} : { evictor };
      const trial = trialOf(joined(session(10), options));
      play(trial, [["l", 1], ["r", 50], ["l", 5], ["l", 55, 7], { wm: 1000 }]);
      const left = Object.entries(trial.plain.freeze()()).map(
        ([name, { length }]) => [name, length] as const,
      );
      expect(left.filter(([name, length]) => length > 0 && name !== "event time")).to.deep.equal([]);
    }
  });

  it("makes rows of a group lazily, of any iterable", () => {
    let made = 0;
    const lazy = function* (lefts: Left[], rights: Right[]) {
      for (const { l } of lefts) for (const { r } of rights) yield ++made && [l, r];
    };
    const bench = new Bench(grouped(tumbling(10), {}, lazy));
    for (const t of [1, 2]) {
      bench.operator.element({ k: "a", l: t }, t, 0);
      bench.operator.second!({ of: "a", r: t }, t, 0);
    }
    bench.credit = 1;
    expect(bench.operator.advance!(10)).to.equal(false);
    expect(made).to.equal(1);
    expect(
      play(trialOf(grouped(tumbling(10), {}, () => new Set(["x", "y"]))), [["l", 1], END]),
    ).to.deep.equal(["x", "y"]);
  });

  it("refuses promises, what is no iterable, and records without time", () => {
    const steps: Step[] = [["l", 1], ["r", 1], END];
    const attempt =
      (logic: OperatorLogic, given = steps) =>
      () =>
        play(trialOf(logic), given);
    for (const [code, call] of [
      ["USER_FUNCTION_ASYNC", attempt(joined(tumbling(10), {}, async () => 1))],
      ["USER_FUNCTION_ASYNC", attempt(grouped(tumbling(10), {}, async () => [1]))],
      ["USER_FUNCTION_ASYNC", attempt(grouped(tumbling(10), {}, () => [Promise.resolve(1)]))],
      ["USER_FUNCTION_FAILED", attempt(grouped(tumbling(10), {}, () => 1))],
      ["USER_FUNCTION_FAILED", attempt(grouped(tumbling(10), {}, () => undefined))],
      ["TIMESTAMP_MISSING", attempt(joined(tumbling(10)), [["r", Number.NaN]])],
    ] as const) {
      expect(call).to.throw().with.property("code", code);
    }
  });

  it("says on which pair a function has failed, and on which it gave a promise", async () => {
    const joins = {
      USER_FUNCTION_FAILED: ({ l }: Left, { r }: Right) => {
        if (l === 2 && r === 3) throw new Error("two and three");
        return l;
      },
      USER_FUNCTION_ASYNC: ({ l }: Left, { r }: Right) => (l === 2 && r === 3 ? Promise.resolve(l) : l),
    };
    for (const [code, join] of Object.entries(joins)) {
      await using t = await testOperator((lefts: DataStream<Left>, rights: DataStream<Right>) =>
        lefts
          .join(rights)
          .on(
            ({ k }) => k,
            ({ of }) => of,
          )
          .window(tumbling(10))
          .apply(join as (left: Left, right: Right) => unknown, "mine"),
      );
      for (const l of [1, 2]) t.push({ k: "a", l } as never, { at: l, input: 0 });
      for (const r of [3, 4]) t.push({ of: "a", r } as never, { at: r, input: 1 });
      t.advanceWatermark(10);
      const { place } = await t.expectFailure(code as ErrorCode);
      expect(place.operator).to.equal("mine");
      expect(JSON.parse(place.record!)).to.deep.equal({ first: { k: "a", l: 2 }, second: { of: "a", r: 3 } });
    }
  });

  it("names the user's functions, which are part of the program", () => {
    const trigger = triggers.count(1);
    const logic = joined(tumbling(10), { trigger });
    expect(logic.functions).to.include.members([joinRow, trigger.element]);
    expect(grouped(tumbling(10)).functions).to.include(groupRow);
  });
});

/** Key, text, time: what Flink's CoGroupJoinITCase joins and groups. */
type Entry = readonly [key: string, text: string, time: number];

describe("windows over two inputs answer as Flink's do", () => {
  const textOf = ([key, text, time]: Entry) => `(${key},${text === "" ? "" : `${text},`}${time})`;
  const entries = (texts: string): Entry[] =>
    texts.split(" ").map((each) => {
      const [key, text, time] = each.split(",") as [string, string, string];
      return [key, text, Number(time)];
    });
  const keyOf = ([key]: Entry) => key;

  async function expectRows(
    build: (one: DataStream<Entry>, two: DataStream<Entry>) => AnyStream<string>,
    [one, two]: readonly [string, string],
    expected: readonly string[],
  ): Promise<void> {
    await using t = await testOperator(build);
    for (const entry of entries(one)) t.push(entry, { at: entry[2], input: 0 });
    for (const entry of entries(two)) t.push(entry, { at: entry[2], input: 1 });
    t.end();
    await t.expect().toEqualInAnyOrder(expected);
  }

  it("co-group", () =>
    expectRows(
      (one, two) =>
        one
          .coGroup(two)
          .on(keyOf, keyOf)
          .window(tumbling(3))
          .apply((firsts, seconds) => [`F:${firsts.map(textOf).join("")} S:${seconds.map(textOf).join("")}`]),
      ["a,,0 a,,1 a,,2 b,,3 b,,4 b,,5 a,,6 a,,7 a,,8", "a,,0 a,,1 b,,3 c,,6 c,,7 c,,8"],
      [
        "F:(a,0)(a,1)(a,2) S:(a,0)(a,1)",
        "F:(b,3)(b,4)(b,5) S:(b,3)",
        "F:(a,6)(a,7)(a,8) S:",
        "F: S:(c,6)(c,7)(c,8)",
      ],
    ));

  const joinedTexts = (left: Entry, right: Entry) => `${textOf(left)}:${textOf(right)}`;
  const all = (lefts: string, rights: string) =>
    entries(lefts).flatMap((left) => entries(rights).map((right) => joinedTexts(left, right)));

  it("join", () =>
    expectRows(
      (one, two) => one.join(two).on(keyOf, keyOf).window(tumbling(3)).apply(joinedTexts),
      ["a,x,0 a,y,1 a,z,2 b,u,3 b,w,5 a,i,6 a,j,7 a,k,8", "a,u,0 a,w,1 b,i,3 b,k,5 a,x,6 a,z,8"],
      [
        ...all("a,x,0 a,y,1 a,z,2", "a,u,0 a,w,1"),
        ...all("b,u,3 b,w,5", "b,i,3 b,k,5"),
        ...all("a,i,6 a,j,7 a,k,8", "a,x,6 a,z,8"),
      ],
    ));

  it("join of a stream with itself, beside a union", () =>
    expectRows(
      (one, two) => {
        const both = one.union(two);
        return both.join(both).on(keyOf, keyOf).window(tumbling(3)).apply(joinedTexts);
      },
      ["a,x,0 a,z,2 b,u,3", "a,y,1 b,w,5"],
      [...all("a,x,0 a,y,1 a,z,2", "a,x,0 a,y,1 a,z,2"), ...all("b,u,3 b,w,5", "b,u,3 b,w,5")],
    ));
});

describe("the cursor between the pairs of a window", () => {
  const N = 30;

  function filled(options: WindowOptions<any> = {}): Bench {
    const bench = new Bench(joined(tumbling(100), options, ({ l }: Left, { r }: Right) => l * N + r));
    for (let t = 0; t < N; t++) {
      bench.operator.element({ k: "a", l: t }, t, 0);
      bench.operator.second!({ of: "a", r: t }, t, 0);
    }
    return bench;
  }
  const all = Array.from({ length: N * N }, (_, i) => i);

  it("stops at a closed gate and goes on there, whatever has become of the window", () => {
    const bench = filled();
    bench.operator.element({ k: "a", l: 100 }, 100, 0);
    bench.operator.second!({ of: "a", r: 100 }, 100, 0);
    bench.credit = 7;
    expect(bench.operator.advance!(500)).to.equal(false);
    expect(bench.take()).to.deep.equal(all.slice(0, 7));
    // At level 1 nothing is begun that can be put off.
    expect(bench.operator.proceed!()).to.equal(false);
    expect(bench.take()).to.deep.equal([]);
    bench.gate.level = 0;
    bench.credit = 5;
    expect(bench.operator.proceed!()).to.equal(false);
    expect(bench.take()).to.deep.equal(all.slice(7, 12));
    bench.gate.level = 0;
    bench.credit = Number.POSITIVE_INFINITY;
    expect(bench.operator.proceed!()).to.equal(true);
    expect(bench.take()).to.deep.equal(all.slice(12));
    expect(bench.operator.advance!(500)).to.equal(true);
    expect(bench.take()).to.deep.equal([100 * N + 100]);
  });

  it("is suspended within a record only where its outputs overflow", () => {
    const bench = filled({ trigger: triggers.purging(triggers.count(2 * N + 1)) });
    bench.credit = 7;
    bench.operator.second!({ of: "a", r: N }, N, 0);
    // Level 1: the record in hand is finished.
    expect(bench.take().length).to.equal(N * (N + 1));
    const overflowing = filled({ trigger: triggers.purging(triggers.count(2 * N + 1)) });
    overflowing.credit = 7;
    overflowing.closed = 2;
    overflowing.operator.second!({ of: "a", r: N }, N, 0);
    expect(overflowing.take().length).to.equal(7);
    expect(overflowing.operator.proceed!()).to.equal(false);
    overflowing.settle();
    expect(overflowing.take().length).to.equal(N * (N + 1) - 7);
    expect(overflowing.operator.proceed!()).to.equal(true);
  });

  it("makes room for the rest of the slot after a round, and asks to be woken", () => {
    const bench = filled();
    let rows = 0;
    // Every look at the clock finds it half a round later.
    Object.defineProperty(bench, "steady", { get: () => (ROUND_MS / 2) * rows++ });
    const wakes = bench.wakes;
    let turns = 1;
    while (!bench.operator.advance!(500)) turns++;
    expect(turns).to.be.greaterThan(3);
    expect(bench.wakes - wakes).to.equal(turns - 1);
    expect(bench.take()).to.deep.equal(all);
  });

  it("goes on with the other windows of a record behind the pairs of one", () => {
    const options = { trigger: triggers.count(2) };
    const trial = trialOf(joined(sliding({ size: 20, slide: 10 }), options));
    expect(
      play(trial, [
        ["l", 15],
        ["r", 16],
      ]),
    ).to.deep.equal(["a 10: 15+16", "a 0: 15+16"]);
  });
});
