import { expect } from "chai";
import fc from "fast-check";
import { SplitWatermarks } from "../../lib/time/split-watermarks.js";
import { type PeriodicOptions, watermarks } from "../../lib/time/watermarks.js";

interface Event {
  readonly at: number;
  readonly says?: number | Date | undefined;
}

const at = (event: Event) => event.at;
const bounded = (bound: number, options: PeriodicOptions = {}) =>
  new SplitWatermarks(watermarks.boundedOutOfOrderness<Event>(bound, at, options));

/** As the source's loop does it for a strategy with a bound. */
function give(marks: SplitWatermarks, split: number, time: number): void {
  marks.note(split, time);
  marks.seen[split] = 1;
}

describe("watermarks of splits", () => {
  it("lag behind the largest timestamp by the bound and one", () => {
    const marks = bounded(10);
    expect(marks.combine(0)).to.equal(false);
    expect(marks.current).to.equal(Number.NEGATIVE_INFINITY);
    give(marks, 0, 12);
    expect([marks.combine(0), marks.current]).to.deep.equal([true, 1]);
    give(marks, 0, 5);
    expect([marks.combine(0), marks.current]).to.deep.equal([false, 1]);
  });

  it("are combined to the smallest of those that were begun and have not ended", () => {
    const marks = bounded(0);
    marks.begin(3);
    give(marks, 0, 100);
    give(marks, 1, 50);
    expect(marks.combine(0)).to.equal(false);
    give(marks, 2, 80);
    expect([marks.combine(0), marks.current]).to.deep.equal([true, 49]);
    marks.end(1);
    expect([marks.combine(0), marks.current]).to.deep.equal([true, 79]);
    // A split that begins behind the others holds them where they are.
    give(marks, 3, 10);
    give(marks, 2, 200);
    expect([marks.combine(0), marks.current]).to.deep.equal([false, 79]);
    for (const split of [0, 2, 3]) marks.end(split);
    expect([marks.combine(0), marks.current, marks.allIdle]).to.deep.equal([false, 79, false]);
  });

  it("go on from where they were when another strategy tells them", () => {
    const marks = bounded(10);
    for (const split of [0, 1, 2]) give(marks, split, 100 + split);
    marks.end(0);
    marks.end(2);
    marks.combine(0);
    expect(marks.current).to.equal(90);
    const others = marks.toldBy(watermarks.boundedOutOfOrderness<Event>(0, at));
    expect([others.combine(0), others.current, others.hasNoSplit]).to.deep.equal([false, 90, false]);
    give(others, 3, 200);
    // The split that has not ended gives nothing as yet.
    expect([others.combine(0), others.current]).to.deep.equal([false, 90]);
    give(others, 1, 120);
    expect([others.combine(0), others.current]).to.deep.equal([true, 119]);
    others.end(1);
    expect([others.combine(0), others.current]).to.deep.equal([true, 199]);
    others.end(3);
    expect(others.hasNoSplit).to.equal(true);
  });

  it("never go back, and are the smallest of the splits where all give records", () => {
    const step = fc.record({ split: fc.nat(200), time: fc.integer({ min: -50, max: 50 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const marks = bounded(3);
        const splits = [...new Set(steps.map(({ split }) => split))].sort((a, b) => a - b);
        const latest = new Map<number, number>();
        let highest = Number.NEGATIVE_INFINITY;
        for (const { split, time } of steps) {
          const ordinal = splits.indexOf(split);
          marks.begin(splits.length);
          give(marks, ordinal, time);
          latest.set(split, Math.max(latest.get(split) ?? time, time));
          marks.combine(0);
          if (latest.size === splits.length) highest = Math.max(highest, Math.min(...latest.values()) - 4);
          expect(marks.current).to.equal(highest);
        }
      }),
    );
  });

  describe("idleness", () => {
    it("begins with the first look that finds nothing, and a record ends it", () => {
      const marks = bounded(0, { idleness: 100 });
      give(marks, 0, 1000);
      give(marks, 1, 10);
      expect([marks.combine(0), marks.current]).to.deep.equal([true, 9]);
      give(marks, 0, 2000);
      expect(marks.combine(500)).to.equal(false);
      give(marks, 0, 2000);
      expect(marks.combine(600)).to.equal(false);
      give(marks, 0, 2000);
      expect([marks.combine(601), marks.current]).to.deep.equal([true, 1999]);
      // Active again, and behind: the watermark waits for it.
      give(marks, 1, 500);
      give(marks, 0, 3000);
      expect([marks.combine(602), marks.current]).to.deep.equal([false, 1999]);
      give(marks, 1, 2500);
      expect([marks.combine(603), marks.current]).to.deep.equal([true, 2499]);
    });

    it("is about records, not about how late they are", () => {
      const marks = bounded(0, { idleness: 100 });
      give(marks, 0, 1000);
      for (let now = 0; now < 1000; now += 60) {
        give(marks, 0, 5);
        marks.combine(now);
        expect(marks.allIdle).to.equal(false);
      }
    });

    it("is the reader's when all splits are idle, with the watermark where it was", () => {
      const marks = bounded(0, { idleness: 100 });
      give(marks, 0, 30);
      give(marks, 1, 20);
      marks.combine(0);
      marks.combine(1);
      expect([marks.combine(102), marks.current, marks.allIdle]).to.deep.equal([false, 19, true]);
      give(marks, 1, 25);
      expect([marks.combine(103), marks.current, marks.allIdle]).to.deep.equal([true, 24, false]);
    });

    it("is the reader's when it has had no split for that long, not before", () => {
      const marks = bounded(0, { idleness: 100 });
      const idleAt = (now: number) => {
        marks.combine(now);
        return marks.allIdle;
      };
      expect([0, 100, 101].map(idleAt)).to.deep.equal([false, false, true]);
      give(marks, 0, 1);
      expect(idleAt(102)).to.equal(false);
      marks.end(0);
      expect([103, 203, 204].map(idleAt)).to.deep.equal([false, false, true]);
    });

    it("is of a split that never gave anything, too", () => {
      const marks = bounded(0, { idleness: 100 });
      marks.begin(2);
      for (let now = 0; now <= 100; now += 50) {
        give(marks, 0, 40 + now);
        expect(marks.combine(now)).to.equal(false);
      }
      give(marks, 0, 200);
      expect([marks.combine(101), marks.current]).to.deep.equal([true, 199]);
    });
  });

  it("tell which splits are further than they may, and those are not idle while they are paused", () => {
    const marks = bounded(5, { idleness: 100 });
    for (const [split, time] of [20, 300, 40, 500].entries()) give(marks, split, time);
    marks.end(3);
    marks.stopBehind(100);
    expect(marks.max.slice(0, 4).map((max) => (max > marks.stopAt ? 1 : 0))).to.deep.equal(
      new Float64Array([0, 1, 0, 1]),
    );
    for (const now of [0, 50, 150, 300]) {
      expect(marks.pauseAhead(100)).to.deep.equal([1]);
      marks.combine(now);
    }
    // The others are idle by now; what is paused counts.
    expect([marks.current, marks.allIdle]).to.deep.equal([294, false]);
    expect(marks.pauseAhead(294)).to.deep.equal([]);
  });

  describe("by generators", () => {
    it("periodic: one a split, asked every interval; what is no later is ignored", () => {
      const asked: number[] = [];
      const create = () => {
        let latest: number | undefined;
        return {
          onRecord: ({ says }: Event) => {
            latest = says as number | undefined;
          },
          watermark: () => {
            asked.push(latest ?? -1);
            return latest;
          },
        };
      };
      const marks = new SplitWatermarks(watermarks.periodic(at, create, { interval: 10 }));
      const look = (now: number) => {
        marks.ask(now);
        return marks.combine(now) ? marks.current : undefined;
      };
      marks.onRecord(0, { at: 1, says: undefined }, 1);
      expect(look(0)).to.equal(undefined);
      marks.onRecord(0, { at: 1, says: 100 }, 1);
      expect(look(9)).to.equal(undefined);
      expect(look(10)).to.equal(100);
      marks.onRecord(0, { at: 1, says: 40 }, 1);
      expect(look(20)).to.equal(undefined);
      marks.onRecord(1, { at: 1, says: 300 }, 1);
      marks.onRecord(0, { at: 1, says: 200 }, 1);
      expect(look(30)).to.equal(200);
      expect(asked).to.deep.equal([-1, 100, 40, 200, 300]);
    });

    it("punctuated: from the records that say so", () => {
      const marks = new SplitWatermarks(watermarks.punctuated<Event>(at, ({ says }) => says));
      const said = (says: number | Date | undefined) => {
        marks.punctuate(0, { at: 0, says }, 0);
        const { moved } = marks;
        return [moved, marks.combine(0), marks.current];
      };
      expect(said(undefined)).to.deep.equal([false, false, Number.NEGATIVE_INFINITY]);
      expect(said(7)).to.deep.equal([true, true, 7]);
      expect(said(new Date(9))).to.deep.equal([true, true, 9]);
      expect(said(8)).to.deep.equal([false, false, 9]);
    });

    it("are refused when they say no time", () => {
      for (const says of [Number.NaN, new Date(Number.NaN), "soon" as never]) {
        const punctuated = new SplitWatermarks(watermarks.punctuated<Event>(at, () => says));
        expect(() => punctuated.punctuate(0, { at: 0 }, 0), String(says))
          .to.throw()
          .with.property("code", "WATERMARK_INVALID");
        const create = () => ({ onRecord() {}, watermark: () => says });
        const periodic = new SplitWatermarks(watermarks.periodic<Event>(at, create));
        periodic.onRecord(0, { at: 0 }, 0);
        expect(() => periodic.ask(0))
          .to.throw()
          .with.property("code", "WATERMARK_INVALID");
      }
    });
  });

  it("strategies refuse what makes no sense", () => {
    const refused = [
      () => bounded(-1),
      () => bounded(0, { idleness: "-1s" }),
      () => watermarks.periodic<Event>(at, () => ({ onRecord() {}, watermark: () => 0 }), { interval: -1 }),
      () => bounded(0, { alignment: { group: "g", maxDrift: -1 } }),
      () => bounded(0, { alignment: { group: "g", maxDrift: 0, updateInterval: 0 } }),
    ];
    for (const attempt of refused) expect(attempt).to.throw().with.property("code", "OPTION_INVALID");
  });
});
