/** The shell around the policy, with a job that only says that it was rescaled, and time that stands still. */
import { expect } from "chai";
import { buildProgram } from "../../lib/api/environment.js";
import {
  type Available,
  JobScaling,
  type Rescaling,
  type ScalableJob,
  targetOf,
} from "../../lib/coordinator/job-scaling.js";
import { reactiveSettings } from "../../lib/coordinator/scaling-settings.js";
import {
  blackholeSink,
  datagenSource,
  defineJob,
  MillraceError,
  type ReactiveOptions,
} from "../../lib/index.js";
import { BOUNDLESS } from "../../lib/planner/hosts.js";
import { plan } from "../../lib/planner/plan.js";
import type { Plan } from "../../lib/protocol/program.js";
import { ManualTime } from "../base/manual-time.js";
import { rejection } from "../storage/rejection.js";

function planOf(maxParallelism: number, own?: { parallelism?: number; maxParallelism?: number }): Plan {
  const job = defineJob("job", (env) => {
    const source = env.source("source", datagenSource({ count: 1, record: (n) => n }));
    const sink = source.sink("sink", blackholeSink());
    if (own?.maxParallelism !== undefined) source.setMaxParallelism(own.maxParallelism);
    if (own?.parallelism === undefined) return;
    source.setParallelism(own.parallelism);
    sink.setParallelism(own.parallelism);
  });
  return plan(buildProgram(job, {}), { parallelism: 1, maxParallelism });
}

class FakeJob implements ScalableJob {
  state = "running";
  plan = planOf(16);
  parallelism = 1;
  /** What a rescale waits for. */
  gate: Promise<void> = Promise.resolve();
  asked: number[] = [];

  async rescale(parallelism: number): Promise<number> {
    this.asked.push(parallelism);
    await this.gate;
    this.parallelism = parallelism;
    return 5;
  }
}

describe("the parallelism of a running job", () => {
  let time: ManualTime;
  let job: FakeJob;
  let available: Available;
  let told: Rescaling[];

  const give = (cpu: number, ...unreadable: string[]) => {
    available = { machine: { ...BOUNDLESS, cpu }, unreadable };
  };
  const scale = (reactive?: ReactiveOptions | boolean) =>
    new JobScaling({
      job,
      reactive: reactiveSettings({ reactive: reactive ?? false, checkpoint: {} }),
      available: () => available,
      clock: time,
      scheduler: time,
      onRescale: (rescaling) => told.push(rescaling),
    });

  beforeEach(() => {
    time = new ManualTime();
    job = new FakeJob();
    told = [];
    give(1);
  });

  it("follows the cores, whole ones, up to what the key groups and the user allow", async () => {
    const scaling = scale({ maxParallelism: 20 });
    give(3.9);
    await time.pass(10_900);
    expect(job.asked).to.deep.equal([]);
    await time.pass(100);
    expect(job.asked).to.deep.equal([3]);
    give(64);
    await time.pass(12_000);
    expect(job.parallelism).to.equal(16);
    give(0.3);
    await time.pass(4_000);
    expect(job.parallelism).to.equal(1);
    expect(
      told.map(({ from, parallelism, cause, cores, pauseMs, error }) => [
        from,
        parallelism,
        cause,
        cores,
        pauseMs,
        error,
      ]),
    ).to.deep.equal([
      [1, 3, "resources", 3.9, 5, undefined],
      [3, 16, "resources", 64, 5, undefined],
      [16, 1, "resources", 0.3, 5, undefined],
    ]);
    expect(scaling.last).to.equal(told[2]);
    scaling.stop();
    give(8);
    await time.pass(60_000);
    expect(job.parallelism).to.equal(1);
  });

  it("stays as it is where nobody said that it is reactive, but can be told to follow once", async () => {
    const scaling = scale();
    give(4);
    await time.pass(60_000);
    expect(job.asked).to.deep.equal([]);
    expect(() => scaling.requireReactive())
      .to.throw(MillraceError)
      .with.property("code", "OPTION_INVALID");
    scaling.look();
    expect(await scaling.rescale("auto")).to.deep.equal({ parallelism: 4, pauseMs: 5 });
    expect(told[0]).to.include({ cause: "request", parallelism: 4, cores: 4 });
  });

  it("is not followed while the job does not run", async () => {
    scale({ stabilisation: 0 });
    give(4);
    job.state = "restarting";
    await time.pass(60_000);
    expect(job.asked).to.deep.equal([]);
    job.state = "running";
    await time.pass(1_000);
    expect(job.asked).to.deep.equal([4]);
  });

  it("is what somebody has asked for, until told to follow again: then it does so at once", async () => {
    const scaling = scale(true);
    await scaling.rescale(2);
    give(4);
    await time.pass(60_000);
    expect(job.asked).to.deep.equal([2]);
    expect(await scaling.rescale("auto")).to.deep.equal({ parallelism: 4, pauseMs: 5 });
    expect(await scaling.rescale("auto")).to.deep.equal({ parallelism: 4, pauseMs: 0 });
    expect(told.length).to.equal(2);
    give(3);
    await time.pass(3_000);
    expect(job.asked).to.deep.equal([2, 4, 3]);
  });

  it("changes once at a time", async () => {
    const scaling = scale({ stabilisation: 0 });
    let open = (): void => undefined;
    job.gate = new Promise((resolve) => {
      open = resolve;
    });
    const answers = [scaling.rescale(5), scaling.rescale(6), scaling.rescale("auto")];
    give(3);
    await time.pass(5_000);
    expect(job.asked).to.deep.equal([5]);
    open();
    expect((await Promise.all(answers)).map(({ parallelism }) => parallelism)).to.deep.equal([5, 6, 3]);
    expect(job.asked).to.deep.equal([5, 6, 3]);
  });

  it("stays when it could not be changed, says so, and tries again after a while", async () => {
    const scaling = scale({ stabilisation: 0 });
    job.gate = Promise.reject(new MillraceError("CHECKPOINT_FAILED", "not now"));
    job.gate.catch(() => undefined);
    give(2);
    await time.pass(30_000);
    expect(job.asked).to.deep.equal([2]);
    expect(told).to.have.length(1);
    expect(told[0]).to.include({ from: 1, parallelism: 1, cause: "resources" });
    expect(told[0]!.error!.code).to.equal("CHECKPOINT_FAILED");
    expect(scaling.last).to.equal(undefined);
    expect((await rejection(scaling.rescale(7))).code).to.equal("CHECKPOINT_FAILED");
    expect(told).to.have.length(1);
    job.gate = Promise.resolve();
    await time.pass(2_000);
    expect(job.parallelism).to.equal(2);
  });

  it("says nothing of a change that the end of the job has prevented", async () => {
    scale({ stabilisation: 0 });
    job.gate = Promise.reject(new Error("gone"));
    job.gate.catch(() => {
      job.state = "failed";
    });
    give(2);
    await time.pass(2_000);
    expect(job.asked).to.deep.equal([2]);
    expect(told).to.deep.equal([]);
  });

  it("stays when nobody knows what there is, which is said once each time", async () => {
    const scaling = scale({ stabilisation: "5s" });
    give(4);
    await time.pass(3_000);
    give(64, "/groups/cpu.max");
    await time.pass(60_000);
    expect(job.asked).to.deep.equal([]);
    expect(told.map(({ error }) => error!.code)).to.deep.equal(["RESOURCES_UNREADABLE"]);
    expect(told[0]!.error!.message).to.include("/groups/cpu.max");
    expect((await rejection(scaling.rescale("auto"))).code).to.equal("RESOURCES_UNREADABLE");
    give(4);
    await time.pass(5_000);
    expect(job.asked).to.deep.equal([]);
    await time.pass(1_000);
    expect(job.asked).to.deep.equal([4]);
    give(4, "/groups/cpu.max");
    await time.pass(2_000);
    expect(told.filter(({ error }) => error !== undefined)).to.have.length(2);
  });

  it("has nothing to follow where all operators say their own", async () => {
    job.plan = planOf(16, { parallelism: 2 });
    const scaling = scale({ stabilisation: 0 });
    give(4);
    await time.pass(60_000);
    expect(await scaling.rescale("auto")).to.deep.equal({ parallelism: 1, pauseMs: 0 });
    expect(job.asked).to.deep.equal([]);
  });
});

describe("the parallelism for so many cores", () => {
  it("is theirs, within the key groups of the operators that follow it", () => {
    expect([0.5, 1, 2.9, 100].map((cores) => targetOf(cores, planOf(8)))).to.deep.equal([1, 1, 2, 8]);
    expect(targetOf(100, planOf(8, { maxParallelism: 3 }))).to.equal(3);
    expect(targetOf(100, planOf(8), 2)).to.equal(2);
    expect(targetOf(100, planOf(8, { parallelism: 2 }))).to.equal(undefined);
  });
});

describe("the options of a reactive job", () => {
  const codeOf = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      if (MillraceError.is(error)) return error.code;
    }
    return "nothing";
  };
  const settings = (reactive: unknown, more = {}) =>
    reactiveSettings({ reactive: reactive as ReactiveOptions, checkpoint: {}, ...more });

  it("are ten seconds, a fifth of it, one core and one second, by default", () => {
    expect(settings(false)).to.equal(undefined);
    expect(settings(undefined)).to.equal(undefined);
    expect(settings(true)).to.deep.include({
      stabilisationMs: 10_000,
      decreaseMs: 2_000,
      minIncrease: 1,
      maxParallelism: Number.POSITIVE_INFINITY,
      pollMs: 1_000,
    });
    expect(
      settings({ stabilisation: "1m", decreaseStabilisation: "30s", minIncrease: 2, poll: "5s" }),
    ).to.deep.include({
      stabilisationMs: 60_000,
      decreaseMs: 30_000,
      minIncrease: 2,
      pollMs: 5_000,
    });
  });

  it("are refused by name", () => {
    for (const wrong of [
      { maxParallelism: 0 },
      { maxParallelism: 1.5 },
      { minIncrease: 0 },
      { minIncrease: "2" },
      { stabilisation: "-1s" },
      { decreaseStabilisation: "soon" },
      { poll: 0 },
      "yes",
      null,
    ]) {
      expect(
        codeOf(() => settings(wrong)),
        JSON.stringify(wrong),
      ).to.equal("OPTION_INVALID");
    }
    expect(codeOf(() => settings(true, { parallelism: 2 }))).to.equal("OPTION_INVALID");
    expect(codeOf(() => settings(true, { parallelism: "auto" }))).to.equal("nothing");
    expect(codeOf(() => settings(true, { checkpoint: undefined }))).to.equal("CHECKPOINTS_OFF");
  });
});
