import { expect } from "chai";
import { seededRandom } from "../../lib/base/random.js";
import { type RestartOptions, restartStrategy } from "../../lib/checkpoint/restart-strategy.js";

const random = seededRandom(7);

/** The delays that failures at these times lead to. */
function delays(options: RestartOptions | undefined, times: readonly number[], checkpointing = false) {
  const strategy = restartStrategy(options, checkpointing);
  return times.map((now) => strategy.onFailure(now, random));
}

describe("restart strategies", () => {
  it("are none without checkpoints, a fixed delay for ever with", () => {
    expect(delays(undefined, [0, 1])).to.deep.equal([undefined, undefined]);
    expect(delays({ strategy: "none" }, [0], true)).to.deep.equal([undefined]);
    expect(delays(undefined, [0, 1, 2, 3, 4], true)).to.deep.equal([1000, 1000, 1000, 1000, 1000]);
  });

  it("fixed-delay gives up after its attempts", () => {
    expect(delays({ strategy: "fixed-delay" }, [0, 9e9])).to.deep.equal([1000, undefined]);
    expect(delays({ strategy: "fixed-delay", attempts: 2, delay: "3s" }, [0, 1, 2])).to.deep.equal([
      3000,
      3000,
      undefined,
    ]);
  });

  it("failure-rate gives up when failures come too fast", () => {
    const rate: RestartOptions = { strategy: "failure-rate", failures: 3, interval: "10s", delay: 5 };
    expect(delays(rate, [0, 1, 2, 3])).to.deep.equal([5, 5, 5, undefined]);
    expect(delays(rate, [0, 1, 2, 10_000])).to.deep.equal([5, 5, 5, undefined]);
    expect(delays(rate, [0, 1, 2, 10_001, 10_002, 10_003])).to.deep.equal([5, 5, 5, 5, 5, 5]);
    expect(delays(rate, [0, 1, 2, 10_001, 10_001])).to.deep.equal([5, 5, 5, 5, undefined]);
    expect(delays({ strategy: "failure-rate" }, [0, 60_001, 120_000])).to.deep.equal([1000, 1000, undefined]);
  });

  it("exponential-delay grows by whole milliseconds up to its maximum", () => {
    const growing: RestartOptions = {
      strategy: "exponential-delay",
      initialDelay: 4,
      maxDelay: 300,
      multiplier: 2.3,
      resetAfter: 1000,
      jitter: 0,
    };
    expect(delays(growing, [0, 1, 2, 3, 4, 5, 6, 7])).to.deep.equal([4, 9, 20, 46, 105, 241, 300, 300]);
    expect(delays(growing, [0, 1, 2, 1021]), "not yet").to.deep.equal([4, 9, 20, 46]);
    expect(delays(growing, [0, 1, 2, 1022, 1023]), "reset").to.deep.equal([4, 9, 20, 4, 9]);
    expect(
      delays({ ...growing, initialDelay: "1s", maxDelay: "5m", multiplier: 2 }, [0, 1, 2]),
    ).to.deep.equal([1000, 2000, 4000]);
  });

  it("exponential-delay varies by its jitter, never above the maximum", () => {
    const seen = (initialDelay: number, maxDelay: number) => {
      const options: RestartOptions = { strategy: "exponential-delay", initialDelay, maxDelay, jitter: 0.25 };
      return [...new Set(Array.from({ length: 200 }, () => delays(options, [0])[0]))].sort();
    };
    expect(seen(4, 10)).to.deep.equal([3, 4, 5]);
    expect(seen(7, 7)).to.deep.equal([6, 7]);
  });

  it("refuse what makes no sense", () => {
    const bad: unknown[] = [
      { strategy: "sometimes" },
      { strategy: "fixed-delay", attempts: 0 },
      { strategy: "fixed-delay", attempts: 1.5 },
      { strategy: "fixed-delay", delay: "-1s" },
      { strategy: "fixed-delay", delay: "soon" },
      { strategy: "failure-rate", failures: -1 },
      { strategy: "exponential-delay", initialDelay: 0 },
      { strategy: "exponential-delay", initialDelay: "10m" },
      { strategy: "exponential-delay", multiplier: 1 },
      { strategy: "exponential-delay", jitter: 2 },
    ];
    for (const options of bad) {
      expect(() => restartStrategy(options as RestartOptions, true), JSON.stringify(options))
        .to.throw()
        .with.property("code", "OPTION_INVALID");
    }
  });
});
