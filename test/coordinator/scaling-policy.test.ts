import { expect } from "chai";
import fc from "fast-check";
import {
  INITIAL_SCALING,
  type ScalingEvent,
  type ScalingSettings,
  scalingStep,
} from "../../lib/coordinator/scaling-policy.js";

const SETTINGS: ScalingSettings = {
  stabilisationMs: 10_000,
  decreaseMs: 2_000,
  minIncrease: 1,
  cooldownMs: 30_000,
  cooldownMaxMs: 100_000,
};

/** The policy with what it was told so far, and the parallelism that its decisions have led to. */
class Policy {
  at = 0;
  parallelism: number;
  private state = INITIAL_SCALING;
  private readonly settings: ScalingSettings;

  constructor(parallelism: number, settings: Partial<ScalingSettings> = {}) {
    this.parallelism = parallelism;
    this.settings = { ...SETTINGS, ...settings };
  }

  tell(event: ScalingEvent): number | undefined {
    const { state, rescaleTo } = scalingStep(this.state, event, this.settings);
    this.state = state;
    return rescaleTo;
  }

  look(target: number, running = true): number | undefined {
    const { at, parallelism } = this;
    return this.tell({ kind: "looked", at, running, parallelism, target });
  }

  /** Looks every second; answers what was decided, and when, counted from here in seconds. */
  see(targets: readonly number[]): string[] {
    return targets.flatMap((target, second) => {
      this.at += 1_000;
      const decided = this.look(target);
      if (decided === undefined) return [];
      this.rescaled(decided);
      return [`${decided} after ${second + 1} s`];
    });
  }

  rescaled(parallelism: number, by: "policy" | "number" | "auto" = "policy"): void {
    this.parallelism = parallelism;
    this.tell({ kind: "rescaled", by });
  }
}

const times = <T>(count: number, ...values: T[]): T[] => Array.from({ length: count }, () => values).flat();

describe("the policy of a reactive job", () => {
  it("takes more cores once they have been there for the stabilisation time, fewer after a shorter one", () => {
    expect(new Policy(1).see(times(12, 4))).to.deep.equal(["4 after 11 s"]);
    expect(new Policy(4).see(times(12, 1))).to.deep.equal(["1 after 3 s"]);
    expect(new Policy(2, { stabilisationMs: 0, decreaseMs: 0 }).see([3, 1, 1])).to.deep.equal([
      "3 after 1 s",
      "1 after 2 s",
    ]);
  });

  it("does nothing for cores that come and go in between", () => {
    expect(new Policy(2).see(times(50, 4, 4, 4, 4, 4, 2))).to.deep.equal([]);
    expect(new Policy(2).see(times(50, 2, 1, 2))).to.deep.equal([]);
    expect(new Policy(2).see(times(50, 1, 3))).to.deep.equal([]);
  });

  it("takes those that are always there of more that come and go", () => {
    expect(new Policy(1).see(times(20, 4, 3))).to.deep.equal(["3 after 11 s"]);
    expect(new Policy(4).see(times(20, 1, 2))).to.deep.equal(["2 after 3 s"]);
  });

  it("does not rescale for less than the least increase, but for any decrease", () => {
    const policy = new Policy(4, { minIncrease: 3 });
    expect(policy.see(times(30, 6))).to.deep.equal([]);
    expect(policy.see(times(20, 7))).to.deep.equal(["7 after 11 s"]);
    expect(policy.see(times(20, 6))).to.deep.equal(["6 after 3 s"]);
  });

  it("counts anew when the job runs again", () => {
    const policy = new Policy(1);
    policy.see(times(9, 2));
    policy.at += 1_000;
    expect(policy.look(2, false)).to.equal(undefined);
    expect(policy.see(times(12, 2))).to.deep.equal(["2 after 11 s"]);
  });

  it("waits while a rescale is under way, be it one that somebody asked for", () => {
    const policy = new Policy(1);
    policy.tell({ kind: "asked" });
    policy.tell({ kind: "asked" });
    expect(policy.see(times(30, 4))).to.deep.equal([]);
    policy.tell({ kind: "failed", by: "number", at: policy.at });
    expect(policy.see(times(30, 4))).to.deep.equal([]);
    policy.tell({ kind: "failed", by: "number", at: policy.at });
    expect(policy.see(times(12, 4))).to.deep.equal(["4 after 11 s"]);
  });

  it("keeps what somebody asked for until it is told to follow again", () => {
    const policy = new Policy(4);
    policy.tell({ kind: "asked" });
    policy.rescaled(3, "number");
    expect(policy.see(times(30, 4, 1))).to.deep.equal([]);
    policy.tell({ kind: "asked" });
    policy.rescaled(4, "auto");
    expect(policy.see(times(3, 1))).to.deep.equal(["1 after 3 s"]);
    policy.tell({ kind: "asked" });
    policy.rescaled(3, "number");
    policy.tell({ kind: "asked" });
    policy.tell({ kind: "failed", by: "auto", at: policy.at });
    expect(policy.see(times(3, 1))).to.deep.equal(["1 after 3 s"]);
  });

  it("cools down after failures, longer after each further one, until one has succeeded", () => {
    const policy = new Policy(2, { decreaseMs: 0 });
    for (const cooldown of [30_000, 60_000, 100_000, 100_000]) {
      expect(policy.look(1)).to.equal(1);
      policy.tell({ kind: "failed", by: "policy", at: policy.at });
      policy.at += cooldown - 1;
      expect(policy.look(1)).to.equal(undefined);
      policy.at += 1;
    }
    expect(policy.look(1)).to.equal(1);
    policy.rescaled(2);
    expect(policy.look(1)).to.equal(1);
    policy.tell({ kind: "failed", by: "policy", at: policy.at });
    policy.at += 30_000;
    expect(policy.look(1)).to.equal(1);
  });
});

/** What happens in one step of a random history. */
interface Happening {
  readonly ms: number;
  readonly target: number;
  readonly running: boolean;
  /** How a rescale that this step's decision leads to ends, and after how many looks. */
  readonly fails: boolean;
  readonly looks: number;
}

interface Looked {
  readonly at: number;
  readonly target: number;
  readonly parallelism: number;
  readonly decided: number | undefined;
  /** The job runs, and no rescale is under way. */
  readonly free: boolean;
  /** The rescale that was under way has failed just before. */
  readonly failed: boolean;
}

const happening = fc.record<Happening>({
  ms: fc.integer({ min: 100, max: 4_000 }),
  target: fc.integer({ min: 1, max: 8 }),
  running: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  fails: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  looks: fc.integer({ min: 0, max: 4 }),
});

/** Stretches in which the target stays, or flaps between two values. */
const history = fc
  .array(fc.tuple(fc.array(happening, { minLength: 1, maxLength: 2 }), fc.integer({ min: 1, max: 30 })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((stretches) => stretches.flatMap(([happenings, count]) => times(count, ...happenings)));

const settingsOf = fc.record<ScalingSettings>({
  stabilisationMs: fc.integer({ min: 0, max: 20_000 }),
  decreaseMs: fc.integer({ min: 0, max: 20_000 }),
  minIncrease: fc.integer({ min: 1, max: 3 }),
  cooldownMs: fc.constant(5_000),
  cooldownMaxMs: fc.constant(15_000),
});

/** Plays a history; a rescale takes effect when it ends. */
function play(policy: Policy, happenings: readonly Happening[]): Looked[] {
  let under: { readonly to: number; readonly fails: boolean; looks: number } | undefined;
  return happenings.map(({ ms, target, running, fails, looks }) => {
    policy.at += ms;
    let failed = false;
    if (under !== undefined && --under.looks < 0) {
      failed = under.fails;
      if (failed) policy.tell({ kind: "failed", by: "policy", at: policy.at });
      else policy.rescaled(under.to);
      under = undefined;
    }
    const { at, parallelism } = policy;
    const free = running && under === undefined;
    const decided = policy.look(target, running);
    if (decided !== undefined) under = { to: decided, fails, looks };
    return { at, target, parallelism, decided, free, failed };
  });
}

describe("in any history the policy of a reactive job", () => {
  it("decides only what has been possible, and needed, for all of the time before", () => {
    fc.assert(
      fc.property(settingsOf, fc.integer({ min: 1, max: 8 }), history, (settings, first, happenings) => {
        const looked = play(new Policy(first, settings), happenings);
        for (const [index, { at, decided, parallelism, free }] of looked.entries()) {
          if (decided === undefined) continue;
          expect(free).to.equal(true);
          const more = decided > parallelism;
          expect(more ? decided - parallelism : parallelism - decided).to.be.least(
            more ? settings.minIncrease : 1,
          );
          const since = at - (more ? settings.stabilisationMs : settings.decreaseMs);
          const before = looked.slice(0, index + 1).reverse();
          const enough = before.findIndex((each) => each.at <= since);
          expect(enough).to.be.least(0);
          for (const each of before.slice(0, enough + 1)) {
            expect(each.free).to.equal(true);
            expect(each.parallelism).to.equal(parallelism);
            if (more) expect(each.target).to.be.least(decided);
            else expect(each.target).to.be.most(decided);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("never tries again within the cool-down", () => {
    fc.assert(
      fc.property(settingsOf, fc.integer({ min: 1, max: 8 }), history, (settings, first, happenings) => {
        let failures = 0;
        let notBefore = 0;
        for (const { at, decided, failed, parallelism } of play(new Policy(first, settings), happenings)) {
          if (parallelism !== first) {
            first = parallelism;
            failures = 0;
          }
          if (failed)
            notBefore = at + Math.min(settings.cooldownMs * 2 ** failures++, settings.cooldownMaxMs);
          if (decided !== undefined) expect(at).to.be.least(notBefore);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("comes to the target once that stays", () => {
    fc.assert(
      fc.property(
        settingsOf,
        fc.integer({ min: 1, max: 8 }),
        history,
        fc.integer({ min: 1, max: 8 }),
        (settings, first, happenings, target) => {
          const policy = new Policy(first, settings);
          const calm: Happening = { ms: 1_000, target, running: true, fails: false, looks: 1 };
          play(policy, [...happenings, ...times(100, calm)]);
          expect(policy.parallelism).to.be.within(target - settings.minIncrease + 1, target);
        },
      ),
      { numRuns: 300 },
    );
  });
});
