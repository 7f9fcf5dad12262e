/** What flags and the configuration file mean. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Command } from "commander";
import { MillraceError } from "../../lib/base/error.js";
import { exitCodeOf } from "../../lib/cli/report.js";
import { addRunFlags } from "../../lib/cli/run-command.js";
import { type RunFlags, runOptions } from "../../lib/cli/run-options.js";
import { remaining } from "../../lib/cli/supervision.js";

describe("options of a run", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-options-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const parse = (...flags: string[]) => {
    const command = addRunFlags(new Command("run")).exitOverride();
    command.parse(["job.ts", ...flags], { from: "user" });
    return runOptions(command.opts<RunFlags>());
  };
  const withConfig = (config: unknown, ...flags: string[]) => {
    const path = join(folder, "config.json");
    writeFileSync(path, JSON.stringify(config));
    return parse("--config", path, ...flags);
  };
  const refusal = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      if (MillraceError.is(error) && error.code === "OPTION_INVALID") return error.message;
      throw error;
    }
    return expect.fail("nothing was refused");
  };

  it("take no checkpoints unless asked to", () => {
    expect(parse()).to.deep.equal({ params: {} });
  });

  it("freeze records while a job is developed", () => {
    expect(parse("--frozen-records")).to.deep.equal({ params: {}, frozenRecords: true });
    expect(withConfig({ frozenRecords: true }).frozenRecords).to.equal(true);
  });

  it("debloat by a target, or not at all", () => {
    expect(parse("--debloat", "300ms").debloat).to.deep.equal({ target: "300ms" });
    expect(parse("--debloat", "off").debloat).to.equal(false);
    const config = { debloat: { target: "2s", minBytes: 1024 } };
    expect(withConfig(config).debloat).to.deep.equal(config.debloat);
    expect(withConfig(config, "--debloat", "1s").debloat).to.deep.equal({ target: "1s", minBytes: 1024 });
  });

  it("say how a job follows its cores", () => {
    expect(parse("--reactive").reactive).to.equal(true);
    expect(parse("--reactive", "--stabilisation", "1m", "--min-increase", "2").reactive).to.deep.equal({
      stabilisation: "1m",
      minIncrease: 2,
    });
    expect(parse("--reactive-max", "8").reactive).to.deep.equal({ maxParallelism: 8 });
    const config = { reactive: { poll: "5s", maxParallelism: 4 } };
    expect(withConfig(config).reactive).to.deep.equal(config.reactive);
    expect(withConfig(config, "--reactive").reactive).to.deep.equal(config.reactive);
    expect(withConfig(config, "--reactive-max", "2").reactive).to.deep.equal({
      poll: "5s",
      maxParallelism: 2,
    });
    expect(withConfig({ reactive: false }, "--reactive").reactive).to.equal(true);
    expect(withConfig({ reactive: true }).reactive).to.equal(true);
    expect(refusal(() => withConfig({ reactive: { often: 1 } }))).to.include("unknown reactive.often");
    const resources = { controlGroup: "/sys/fs/cgroup/jobs" };
    expect(withConfig({ resources }).resources).to.deep.equal(resources);
  });

  for (const [flags, options] of [
    [["--checkpoint-dir", "state"], { dir: "state", interval: "10s" }],
    [["--checkpoint-interval", "30s"], { interval: "30s" }],
    [["--checkpoint-interval", "30s", "--unaligned"], { interval: "30s", unaligned: true }],
    [
      ["--checkpoint-interval", "1m", "--aligned-timeout", "5s"],
      { interval: "1m", unaligned: true, alignedTimeout: "5s" },
    ],
    [["--checkpoint-dir", "s", "--checkpoint-timeout", "1m"], { dir: "s", interval: "10s", timeout: "1m" }],
    [["--checkpoint-dir", "s", "--at-least-once"], { dir: "s", interval: "10s", mode: "at-least-once" }],
    [
      ["--checkpoint-dir", "s", "--retain", "--num-retained", "3"],
      { dir: "s", interval: "10s", retention: "retain", numRetained: 3 },
    ],
  ] as const) {
    it(flags.join(" "), () => expect(parse(...flags).checkpoint).to.deep.equal(options));
  }

  it("say where a run begins", () => {
    const flags = [
      "--from",
      "savepoint-1",
      "--allow-non-restored-state",
      "--resume",
      "--state-backend",
      "lmdb",
    ];
    expect(parse(...flags)).to.deep.equal({
      params: {},
      from: "savepoint-1",
      allowNonRestoredState: true,
      resume: true,
      stateBackend: "lmdb",
    });
  });

  for (const [text, restart] of [
    ["none", { strategy: "none" }],
    ["fixed-delay", { strategy: "fixed-delay" }],
    ["fixed-delay:attempts=3,delay=10s", { strategy: "fixed-delay", attempts: 3, delay: "10s" }],
    ["failure-rate:failures=2,interval=500", { strategy: "failure-rate", failures: 2, interval: 500 }],
    [
      "exponential-delay:multiplier=1.5,jitter=0",
      { strategy: "exponential-delay", multiplier: 1.5, jitter: 0 },
    ],
  ] as const) {
    it(`--restart ${text}`, () => expect(parse("--restart", text).restart).to.deep.equal(restart));
  }

  it("come from the file where no flag says otherwise", () => {
    const checkpoint = { dir: "state", interval: "1m", retention: "retain-on-failure" };
    const restart = { strategy: "fixed-delay", delay: "3s" };
    const config = { checkpoint, restart, stateBackend: "lmdb", from: "s", maxParallelism: 64 };
    expect(withConfig(config)).to.deep.equal({ ...config, params: {} });
    const flagged = withConfig(config, "--checkpoint-interval", "5s", "--restart", "none");
    expect(flagged.checkpoint).to.deep.equal({ ...checkpoint, interval: "5s" });
    expect(flagged.restart).to.deep.equal({ strategy: "none" });
  });

  it("are refused by name", () => {
    expect(refusal(() => parse("--retain"))).to.include("retention");
    expect(refusal(() => parse("--restart", "sometimes"))).to.include('"sometimes"');
    expect(refusal(() => parse("--restart", "fixed-delay:delay"))).to.include("key=value");
    expect(refusal(() => parse("--restart", "fixed-delay:tries=3"))).to.include("tries");
    expect(refusal(() => parse("--restart", "none:delay=3"))).to.include("delay");
    expect(refusal(() => withConfig({ checkpoint: { directory: "s" } }))).to.include("checkpoint.directory");
    expect(refusal(() => withConfig({ checkpoint: "state" }))).to.include("checkpoint is not an object");
    expect(refusal(() => withConfig({ restart: { strategy: "none", delay: 3 } }))).to.include("delay");
    expect(refusal(() => withConfig({ restart: "none" }))).to.include("restart is not an object");
  });

  it("count fixed delays over all processes of a run", () => {
    const restart = { strategy: "fixed-delay", attempts: 3, delay: "1s" } as const;
    expect(remaining(restart, 2)).to.deep.equal({ ...restart, attempts: 1 });
    expect(remaining(restart, 3)).to.deep.equal({ strategy: "none" });
    expect(remaining({ strategy: "fixed-delay" }, 0)).to.deep.equal({ strategy: "fixed-delay", attempts: 1 });
    expect(remaining({ strategy: "failure-rate" }, 9)).to.deep.equal({ strategy: "failure-rate" });
    expect(remaining(undefined, 9)).to.equal(undefined);
  });

  it("end in an exit code that says whose the fault is", () => {
    const codeOf = (code: ConstructorParameters<typeof MillraceError>[0]) =>
      exitCodeOf(new MillraceError(code, ""));
    expect(codeOf("USER_FUNCTION_FAILED")).to.equal(1);
    expect(codeOf("JOB_UNKNOWN")).to.equal(2);
    expect(codeOf("STATE_INCOMPATIBLE")).to.equal(3);
    expect(codeOf("CHECKPOINT_FAILED")).to.equal(4);
    expect(exitCodeOf(new Error("a bug"))).to.equal(1);
  });
});
