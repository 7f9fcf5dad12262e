import { expect } from "chai";
import fc from "fast-check";
import { WATERMARK_MAX, WATERMARK_MIN, WatermarkValve } from "../../lib/time/watermark-valve.js";

/** What a task tells its outputs of its valve: watermarks, and its status where that changes. */
class Told {
  readonly given: (number | "idle" | "active")[] = [];
  private readonly valve: WatermarkValve;
  private idle = false;

  constructor(inputs: number) {
    this.valve = new WatermarkValve(inputs);
  }

  mark(input: number, watermark: number): this {
    return this.after(this.valve.update(input, watermark));
  }

  idles(input: number, idle = true): this {
    return this.after(this.valve.setIdle(input, idle));
  }

  take(): (number | "idle" | "active")[] {
    return this.given.splice(0);
  }

  private after(advanced: boolean): this {
    if (advanced) this.given.push(this.valve.current);
    if (this.valve.allIdle !== this.idle) {
      this.idle = !this.idle;
      this.given.push(this.idle ? "idle" : "active");
    }
    return this;
  }
}

/** As Flink's StatusWatermarkValve says it, channel by channel; an end is what we add. */
class ValveModel {
  last = WATERMARK_MIN;
  private readonly channels: { watermark: number; active: boolean; aligned: boolean; ended: boolean }[];

  constructor(inputs: number) {
    this.channels = Array.from({ length: inputs }, () => {
      return { watermark: WATERMARK_MIN, active: true, aligned: true, ended: false };
    });
  }

  get idle(): boolean {
    return !this.channels.some(({ active }) => active) && !this.channels.every(({ ended }) => ended);
  }

  watermark(input: number, watermark: number): void {
    const channel = this.channels[input]!;
    if (!channel.active || watermark <= channel.watermark) return;
    channel.watermark = watermark;
    if (!channel.aligned && watermark >= this.last) channel.aligned = true;
    this.emitMin();
  }

  status(input: number, active: boolean): void {
    const channel = this.channels[input]!;
    if (channel.ended || channel.active === active) return;
    channel.active = active;
    if (active) {
      if (channel.watermark >= this.last) channel.aligned = true;
      return;
    }
    channel.aligned = false;
    this.without(channel.watermark);
  }

  end(input: number): void {
    const channel = this.channels[input]!;
    channel.ended = true;
    const wasAligned = channel.aligned;
    channel.active = false;
    channel.aligned = false;
    if (this.channels.every(({ ended }) => ended)) this.last = WATERMARK_MAX;
    else if (wasAligned) this.without(channel.watermark);
  }

  private without(watermark: number): void {
    if (watermark !== this.last) return;
    if (this.channels.some(({ active }) => active)) this.emitMin();
    else this.last = Math.max(this.last, ...this.channels.map((each) => each.watermark));
  }

  private emitMin(): void {
    const aligned = this.channels.filter((each) => each.aligned).map((each) => each.watermark);
    if (aligned.length > 0) this.last = Math.max(this.last, Math.min(...aligned));
  }
}

describe("watermark valve", () => {
  it("tells a change of status once, and only of all inputs together", () => {
    const told = new Told(2).idles(0, false).idles(1, false);
    expect(told.take()).to.deep.equal([]);
    expect(told.idles(1).take()).to.deep.equal([]);
    expect(told.idles(0).take()).to.deep.equal(["idle"]);
    expect(told.idles(0).idles(1).take()).to.deep.equal([]);
    expect(told.idles(1, false).take()).to.deep.equal(["active"]);
    expect(told.idles(0, false).take()).to.deep.equal([]);
  });

  it("gives the smallest watermark once every input has one", () => {
    const told = new Told(3).mark(0, 0).mark(1, 0);
    expect(told.take()).to.deep.equal([]);
    expect(told.mark(2, 0).take()).to.deep.equal([0]);
    expect(told.mark(0, 12).mark(2, 8).mark(2, 3).take()).to.deep.equal([]);
    expect(told.mark(1, 10).take()).to.deep.equal([8]);
    // The slowest goes: the rest need not wait any longer.
    expect(told.idles(2).take()).to.deep.equal([10]);
    expect(told.idles(1).take()).to.deep.equal([12]);
    expect(told.mark(0, 18).take()).to.deep.equal([18]);
  });

  it("goes up to the largest watermark, then says that it is idle", () => {
    const told = new Told(3).mark(0, 25).mark(1, 10).mark(2, 17);
    expect(told.take()).to.deep.equal([10]);
    expect(told.idles(0).idles(2).idles(1).take()).to.deep.equal([25, "idle"]);
  });

  it("does not wait for an input that comes back behind the others, until it has caught up", () => {
    const told = new Told(2).mark(0, 10).mark(1, 5);
    expect(told.idles(1).take()).to.deep.equal([5, 10]);
    expect(told.mark(1, 90).mark(0, 20).idles(1, false).take()).to.deep.equal([20]);
    expect(told.mark(1, 15).mark(0, 30).take()).to.deep.equal([30]);
    expect(told.mark(1, 30).mark(0, 40).take()).to.deep.equal([]);
    expect(told.mark(1, 35).take()).to.deep.equal([35]);
  });

  it("comes back from idleness with a lower watermark: never goes back", () => {
    const told = new Told(1).mark(0, 10).idles(0);
    expect(told.take()).to.deep.equal([10, "idle"]);
    expect(told.idles(0, false).mark(0, 7).take()).to.deep.equal(["active"]);
    expect(told.mark(0, 11).take()).to.deep.equal([11]);
  });

  it("leaves out an input that has ended, and comes to the end with the last", () => {
    const told = new Told(3).mark(0, 5).mark(1, 7).mark(2, 9);
    expect(told.take()).to.deep.equal([5]);
    expect(told.mark(0, WATERMARK_MAX).take()).to.deep.equal([7]);
    expect(told.idles(1).take()).to.deep.equal([9]);
    // One has ended, the others are idle: they may go on.
    expect(told.idles(2).take()).to.deep.equal(["idle"]);
    expect(told.mark(2, WATERMARK_MAX).take()).to.deep.equal([]);
    expect(told.mark(1, WATERMARK_MAX).take()).to.deep.equal([WATERMARK_MAX, "active"]);
  });

  it("does what Flink's valve does, whatever comes", () => {
    const input = fc.nat(2);
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ input, watermark: fc.nat(50) }) },
      { weight: 3, arbitrary: fc.record({ input, idle: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ input, watermark: fc.constant(WATERMARK_MAX) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const valve = new WatermarkValve(3);
        const model = new ValveModel(3);
        for (const each of steps) {
          const before = valve.current;
          let advanced: boolean;
          if ("idle" in each) {
            advanced = valve.setIdle(each.input, each.idle);
            model.status(each.input, !each.idle);
          } else {
            advanced = valve.update(each.input, each.watermark);
            if (each.watermark === WATERMARK_MAX) model.end(each.input);
            else model.watermark(each.input, each.watermark);
          }
          expect(valve.current).to.equal(model.last);
          expect(valve.allIdle).to.equal(model.idle);
          expect(advanced).to.equal(valve.current > before);
        }
      }),
    );
  });
});
