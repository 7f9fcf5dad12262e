/** The general windows driven by hand: what fires when, gates, snapshot and restore, and properties. */
import { expect } from "chai";
import { windowAggregate, windowFunction } from "../../lib/api/added-windows.js";
import type { WindowFunction, WindowOptions } from "../../lib/api/window-functions.js";
import { avg, count, custom, max, min, sum } from "../../lib/operators/aggregates.js";
import type { OperatorLogic } from "../../lib/operators/contract.js";
import { evictors } from "../../lib/operators/evictors.js";
import { sideOutput } from "../../lib/operators/process-context.js";
import type { Trigger } from "../../lib/operators/trigger.js";
import { triggers } from "../../lib/operators/triggers.js";
import type { WindowAssigner } from "../../lib/operators/window-assigner.js";
import type { ValueDescriptor } from "../../lib/state/contract.js";
import { value } from "../../lib/state/descriptors.js";
import { canonicalKey } from "../../lib/state/key.js";
import { Bench } from "../../lib/testing/operator-bench.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";
import { globalWindows, session, sliding, tumbling } from "../../lib/time/windows.js";

interface Item {
  readonly key: unknown;
  readonly at: number;
  readonly value?: number;
  readonly gap?: number;
}

type Row = [key: unknown, start: number, end: number, ids: readonly number[]];

/** A function that gives a window's times out as they came. */
const listing: WindowFunction<readonly Item[], any, Row, any, any> = {
  window: (records, ctx) =>
    ctx.emit([ctx.key, ctx.window.start, ctx.window.end, records.map((record) => record.at)]),
};

const late = sideOutput<Item>("late");

function listed(
  assigner: WindowAssigner,
  options: WindowOptions<any> = {},
  functions: WindowFunction<any, any, any, any, any> = listing,
) {
  const place = { assigner, key: (record: Item) => record.key, options };
  return windowFunction("list", place, undefined, functions).logic;
}

/** A number is a record of key "a" with that timestamp, `wm` a watermark, `wall` the clock. */
type Step = number | Item | { readonly wm: number } | { readonly wall: number };

/** In every variation. */
const trialOf = (logic: OperatorLogic) => new OperatorTrial(() => logic);

function play(trial: OperatorTrial, steps: readonly Step[]): unknown[] {
  for (const step of steps) {
    if (typeof step === "number") trial.push({ key: "a", at: step }, step);
    else if ("wm" in step) trial.advanceWatermark(step.wm);
    else if ("wall" in step) trial.setClock(step.wall);
    else trial.push(step, step.at);
  }
  return trial.take();
}

function advanced(bench: Bench): unknown[] {
  bench.advance(Number.POSITIVE_INFINITY);
  return bench.take();
}

const END = { wm: Number.POSITIVE_INFINITY };

describe("the general window operator", () => {
  it("merges sessions that overlap or touch, in whatever order they come", () => {
    const cases: [Step[], Row[]][] = [
      [[0, 9, END], [["a", 0, 19, [0, 9]]]],
      [[0, 10, END], [["a", 0, 20, [0, 10]]]],
      [
        [0, 11, END],
        [
          ["a", 0, 10, [0]],
          ["a", 11, 21, [11]],
        ],
      ],
      [[0, 20, 10, END], [["a", 0, 30, [0, 20, 10]]]],
      [[-25, -5, -15, END], [["a", -25, 5, [-25, -5, -15]]]],
      [
        [5, { wm: 14 }, 16, END],
        [
          ["a", 5, 15, [5]],
          ["a", 16, 26, [16]],
        ],
      ],
      [
        [{ key: "b", at: 1 }, 2, { key: "b", at: 3 }, END],
        [
          ["b", 1, 13, [1, 3]],
          ["a", 2, 12, [2]],
        ].sort((l, r) => (l[2] as number) - (r[2] as number)) as Row[],
      ],
    ];
    for (const [steps, rows] of cases) {
      expect(play(trialOf(listed(session(10))), steps), JSON.stringify(steps)).to.deep.equal(rows);
    }
  });

  it("takes the gap of a session from the record, and refuses one that is none", () => {
    const trial = trialOf(listed(session((record: Item) => record.gap as number)));
    const steps: Step[] = [
      { key: "a", at: 0, gap: 5 },
      { key: "a", at: 4, gap: 100 },
      { key: "a", at: 90, gap: 1 },
      END,
    ];
    expect(play(trial, steps)).to.deep.equal([["a", 0, 104, [0, 4, 90]]]);
    for (const gap of [0, -1, "soon", Promise.resolve(1)] as unknown[]) {
      expect(() => play(trial, [{ key: "a", at: 200, gap: gap as number }]), String(gap))
        .to.throw()
        .with.property("code", gap instanceof Promise ? "USER_FUNCTION_ASYNC" : "OPTION_INVALID");
    }
  });

  it("fires again for what comes late within the allowed lateness, and gives the rest to a side output", () => {
    const trial = trialOf(listed(tumbling(10), { allowedLateness: 5, lateData: late }));
    const rows = play(trial, [1, { wm: 9 }, 2, { wm: 13 }, 3, { wm: 14 }, 4, 12]);
    expect(rows).to.deep.equal([
      ["a", 0, 10, [1]],
      ["a", 0, 10, [1, 2]],
      ["a", 0, 10, [1, 2, 3]],
    ]);
    expect(trial.sides).to.deep.equal([["late", { key: "a", at: 4 }, 4]]);
    expect(trial.lateRecordsDropped).to.equal(0);
    expect(trial.times).to.deep.equal([9, 9, 9]);
  });

  it("drops and counts late records without a side output, but not those between windows", () => {
    const trial = trialOf(listed(tumbling(10), { allowedLateness: 1 }));
    expect(play(trial, [{ wm: 20 }, 5, 9, 15])).to.deep.equal([]);
    expect(trial.lateRecordsDropped).to.equal(3);
    const gaps = trialOf(listed(sliding({ size: 5, slide: 10 })));
    expect(play(gaps, [3, 7, END])).to.deep.equal([["a", 0, 5, [3]]]);
    expect(gaps.lateRecordsDropped).to.equal(0);
  });

  it("a late record joins a session that is still there", () => {
    const trial = trialOf(listed(session(10), { allowedLateness: 10 }));
    expect(play(trial, [20, { wm: 29 }, 12, { wm: 39 }, 5])).to.deep.equal([
      ["a", 20, 30, [20]],
      ["a", 12, 30, [20, 12]],
    ]);
    expect(trial.lateRecordsDropped).to.equal(1);
  });

  it("puts a record into all windows that slide over it, before 1970 as well", () => {
    const trial = trialOf(listed(sliding({ size: 10, slide: 5, offset: 2 })));
    expect(play(trial, [-1, END])).to.deep.equal([
      ["a", -8, 2, [-1]],
      ["a", -3, 7, [-1]],
    ]);
  });

  it("forgets what a restored or an ended window held", () => {
    const trial = trialOf(listed(session(10), { allowedLateness: 3 }));
    play(trial, [1, 50, 5, { wm: 1000 }]);
    const entries = Object.entries(trial.plain.freeze()()).map(([name, each]) => [name, each.length]);
    expect(Object.fromEntries(entries)).to.deep.equal({
      timers: 0,
      "event time": 1,
      contents: 0,
      sessions: 0,
      trigger: 0,
    });
  });

  it("keeps keys of every kind apart, also where they are restored", () => {
    const date = new Date(5);
    const keys = [
      "1",
      1,
      "",
      " s",
      "n1",
      "a b c",
      -0,
      1.5,
      1e300,
      Number.NaN,
      null,
      true,
      7n,
      date,
      { a: [1] },
    ];
    const restored = new Bench(listed(session(10)));
    for (const key of keys) restored.operator.element({ key, at: 1 }, 1, 0);
    const bench = new Bench(listed(session(10))).load(restored.freeze()());
    for (const key of [...keys].reverse()) bench.operator.element({ key, at: 3 }, 3, 0);
    const rows = advanced(bench) as Row[];
    expect(rows.length).to.equal(keys.length);
    for (const key of keys) {
      const own = rows.filter(([given]) => Object.is(canonicalKey(given), canonicalKey(key === 0 ? 0 : key)));
      expect(
        own.map(([, ...rest]) => rest),
        String(key),
      ).to.deep.equal([[1, 13, [1, 3]]]);
    }
  });

  it("goes by the clock with processing time", () => {
    const trial = trialOf(listed(tumbling(10, { time: "processing" })));
    const steps = [{ wall: 3 }, Number.NaN, { wall: 8 }, 77, { wall: 9 }, 78, { wall: 10 }, 79, { wall: 40 }];
    expect(play(trial, steps)).to.deep.equal([
      ["a", 0, 10, [Number.NaN, 77, 78]],
      ["a", 10, 20, [79]],
    ]);
    expect(trial.times).to.deep.equal([9, 19]);
    const sessions = trialOf(listed(session(10, { time: "processing" })));
    expect(play(sessions, [1, { wall: 8 }, 2, { wall: 17 }, { wall: 18 }, 3, { wall: 99 }])).to.deep.equal([
      ["a", 0, 18, [1, 2]],
      ["a", 18, 28, [3]],
    ]);
  });

  it("stops between the windows of a record and between timers at a closed gate, and goes on", () => {
    const options = { trigger: triggers.count(1) };
    const bench = new Bench(listed(sliding({ size: 30, slide: 10 }), options));
    bench.credit = 1;
    bench.closed = 2;
    bench.operator.element({ key: "a", at: 25 }, 25, 0);
    expect(bench.take()).to.deep.equal([["a", 20, 50, [25]]]);
    expect(bench.operator.proceed!()).to.equal(false);
    bench.gate.level = 0;
    expect(bench.operator.proceed!()).to.equal(false);
    expect(bench.take()).to.deep.equal([["a", 10, 40, [25]]]);
    bench.gate.level = 0;
    bench.credit = 9;
    expect(bench.operator.proceed!()).to.equal(true);
    expect(bench.take()).to.deep.equal([["a", 0, 30, [25]]]);
    const timed = new Bench(listed(sliding({ size: 30, slide: 10 })));
    timed.operator.element({ key: "a", at: 25 }, 25, 0);
    timed.credit = 1;
    expect(timed.operator.advance!(100)).to.equal(false);
    expect(timed.take()).to.deep.equal([["a", 0, 30, [25]]]);
    timed.gate.level = 0;
    timed.credit = 9;
    expect(timed.operator.advance!(100)).to.equal(true);
    expect(timed.take().length).to.equal(2);
  });

  it("gives all aggregates, also merged, and null where there was no number", () => {
    const aggregates = {
      n: count<Item>(),
      large: count<Item>((item) => item.value! > 5),
      sum: sum<Item>((item) => item.value),
      min: min<Item>((item) => item.value),
      max: max<Item>((item) => item.value),
      avg: avg<Item>((item) => item.value),
      ids: custom({
        create: (): number[] => [],
        add: (ids: number[], item: Item) => [...ids, item.at],
        merge: (left: number[], right: number[]) => [...left, ...right],
        result: (ids: number[]) => ids,
      }),
    };
    const make = (options: WindowOptions<any>) =>
      trialOf(
        windowAggregate("a", { assigner: session(10), key: (item: Item) => item.key, options }, aggregates)
          .logic,
      );
    const steps = [3, 23, 13].map((at, i): Item => ({ key: { k: 1 }, at, value: [9, 2, 4][i]! }));
    const own = { key: { k: 1 }, windowStart: 3, windowEnd: 33 };
    const row = { ...own, n: 3, large: 1, sum: 15, min: 2, max: 9, avg: 5, ids: [3, 23, 13] };
    expect(play(make({}), [...steps, END])).to.deep.equal([row]);
    expect(play(make({ evictor: evictors.count(9) }), [...steps, END])).to.deep.equal([row]);
    const none = { n: 1, large: 0, sum: 0, min: null, max: null, avg: null, ids: [1] };
    expect(play(make({}), [{ key: 1, at: 1 }, END])).to.deep.equal([
      { key: 1, windowStart: 1, windowEnd: 11, ...none },
    ]);
    expect(() => play(make({}), [{ key: 1, at: 1, value: "2" as never }]))
      .to.throw()
      .with.property("code", "AGGREGATE_NOT_NUMBER");
  });

  it("gives functions state per key and per window, which goes with the window", () => {
    type Fired = { fired: ValueDescriptor<number> };
    const functions: WindowFunction<readonly Item[], string, unknown, Fired, Fired> = {
      state: { fired: value<number>() },
      windowState: { fired: value<number>() },
      window(records, ctx) {
        const [all, own] = [(ctx.state.fired.get() ?? 0) + 1, (ctx.windowState.fired.get() ?? 0) + 1];
        ctx.state.fired.update(all);
        ctx.windowState.fired.update(own);
        ctx.emit([ctx.key, ctx.window.start, records.length, all, own]);
        ctx.side(late, { key: ctx.key, at: own });
      },
      clear: (ctx) => ctx.emit([ctx.key, ctx.window.start, "cleared", ctx.windowState.fired.get()]),
    };
    const trial = trialOf(
      listed(tumbling(10), { trigger: triggers.count(1), allowedLateness: 5 }, functions),
    );
    const rows = play(trial, [1, 2, 11, { key: "b", at: 3 }, { wm: 14 }, 12]);
    expect(rows).to.deep.equal([
      ["a", 0, 1, 1, 1],
      ["a", 0, 2, 2, 2],
      ["a", 10, 1, 3, 1],
      ["b", 0, 1, 1, 1],
      ["a", 0, "cleared", 2],
      ["b", 0, "cleared", 1],
      ["a", 10, 2, 4, 2],
    ]);
    expect(trial.sides.map(([, , time]) => time)).to.deep.equal([9, 9, 19, 9, 19]);
    const left = Object.entries(trial.plain.freeze()()).map(([name, each]) => [name, each.length]);
    expect(Object.fromEntries(left)).to.include({ "key.fired": 2, "window.fired": 1 });
  });

  it("refuses what cannot be: promises, answers that are none, state and triggers that do not merge", () => {
    const promise = () => Promise.resolve("fire") as never;
    const refused: [string, () => unknown][] = [
      [
        "USER_FUNCTION_ASYNC",
        () => play(trialOf(listed(tumbling(10), { trigger: { element: promise } })), [1]),
      ],
      [
        "OPTION_INVALID",
        () => play(trialOf(listed(tumbling(10), { trigger: { element: () => 1 as never } })), [1]),
      ],
      ["USER_FUNCTION_ASYNC", () => play(trialOf(listed(session(10), {}, { window: promise })), [1, END])],
      [
        "USER_FUNCTION_ASYNC",
        () => play(trialOf(listed(tumbling(10), { evictor: { before: promise } })), [1, END]),
      ],
      [
        "OPTION_INVALID",
        () => play(trialOf(listed(tumbling(10), { evictor: { after: () => 1 as never } })), [1, END]),
      ],
      ["TIMESTAMP_MISSING", () => play(trialOf(listed(session(10))), [Number.NaN])],
      ["OPTION_INVALID", () => listed(session(10), { trigger: triggers.delta(1, () => 0) })],
      ["OPTION_INVALID", () => listed(session(10), {}, { ...listing, windowState: { n: value() } })],
      ["OPTION_INVALID", () => listed(globalWindows(), { allowedLateness: 1 })],
      ["OPTION_INVALID", () => listed(tumbling(10, { time: "processing" }), { lateData: late })],
      ["OPTION_INVALID", () => listed(tumbling(10), { allowedLateness: -1 })],
      ["OPTION_INVALID", () => session(0)],
      ["OPTION_INVALID", () => tumbling(10, { time: "late" as never })],
      ["OPTION_INVALID", () => triggers.count(0)],
      ["OPTION_INVALID", () => triggers.continuousEventTime(0)],
      ["OPTION_INVALID", () => evictors.count(1.5)],
      ["OPTION_INVALID", () => evictors.time("1m", { when: "never" as never })],
    ];
    for (const [code, attempt] of refused) {
      expect(attempt, attempt.toString()).to.throw().with.property("code", code);
    }
  });
});

/** What comes out under a trigger: ends of windows and times of their records. */
const results: [string, Trigger<any>, WindowAssigner, Step[], [number, number[]][]][] = [
  ["count", triggers.count(2), tumbling(10), [1, 2, 3, END], [[10, [1, 2]]]],
  [
    "purging count",
    triggers.purging(triggers.count(2)),
    tumbling(10),
    [1, 2, 3, 4, 5, END],
    [
      [10, [1, 2]],
      [10, [3, 4]],
    ],
  ],
  ["count over sessions", triggers.count(3), session(10), [0, 20, 10, 11, END], [[30, [0, 20, 10]]]],
  [
    "purging event time",
    triggers.purging(triggers.eventTime()),
    tumbling(10),
    [1, { wm: 9 }, 2],
    [[10, [1]]],
  ],
  ["never", triggers.never(), tumbling(10), [1, END], []],
  [
    "delta",
    triggers.delta<Item>(5, (from, to) => to.at - from.at),
    tumbling(100),
    [1, 3, 7, 8, 13],
    [
      [100, [1, 3, 7]],
      [100, [1, 3, 7, 8, 13]],
    ],
  ],
  [
    "continuous event time",
    triggers.continuousEventTime(4),
    tumbling(10),
    [1, { wm: 4 }, 5, { wm: 6 }, { wm: 8 }, { wm: 9 }],
    [
      [10, [1]],
      [10, [1, 5]],
      [10, [1, 5]],
    ],
  ],
];

describe("triggers", () => {
  for (const [name, trigger, assigner, steps, expected] of results) {
    it(name, () => {
      const rows = play(trialOf(listed(assigner, { trigger })), steps) as Row[];
      expect(rows.map(([, , end, ids]) => [end, ids])).to.deep.equal(expected);
    });
  }
});

describe("triggers by the clock", () => {
  it("fire at multiples of the interval, and at the window's end", () => {
    const clock = tumbling(10, { time: "processing" });
    const trial = trialOf(listed(clock, { trigger: triggers.continuousProcessingTime(4) }));
    const steps = [{ wall: 1 }, 1, { wall: 3 }, { wall: 4 }, 2, { wall: 9 }, { wall: 10 }, { wall: 99 }];
    expect(play(trial, steps)).to.deep.equal([
      ["a", 0, 10, [1]],
      ["a", 0, 10, [1, 2]],
      ["a", 0, 10, [1, 2]],
    ]);
    const sessions = trialOf(
      listed(session(6, { time: "processing" }), { trigger: triggers.continuousProcessingTime(4) }),
    );
    expect(play(sessions, [1, { wall: 3 }, 2, { wall: 4 }, { wall: 8 }, { wall: 9 }])).to.deep.equal([
      ["a", 0, 9, [1, 2]],
      ["a", 0, 9, [1, 2]],
      ["a", 0, 9, [1, 2]],
    ]);
  });

  it("go on with event time over sessions that merge", () => {
    const trial = trialOf(listed(session(6), { trigger: triggers.continuousEventTime(4) }));
    expect(play(trial, [1, { wm: 3 }, 7, { wm: 4 }, { wm: 12 }])).to.deep.equal([
      ["a", 1, 13, [1, 7]],
      ["a", 1, 13, [1, 7]],
      ["a", 1, 13, [1, 7]],
    ]);
  });

  it("may be one's own, with a value per window and timers", () => {
    const onSecond: Trigger<Item, { seen: number }> = {
      element(_record, ctx) {
        const seen = (ctx.state.get()?.seen ?? 0) + 1;
        ctx.state.update({ seen });
        ctx.timers.eventTime(ctx.window.end + 5);
        ctx.timers.processingTime(ctx.processingTime() + 10);
        return seen === 2 ? "fireAndPurge" : undefined;
      },
      eventTime: (time, ctx) => (time === ctx.window.end + 5 ? "fire" : "continue"),
      processingTime: () => "purge",
    };
    const trial = trialOf(listed(tumbling(10), { trigger: onSecond, allowedLateness: 100 }));
    const steps = [1, 2, 3, { wm: 14 }, { wm: 15 }, { wall: 10 }, 4, { wm: 200 }];
    expect(play(trial, steps)).to.deep.equal([
      ["a", 0, 10, [1, 2]],
      ["a", 0, 10, [3]],
      ["a", 0, 10, [4]],
    ]);
  });
});

describe("evictors", () => {
  const evicted = (evictor: WindowOptions<Item>["evictor"], steps: Step[]) =>
    (
      play(
        trialOf(listed(globalWindows(), { trigger: triggers.count(2), evictor: evictor! })),
        steps,
      ) as Row[]
    ).map(([, , , ids]) => ids);

  it("keep the last records, before a window fires or after", () => {
    expect(evicted(evictors.count(3), [1, 2, 3, 4, 5, 6])).to.deep.equal([
      [1, 2],
      [2, 3, 4],
      [4, 5, 6],
    ]);
    expect(evicted(evictors.count(1, { when: "after" }), [1, 2, 3, 4])).to.deep.equal([
      [1, 2],
      [2, 3, 4],
    ]);
  });

  it("keep what is young enough, or near enough to the last one", () => {
    expect(evicted(evictors.time(10), [1, 9, 11, 12])).to.deep.equal([
      [1, 9],
      [9, 11, 12],
    ]);
    expect(evicted(evictors.time(10), [Number.NaN, 1])).to.deep.equal([[Number.NaN, 1]]);
    const distance = (from: Item, to: Item) => Math.abs(to.at - from.at);
    expect(evicted(evictors.delta(5, distance), [1, 4, 6, 7])).to.deep.equal([
      [1, 4],
      [4, 6, 7],
    ]);
  });

  it("of one's own choose freely; a window without records gives nothing", () => {
    const even = {
      before: (records: readonly { record: Item }[]) => records.filter(({ record }) => record.at % 2 === 0),
    };
    expect(evicted(even as never, [1, 2, 3, 5, 7, 9])).to.deep.equal([[2], [2], [2]]);
    expect(evicted({ before: () => [] }, [1, 2, 3, 4])).to.deep.equal([]);
  });
});
