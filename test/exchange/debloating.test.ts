import { expect } from "chai";
import fc from "fast-check";
import { debloatSettings } from "../../lib/exchange/debloat-settings.js";
import {
  ActiveTime,
  type Bounds,
  ChannelLimit,
  clamp,
  type DebloatSettings,
  desiredSize,
  isWorthTelling,
  nextSize,
  perSecond,
  shareOf,
  smoothed,
  type Taken,
  TaskLimits,
} from "../../lib/exchange/debloating.js";

const SETTINGS = { ...debloatSettings(undefined)!, threshold: 0 };
const LARGE: Bounds = { minBytes: 256, maxBytes: 1 << 30 };

function bounds(minBytes: number, maxBytes: number): Bounds {
  return { minBytes, maxBytes };
}

describe("debloating as in Flink's tests", () => {
  // BufferDebloaterTest of 1.14: [throughput, buffers in use, min, max, target, announced]; told first: max.
  for (const [throughput, buffers, min, max, target, announced] of [
    [3333, 3, 50, 2400, 1000, 1111],
    [3333, 16, 50, 1100, 1200, 249],
    [3333, 16, 250, 1100, 1200, 250],
    [0, 16, 50, 1100, 1200, 50],
    [3333, 16, 50, 1100, 7, 50],
    [3333, 16, 50, 248, 1200, undefined],
    [3333, 16, 50, 250, 1200, undefined],
    [1200, 1, 50, 2400, 1000, 1200],
  ] as const) {
    it(`${throughput} B/s and ${buffers} buffers of ${min} to ${max} B in ${target} ms: ${announced}`, () => {
      const size = clamp(desiredSize(throughput, target, 1 / buffers), bounds(min, max));
      expect(isWorthTelling(max, size, 50, bounds(min, max)) ? size : undefined).to.equal(announced);
    });
  }

  it("always tells the least and the most, whatever the threshold (FLINK-24467)", () => {
    expect(isWorthTelling(1099, 1100, 50, bounds(50, 1100))).to.equal(true);
    expect(isWorthTelling(60, 50, 50, bounds(50, 1100))).to.equal(true);
    expect(isWorthTelling(500, 749, 50, bounds(50, 1100))).to.equal(false);
    expect(isWorthTelling(500, 750, 50, bounds(50, 1100))).to.equal(true);
    expect(isWorthTelling(50, 50, 50, bounds(50, 1100))).to.equal(false);
  });

  it("averages as ThroughputEMATest", () => {
    const average = (samples: number, steps: readonly (readonly [bytes: number, ms: number])[]) => {
      let last: number | undefined;
      return steps.map(([bytes, ms]) => {
        const instant = Math.trunc(perSecond(bytes, ms, last ?? 0));
        last = last === undefined ? instant : smoothed(last, instant, samples);
        return last;
      });
    };
    const ten = Array.from({ length: 7 }, () => [100, 10] as const);
    expect(average(3, [[100, 33], [200, 33], ...ten, [10, 10], [10, 10], [10, 10]])).to.deep.equal([
      3030, 4545, 7272, 8636, 9318, 9659, 9829, 9914, 9957, 5478, 3239, 2119,
    ]);
    expect(
      average(5, [
        [100, 33],
        [200, 33],
        [100, 9],
      ]),
    ).to.deep.equal([3030, 4040, 6397]);
    expect(perSecond(100, 0, 4711)).to.equal(4711);
  });

  it("measures as ThroughputCalculatorTest", () => {
    const time = new ActiveTime();
    time.resume(0);
    expect(perSecond(6666 + 3333 + 1, time.take(100), 0)).to.equal(100_000);
    expect(perSecond(666, time.take(200), 0)).to.equal(6660);
    expect(perSecond(0, time.take(200), 6660)).to.equal(6660);
    expect(smoothed(6660, perSecond(0, time.take(201), 6660), 10)).to.equal(5449);
  });

  it("leaves out the time between pause and resume, as ThroughputCalculatorTest", () => {
    const time = new ActiveTime();
    time.resume(0);
    time.pause(1);
    time.resume(10);
    expect(perSecond(7 + 3, time.take(11), 0)).to.equal(5000);
    time.pause(12);
    expect(perSecond(10, time.take(21), 0)).to.equal(10_000);
    expect(time.take(30)).to.equal(0);
    time.resume(30);
    for (const at of [33, 36, 39]) time.resume(at);
    expect(perSecond(10, time.take(40), 0)).to.equal(1000);
  });

  it("sizes as BufferSizeEMATest", () => {
    const sizes = (first: number, samples: number, steps: readonly (readonly [number, number])[]) => {
      let last = first;
      return steps.map(([total, buffers]) => {
        last = nextSize(last, Math.trunc(total / buffers), samples, bounds(10, 200));
        return last;
      });
    };
    const times = (n: number, total: number, buffers: number) =>
      Array.from({ length: n }, () => [total, buffers] as const);
    expect(
      sizes(200, 3, [[111, 13], ...times(5, 107, 7), ...times(2, 107, 13), ...times(6, 333, 1)]),
    ).to.deep.equal([104, 59, 37, 26, 20, 17, 12, 10, 15, 22, 33, 49, 73, 109]);
    expect(sizes(200, 3, times(6, 0, 1))).to.deep.equal([100, 50, 25, 12, 10, 10]);
    expect(sizes(200, 3, [[0, 1], ...times(3, 1000, 1)])).to.deep.equal([100, 150, 200, 200]);
  });
});

/** A receiver whose channels always have enough, taken from record by record in turn. */
class Receiver {
  readonly limits: TaskLimits;
  readonly told: number[];
  private readonly sizes: readonly number[];

  constructor(sizes: readonly number[], settings: DebloatSettings = SETTINGS) {
    this.sizes = sizes;
    this.told = sizes.map(() => 65_536);
    this.limits = new TaskLimits(
      settings,
      sizes.map(() => new ChannelLimit(65_536, LARGE)),
    );
  }

  /** Periods until nothing changes any more. */
  settled(rates: readonly number[]): number[] {
    for (let i = 0; i < 40; i++) this.period(rates);
    return this.period(rates);
  }

  /** A period at so many records a second by channel. */
  period(rates: readonly number[], activeMs = 200, held = false): number[] {
    const taken = rates.map((rate, i): Taken => {
      const records = (rate * activeMs) / 1000;
      return { records, framed: { records, size: records * this.sizes[i]! }, ended: false, held };
    });
    this.limits.learn(activeMs, taken, (channel, size) => {
      this.told[channel] = size;
    });
    return [...this.told];
  }
}

describe("limits of a task's channels", () => {
  it("give each channel what it is taken from within the target", () => {
    expect(new Receiver([40, 1060]).settled([5000, 5000])).to.deep.equal([200_000, 5_300_000]);
  });

  for (const [from, to] of [
    [5000, 500],
    [500, 5000],
  ] as const) {
    it(`follow a receiver from ${from} to ${to} records/s within 5 periods, whenever it changes`, () => {
      for (let share = 0; share < 1; share += 0.05) {
        const receiver = new Receiver([40]);
        receiver.settled([from]);
        receiver.period([from * (1 - share) + to * share]);
        // The change was up to one period ago, four more are less than 1 s.
        const told = [1, 2, 3, 4].map(() => receiver.period([to])[0]!);
        expect(told.at(-1)! / (to * 40), `changed for ${share} of a period`).to.be.within(0.75, 1.25);
      }
    });
  }

  it("at most double in a period", () => {
    const receiver = new Receiver([40]);
    receiver.settled([500]);
    expect([1, 2, 3].map(() => receiver.period([5000])[0])).to.deep.equal([22_000, 44_000, 88_000]);
  });

  it("are moved little by one measurement that stands alone", () => {
    for (const outlier of [50_000, 1]) {
      const receiver = new Receiver([40]);
      receiver.settled([5000]);
      expect(receiver.period([outlier])[0]! / 200_000).to.be.within(0.9, 1.1);
      expect(receiver.period([5000])[0]! / 200_000).to.be.within(0.9, 1.1);
    }
  });

  it("are smoothed where nothing much changes", () => {
    const receiver = new Receiver([40]);
    receiver.settled([5000]);
    expect(receiver.period([6000])).to.deep.equal([216_000]);
  });

  it("leave a channel with few records an even share, and the others what they take", () => {
    expect(new Receiver([40, 40, 40, 40]).settled([4900, 100, 0, 0]).slice(0, 2)).to.deep.equal([
      196_000, 50_000,
    ]);
  });

  it("do not change by a sender that slows down, as idle time does not count", () => {
    const receiver = new Receiver([40]);
    const before = receiver.settled([5000]);
    expect(receiver.period([5000], 50)).to.deep.equal(before);
    expect(receiver.limits.isEnough(49, 1000)).to.equal(false);
    expect(receiver.limits.isEnough(200, 3)).to.equal(false);
    expect(receiver.limits.isEnough(1000, 0)).to.equal(true);
  });

  it("do not take what one channel gives while others are held for its share", () => {
    const receiver = new Receiver([40, 40]);
    receiver.settled([2500, 2500]);
    expect(receiver.period([5000, 0], 200, true)).to.deep.equal([100_000, 100_000]);
  });

  it("are always within their bounds", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.nat(5000),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1e12, noNaN: true }), fc.nat(1000)), { maxLength: 20 }),
        (least, more, periods) => {
          const limit = new ChannelLimit(65_536, bounds(least, least + more));
          for (const [throughput, size] of periods) {
            limit.recordSize = size;
            limit.follow(throughput, SETTINGS);
            expect(limit.told).to.be.within(least, least + more);
            expect(Number.isInteger(limit.told)).to.equal(true);
          }
        },
      ),
    );
  });

  it("give shares that are at least even", () => {
    expect([shareOf(3, 4, 2), shareOf(1, 4, 2), shareOf(0, 0, 4)]).to.deep.equal([0.75, 0.5, 0.25]);
  });
});

describe("options of debloating", () => {
  it("have Flink's meaning, faster by default", () => {
    expect(debloatSettings(undefined)).to.deep.equal({
      targetMs: 1000,
      periodMs: 200,
      samples: 4,
      threshold: 5,
      minBytes: 256,
      maxBytes: 327_680,
    });
    expect(debloatSettings(false)).to.equal(undefined);
    expect(debloatSettings({ target: "300ms", maxBytes: 1000 })).to.include({
      targetMs: 300,
      maxBytes: 1000,
    });
  });

  for (const options of [
    { target: -1 },
    { target: 0 },
    { target: "soon" },
    { period: 0 },
    { samples: 0 },
    { samples: 1.5 },
    { threshold: -1 },
    { threshold: 101 },
    { minBytes: -1 },
    { maxBytes: -1 },
    { minBytes: 2, maxBytes: 1 },
    { goal: 1 },
  ]) {
    it(`refuse ${JSON.stringify(options)}`, () => {
      expect(() => debloatSettings(options as never))
        .to.throw()
        .with.property("code", "OPTION_INVALID");
    });
  }
});
