import { expect } from "chai";
import fc from "fast-check";
import { WATERMARK_MAX, WATERMARK_MIN, WatermarkValve, watermarks } from "../../lib/time/watermarks.js";
import { paneSize, sliding, tumbling, windowStart } from "../../lib/time/windows.js";

describe("watermark valve", () => {
  it("gives the smallest watermark of the inputs that are not idle, and never goes back", () => {
    const step = fc.record({
      input: fc.nat(2),
      watermark: fc.nat(100),
      idle: fc.option(fc.boolean(), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const valve = new WatermarkValve(3);
        const latest = [WATERMARK_MIN, WATERMARK_MIN, WATERMARK_MIN];
        const idle = [false, false, false];
        let emitted = WATERMARK_MIN;
        for (const each of steps) {
          if (each.idle === undefined) {
            latest[each.input] = Math.max(latest[each.input]!, each.watermark);
            valve.update(each.input, latest[each.input]!);
          } else {
            idle[each.input] = each.idle;
            valve.setIdle(each.input, each.idle);
          }
          const active = latest.filter((_, i) => !idle[i]);
          const least = active.length === 0 ? emitted : Math.min(...active);
          emitted = Math.max(emitted, least);
          expect(valve.current).to.equal(emitted);
          expect(valve.allIdle).to.equal(idle.every(Boolean));
        }
      }),
    );
  });

  it("says the end when every input has ended", () => {
    const valve = new WatermarkValve(2);
    expect(valve.update(0, WATERMARK_MAX)).to.equal(false);
    expect(valve.update(1, 5)).to.equal(true);
    expect(valve.update(1, WATERMARK_MAX)).to.equal(true);
    expect(valve.current).to.equal(WATERMARK_MAX);
  });
});

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
