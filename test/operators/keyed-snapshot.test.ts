/** Keyed operators driven by hand, over the heap backend: gates, snapshots, restore. */
import { expect } from "chai";
import { broadcastProcessLogic } from "../../lib/operators/broadcast-process.js";
import { keyedProcessLogic } from "../../lib/operators/keyed-process.js";
import { processLogic } from "../../lib/operators/process.js";
import { broadcastState, listState, unionListState, value } from "../../lib/state/descriptors.js";
import { Bench } from "../../lib/testing/operator-bench.js";

const counting = () =>
  keyedProcessLogic({
    key: (record: { key: unknown }) => record.key,
    state: { n: value<number>() },
    functions: {
      element(record: { at: number }, ctx: any) {
        ctx.state.n.update((ctx.state.n.get() ?? 0) + 1);
        ctx.timers.eventTime(record.at);
        ctx.timers.processingTime(record.at + 1000);
      },
      timer(time: number, ctx: any) {
        ctx.emit([ctx.key, time, ctx.state.n.get()]);
      },
    },
  });

const records = [
  { key: "a", at: 10 },
  { key: { b: 1 }, at: 5 },
  { key: 3, at: 5 },
  { key: "a", at: 20 },
];

describe("keyed operators", () => {
  it("stop firing at a closed gate and go on behind the last timer", () => {
    const bench = new Bench(counting());
    for (const record of records) bench.operator.element(record, record.at, 0);
    bench.credit = 1;
    expect(bench.operator.advance!(15)).to.equal(false);
    expect(bench.take()).to.deep.equal([[{ b: 1 }, 5, 1]]);
    expect(bench.operator.advance!(15)).to.equal(false);
    bench.gate.level = 0;
    bench.credit = 5;
    expect(bench.operator.advance!(15)).to.equal(true);
    expect(bench.take()).to.deep.equal([
      [3, 5, 1],
      ["a", 10, 2],
    ]);
  });

  it("look at the clock when the task rests and fire when it goes on", () => {
    const bench = new Bench(counting());
    for (const record of records) bench.operator.element(record, record.at, 0);
    bench.wall = 1004;
    bench.operator.rest!(0);
    expect([bench.operator.proceed!(), bench.wakes, bench.take()]).to.deep.equal([true, 0, []]);
    bench.wall = 1010;
    bench.operator.rest!(0);
    expect([bench.wakes, bench.take()]).to.deep.equal([1, []]);
    bench.credit = 2;
    expect(bench.operator.proceed!()).to.equal(false);
    bench.gate.level = 0;
    expect(bench.operator.proceed!()).to.equal(true);
    expect(bench.take()).to.deep.equal([
      [{ b: 1 }, 1005, 1],
      [3, 1005, 1],
      ["a", 1010, 2],
    ]);
  });

  it("give the turn back while timers register timers without end", () => {
    const bench: Bench = new Bench(
      keyedProcessLogic({
        key: () => 1,
        state: {},
        functions: {
          element: (_record: unknown, ctx: any) => ctx.timers.eventTime(0),
          timer(time: number, ctx: any) {
            bench.steady++;
            ctx.timers.eventTime(time);
          },
        },
      }),
    );
    bench.operator.element({}, 0, 0);
    expect(bench.operator.advance!(Number.POSITIVE_INFINITY)).to.equal(false);
    expect(bench.operator.advance!(Number.POSITIVE_INFINITY)).to.equal(false);
    expect(bench.wakes).to.equal(2);
  });

  it("go on from a snapshot that was frozen between two timers", () => {
    const bench = new Bench(counting());
    for (const record of records) bench.operator.element(record, record.at, 0);
    bench.operator.advance!(5);
    bench.take();
    const pack = bench.freeze();
    bench.operator.element({ key: "late", at: 12 }, 12, 0);
    bench.operator.advance!(100);
    bench.take();
    const copy = new Bench(counting()).load(pack());
    copy.operator.element({ key: "a", at: 11 }, 11, 0);
    copy.operator.advance!(100);
    copy.wall = 5000;
    copy.operator.rest!(0);
    copy.operator.proceed!();
    expect(copy.take()).to.deep.equal([
      ["a", 10, 3],
      ["a", 11, 3],
      ["a", 20, 3],
      [{ b: 1 }, 1005, 1],
      [3, 1005, 1],
      ["a", 1010, 3],
      ["a", 1011, 3],
      ["a", 1020, 3],
    ]);
  });

  it("broadcast state is restored and read by every key", () => {
    const make = () =>
      new Bench(
        broadcastProcessLogic({
          key: (record: string) => record,
          state: { n: value<number>() },
          broadcast: broadcastState<string, number>(),
          functions: {
            element: (record: string, ctx: any) => ctx.emit([ctx.broadcast.get(record), ctx.broadcast.size]),
            broadcastElement: (rule: [string, number], ctx: any) => ctx.broadcast.set(rule[0], rule[1]),
          },
        }),
      );
    const bench = make();
    bench.operator.second!(["a", 1], 0, 0);
    bench.operator.second!(["b", 2], 0, 0);
    const pack = bench.freeze();
    bench.operator.second!(["a", 3], 0, 0);
    expect(bench.parts.get("broadcast")!.scope).to.equal("broadcast");
    const copy = make().load(pack());
    copy.operator.element("a", 0, 0);
    bench.operator.element("a", 0, 0);
    expect([copy.take(), bench.take()]).to.deep.equal([[[1, 2]], [[3, 2]]]);
  });
});

describe("operator state", () => {
  it("holds what was there at the freeze, in its scope", () => {
    const make = () =>
      new Bench(
        processLogic(
          {
            element(record: number, ctx: any) {
              if (record > 0) {
                ctx.state.own.add(record);
                ctx.state.all.addAll([record, -record]);
                ctx.state.rules.set({ record }, record);
              } else {
                ctx.emit([...ctx.state.own.get()]);
                ctx.emit([...ctx.state.all.get()]);
                ctx.emit([...ctx.state.rules.entries()]);
                ctx.state.own.clear();
                ctx.state.rules.delete({ record: 1 });
              }
            },
          },
          {
            own: listState<number>(),
            all: unionListState<number>(),
            rules: broadcastState<object, number>(),
          },
        ),
      );
    const bench = make();
    bench.operator.element(1, 0, 0);
    const scopes = [...bench.parts.values()].map(({ name, scope }) => `${name} ${scope}`);
    expect(scopes).to.deep.equal(["own split", "all union", "rules broadcast"]);
    const pack = bench.freeze();
    bench.operator.element(0, 0, 0);
    bench.operator.element(2, 0, 0);
    const expected = [[1], [1, -1], [[{ record: 1 }, 1]]];
    expect(bench.take()).to.deep.equal(expected);
    const copy = make().load(pack());
    copy.operator.element(0, 0, 0);
    expect(copy.take()).to.deep.equal(expected);
    expect([...copy.parts.values()].map(({ schema }) => schema.kind)).to.deep.equal([
      "split-list",
      "union-list",
      "broadcast",
    ]);
  });
});
