import { expect } from "chai";
import { RecentTimes } from "../../lib/metrics/time-rates.js";

const times = (busyMs: number, idleMs = 0, backPressuredMs = 0) => ({ busyMs, idleMs, backPressuredMs });

describe("rates of a task's time", () => {
  it("are milliseconds of each second since the beginning, at first", () => {
    const recent = new RecentTimes(1000);
    const rates = recent.rates(3000, new Map([["a", times(500, 1000, 300)]])).get("a")!;
    expect(rates).to.deep.equal({
      busyTimeMsPerSecond: 250,
      idleTimeMsPerSecond: 500,
      backPressuredTimeMsPerSecond: 150,
    });
  });

  it("are those of the last seconds later", () => {
    const recent = new RecentTimes(0);
    for (let at = 500; at <= 20_000; at += 500) recent.rates(at, new Map([["a", times(at, 0)]]));
    // Busy for twenty seconds, idle for ten.
    let rates = recent.rates(20_001, new Map([["a", times(20_000, 0)]]));
    for (let at = 20_500; at <= 30_000; at += 500)
      rates = recent.rates(at, new Map([["a", times(20_000, at - 20_000)]]));
    expect(rates.get("a")!.busyTimeMsPerSecond).to.equal(0);
    expect(rates.get("a")!.idleTimeMsPerSecond).to.be.closeTo(1000, 1);
  });

  it("begin anew with a task that does, and never leave their range", () => {
    const recent = new RecentTimes(0);
    recent.rates(1000, new Map([["a", times(900)]]));
    const rates = recent.rates(2000, new Map([["a", times(100)]])).get("a")!;
    expect(rates.busyTimeMsPerSecond).to.equal(50);
    expect(recent.rates(2000, new Map([["b", times(9000)]])).get("b")!.busyTimeMsPerSecond).to.equal(1000);
    expect(new RecentTimes(5).rates(5, new Map([["a", times(1)]])).get("a")!.busyTimeMsPerSecond).to.equal(0);
  });
});
