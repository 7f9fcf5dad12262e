/** Windows of the user's own: what they may be, how they merge and fire, and what is refused. */
import { expect } from "chai";
import { windowAggregate, windowFunction, windowPairs } from "../../lib/api/added-windows.js";
import type { WindowFunction, WindowOptions } from "../../lib/api/window-functions.js";
import { type DataStream, globalWindows, type OwnWindows, session } from "../../lib/index.js";
import { count } from "../../lib/operators/aggregates.js";
import type { OperatorLogic } from "../../lib/operators/contract.js";
import { sideOutput } from "../../lib/operators/process-context.js";
import { triggers } from "../../lib/operators/triggers.js";
import { groupedSides } from "../../lib/operators/window-join.js";
import { value } from "../../lib/state/descriptors.js";
import { testOperator } from "../../lib/testing/index.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";
import type { Window } from "../../lib/time/windows.js";

interface Item {
  readonly at: number;
  readonly to?: number;
}

const listing: WindowFunction<readonly Item[], any, unknown, any, any> = {
  window: (records, ctx) => ctx.emit([ctx.window.start, ctx.window.end, records.map(({ at }) => at)]),
};

function listed(assigner: OwnWindows<Item>, options: WindowOptions<any> = {}): OperatorLogic {
  return windowFunction("list", { assigner, key: () => "a", options }, undefined, listing).logic;
}

/** A number is a record with that timestamp. */
type Step = number | Item | { readonly wm: number } | { readonly wall: number };
const END = { wm: Number.POSITIVE_INFINITY };

function play(trial: OperatorTrial, steps: readonly Step[]): unknown[] {
  for (const step of steps) {
    if (typeof step === "number") trial.push({ at: step }, step);
    else if ("wm" in step) trial.advanceWatermark(step.wm);
    else if ("wall" in step) trial.setClock(step.wall);
    else trial.push(step, step.at);
  }
  return trial.take();
}
const trialOf = (logic: OperatorLogic) => new OperatorTrial(() => logic);

const months: OwnWindows = {
  name: "months",
  assignWindows(_record, timestamp) {
    const at = new Date(timestamp);
    const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
    return [{ start: Date.UTC(year, month), end: Date.UTC(year, month + 1) }];
  },
};

/** As long as the record says; also a class, whose functions are not the object's own. */
class Spans implements OwnWindows<Item> {
  readonly name = "spans";
  readonly merging: boolean;
  readonly defaultTrigger = triggers.eventTime();

  constructor(merging: boolean) {
    this.merging = merging;
  }

  assignWindows({ at, to = at + 10 }: Item): Window[] {
    return [{ start: at, end: to }];
  }
}

const fixed = (...windows: unknown[]): OwnWindows<any> => ({ assignWindows: () => windows as Window[] });

describe("windows of one's own", () => {
  it("are as long as they like: calendar months", () => {
    const day = (text: string) => Date.parse(`${text}T12:00Z`);
    const days = ["2024-02-29", "2024-03-01", "2024-02-01", "1969-12-31", "2023-12-31"].map(day);
    const rows = play(trialOf(listed(months)), [...days, END]);
    expect(rows).to.deep.equal(
      [
        ["1969-12-01", "1970-01-01", [days[3]]],
        ["2023-12-01", "2024-01-01", [days[4]]],
        ["2024-02-01", "2024-03-01", [days[0], days[2]]],
        ["2024-03-01", "2024-04-01", [days[1]]],
      ].map(([start, end, ids]) => [Date.parse(start as string), Date.parse(end as string), ids]),
    );
  });

  it("may be several for a record, or none", () => {
    const nested: OwnWindows<Item> = {
      assignWindows: ({ at }) =>
        at < 0
          ? []
          : [
              { start: 0, end: 10 },
              { start: 0, end: 100 },
            ],
    };
    const trial = trialOf(listed(nested, { allowedLateness: 1 }));
    expect(play(trial, [5, -3, { wm: 9 }, 7, { wm: 12 }, 8, END])).to.deep.equal([
      [0, 10, [5]],
      [0, 10, [5, 7]],
      [0, 100, [5, 7, 8]],
    ]);
    expect(trial.lateRecordsDropped).to.equal(0);
  });

  it("have late records as others have", () => {
    const late = sideOutput<Item>("late");
    const trial = trialOf(listed(new Spans(false), { lateData: late }));
    expect(play(trial, [{ wm: 20 }, 5, { at: 6, to: 50 }, END])).to.deep.equal([[6, 50, [6]]]);
    expect(trial.sides).to.deep.equal([["late", { at: 5 }, 5]]);
  });

  it("merge where they touch, if they say so", () => {
    const steps: Step[] = [0, { at: 25, to: 26 }, 11, { at: 8, to: 12 }, { at: 30, to: 31 }, END];
    expect(play(trialOf(listed(new Spans(true))), steps)).to.deep.equal([
      [0, 21, [0, 11, 8]],
      [25, 26, [25]],
      [30, 31, [30]],
    ]);
    expect(play(trialOf(listed(new Spans(false))), [0, 5, 0, END])).to.deep.equal([
      [0, 10, [0, 0]],
      [5, 15, [5]],
    ]);
    const two: OwnWindows<Item> = {
      merging: true,
      assignWindows: ({ at }) => [
        { start: at, end: at + 2 },
        { start: at + 100, end: at + 102 },
      ],
    };
    expect(play(trialOf(listed(two)), [0, 2, 98, END])).to.deep.equal([
      [0, 4, [0, 2]],
      [98, 104, [0, 2, 98]],
      [198, 200, [98]],
    ]);
  });

  it("fire by their default trigger unless another one is given", () => {
    const counted: OwnWindows = { ...fixed({ start: 0, end: 100 }), defaultTrigger: triggers.count(2) };
    expect(play(trialOf(listed(counted)), [1, 2, 3, END])).to.deep.equal([[0, 100, [1, 2]]]);
    const options = { trigger: triggers.eventTime() };
    expect(play(trialOf(listed(counted, options)), [1, 2, 3, END])).to.deep.equal([[0, 100, [1, 2, 3]]]);
  });

  it("may have no end: then the input's is theirs", () => {
    const endless = fixed({ start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY });
    expect(play(trialOf(listed(endless)), [1, { wm: 1e15 }, 2e15, END])).to.deep.equal([
      [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, [1, 2e15]],
    ]);
  });

  it("go by the clock, and are told it", () => {
    const shifts: OwnWindows<Item> = {
      time: "processing",
      assignWindows: (_item, _timestamp, { processingTime }) => {
        const start = processingTime() - (processingTime() % 8);
        return [{ start, end: start + 8 }];
      },
    };
    const trial = trialOf(listed(shifts));
    expect(
      play(trial, [{ wall: 3 }, Number.NaN, { wall: 7 }, 50, { wall: 8 }, 9, { wall: 99 }]),
    ).to.deep.equal([
      [0, 8, [Number.NaN, 50]],
      [8, 16, [9]],
    ]);
    expect(() => listed(shifts, { allowedLateness: 1 }))
      .to.throw()
      .with.property("code", "OPTION_INVALID");
  });

  it("are told the watermark, and of two streams which it is", () => {
    const told: OwnWindows = {
      assignWindows: (_record, timestamp, { watermark, input }) => [
        { start: timestamp, end: timestamp + (watermark > 0 ? 50 : 5) + input },
      ],
    };
    expect(play(trialOf(listed(told)), [1, { wm: 3 }, 4, END])).to.deep.equal([
      [1, 6, [1]],
      [4, 54, [4]],
    ]);
    const group = groupedSides((ones: Item[], others: Item[], { window }: { window: Window }) => [
      [window.end, ones.length, others.length],
    ]);
    const place = { assigner: told, key: () => 1, secondKey: () => 1, options: {} };
    const trial = trialOf(windowPairs("co-group", "met", place, group).logic);
    trial.push({}, 1, 0).push({}, 1, 1).push({}, 2, 1);
    expect(play(trial, [END])).to.deep.equal([
      [6, 1, 0],
      [7, 0, 1],
      [8, 0, 1],
    ]);
  });

  it("are fed into aggregates, and described in plans", () => {
    const place = { assigner: new Spans(true), key: undefined, options: {} };
    const { logic, config } = windowAggregate("n", place, { n: count() });
    expect(play(trialOf(logic), [1, 2, END])).to.deep.equal([{ windowStart: 1, windowEnd: 12, n: 2 }]);
    expect(config!["window"]).to.deep.equal({ kind: "own", name: "spans", merging: true });
    expect(logic.functions).to.include(place.assigner.assignWindows);
  });

  for (const [what, answer] of Object.entries<unknown>({
    "no start": [{ end: 5 }],
    "a start that is not a number": [{ start: Number.NaN, end: 5 }],
    "an end that is not a number": [{ start: 5, end: Number.NaN }],
    "an end at the start": [{ start: 5, end: 5 }],
    "an end before the start": [
      { start: 0, end: 10 },
      { start: 5, end: 4 },
    ],
    "texts for times": [{ start: "1", end: "2" }],
    "no window": [undefined],
    "no array": { start: 0, end: 1 },
    nothing: undefined,
  })) {
    it(`are refused with ${what}, by operator and record`, async () => {
      const wrong = { assignWindows: () => answer } as never as OwnWindows<Item>;
      await using t = await testOperator((items: DataStream<Item>) =>
        items
          .keyBy(() => 1)
          .window(wrong)
          .process("mine", listing),
      );
      t.push({ at: 17 }, { at: 17 });
      const error = await t.expectFailure("WINDOW_INVALID");
      expect(error.place.operator).to.equal("mine");
      expect(error.place.record).to.include("17");
    });
  }

  it("refuses promises, and what is no assigner", () => {
    const async = { assignWindows: async () => [] } as never as OwnWindows;
    expect(() => play(trialOf(listed(async)), [1]))
      .to.throw()
      .with.property("code", "USER_FUNCTION_ASYNC");
    const withState = { ...listing, windowState: { n: value<number>() } };
    const place = (assigner: unknown, options = {}) => ({
      assigner: assigner as never,
      key: () => 1,
      options,
    });
    for (const make of [
      () => windowFunction("w", place(undefined), undefined, listing),
      () => windowFunction("w", place({}), undefined, listing),
      () => windowFunction("w", place({ kind: "hopping" }), undefined, listing),
      () => windowAggregate("w", place({ kind: "hopping", assignWindows: () => [] }), {}),
      () => windowAggregate("w", place({ ...months, time: "lunar" }), {}),
      () => windowFunction("w", place(new Spans(true)), undefined, withState),
      () =>
        windowFunction(
          "w",
          place(new Spans(true), { trigger: triggers.delta(1, () => 0) }),
          undefined,
          listing,
        ),
    ]) {
      expect(make, make.toString()).to.throw().with.property("code", "OPTION_INVALID");
    }
    for (const good of [globalWindows(), session(1), months])
      windowFunction("w", place(good), undefined, listing);
  });
});

describe("a window and its trigger", () => {
  it("goes when it is over, whatever the trigger does with timers of the same time", () => {
    const careless = {
      element: (_item: Item, ctx: any) => ctx.timers.eventTime(5),
      eventTime: (_time: number, ctx: any) => ctx.timers.deleteEventTime(9),
    };
    const trial = trialOf(listed(fixed({ start: 0, end: 10 }), { trigger: careless }));
    play(trial, [1, { wm: 7 }]);
    expect(trial.plain.entries).to.be.greaterThan(1);
    play(trial, [{ wm: 9 }]);
    // How far event time has come.
    expect(trial.plain.entries).to.equal(1);
  });
});
