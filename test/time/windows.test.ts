import { expect } from "chai";
import fc from "fast-check";
import { watermarks } from "../../lib/time/watermarks.js";
import {
  paneSize,
  sliding,
  touches,
  tumbling,
  type Window,
  windowStart,
  windowsOf,
} from "../../lib/time/windows.js";

describe("window assigners", () => {
  it("begin windows at multiples of the slide from the offset, also before 1970", () => {
    const time = fc.integer({ min: -1e13, max: 1e13 });
    fc.assert(
      fc.property(time, fc.integer({ min: 1, max: 1e9 }), fc.nat(1000), (timestamp, size, offset) => {
        const start = windowStart(timestamp, size, offset);
        expect(start).to.be.at.most(timestamp);
        expect(start + size).to.be.greaterThan(timestamp);
        expect(Math.abs((start - offset) % size)).to.equal(0);
      }),
    );
  });

  it("begin where Flink's do", () => {
    const starts: [size: number, offset: number, cases: [timestamp: number, start: number][]][] = [
      [
        7,
        0,
        [
          [1, 0],
          [6, 0],
          [7, 7],
          [8, 7],
        ],
      ],
      [
        7,
        3,
        [
          [1, -4],
          [2, -4],
          [3, 3],
          [9, 3],
          [10, 10],
        ],
      ],
      [
        7,
        -2,
        [
          [1, -2],
          [-2, -2],
          [3, -2],
          [4, -2],
          [7, 5],
          [12, 12],
        ],
      ],
      [24 * 3_600_000, -8 * 3_600_000, [[1_470_902_048_450, 1_470_844_800_000]]],
      [
        5000,
        0,
        [
          [4999, 0],
          [5000, 5000],
          [-1, -5000],
          [-5000, -5000],
          [-5001, -10_000],
        ],
      ],
      [
        5000,
        100,
        [
          [100, 100],
          [5100, 5100],
        ],
      ],
      [
        5000,
        -100,
        [
          [0, -100],
          [4900, 4900],
        ],
      ],
    ];
    for (const [size, offset, cases] of starts) {
      for (const [timestamp, start] of cases) {
        expect(
          windowsOf(tumbling(size, { offset }), timestamp),
          `${timestamp} in ${size}+${offset}`,
        ).to.deep.equal([{ start, end: start + size }]);
      }
    }
    const slides: [offset: number, timestamp: number, first: number, last: number][] = [
      [0, 0, -4000, 0],
      [0, 4999, 0, 4000],
      [0, 5000, 1000, 5000],
      [100, 100, -3900, 100],
    ];
    for (const [offset, timestamp, first, last] of slides) {
      const windows = windowsOf(sliding({ size: 5000, slide: 1000, offset }), timestamp);
      expect(windows.map(({ start }) => start)).to.deep.equal([4, 3, 2, 1, 0].map((i) => first + i * 1000));
      expect(windows[0]).to.deep.equal({ start: last, end: last + 5000 });
    }
    expect(windowsOf(sliding({ size: 3, slide: 5 }), 4)).to.deep.equal([]);
  });

  it("touch when one begins where the other ends", () => {
    const window = (start: number, end: number): Window => ({ start, end });
    expect(touches(window(10, 20), window(20, 30))).to.equal(true);
    expect(touches(window(20, 30), window(10, 20))).to.equal(true);
    expect(touches(window(10, 20), window(21, 30))).to.equal(false);
    expect(touches(window(10, 20), window(19, 22))).to.equal(true);
    expect(touches(window(10, 20), window(12, 13))).to.equal(true);
  });

  it("refuse an offset that is no shorter than the slide, with the rule", () => {
    const refused = [
      () => tumbling(5000, { offset: 5000 }),
      () => tumbling(5000, { offset: -5000 }),
      () => sliding({ size: 5000, slide: 1000, offset: 1000 }),
      () => sliding({ size: 5000, slide: 0 }),
      () => tumbling(0),
    ];
    for (const attempt of refused) {
      expect(attempt).to.throw().with.property("code", "OPTION_INVALID");
      expect(attempt).to.throw().with.property("hint").that.includes("shorter than the slide");
    }
  });

  it("share panes as large as they can be", () => {
    expect(paneSize(tumbling("10s"))).to.equal(10_000);
    expect(paneSize(sliding({ size: "10s", slide: "2s" }))).to.equal(2000);
    expect(paneSize(sliding({ size: "10s", slide: "4s" }))).to.equal(2000);
  });

  it("refuse what is no duration", () => {
    for (const bad of [0, -1, "soon", Number.NaN] as never[]) {
      expect(() => tumbling(bad), String(bad))
        .to.throw()
        .with.property("code", "OPTION_INVALID");
    }
    expect(() => watermarks.boundedOutOfOrderness("-1s" as never, () => 0)).to.throw("-1s");
  });
});
