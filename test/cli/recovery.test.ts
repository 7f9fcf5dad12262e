/** `millrace run` with checkpoints: processes that die, and what is left of them. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { jsonError, killStarted, launch } from "./launch.js";
import { Place } from "./running.js";

describe("millrace run with checkpoints", function () {
  this.timeout(30_000);
  let place: Place;
  let checkpoints: string[];

  beforeEach(() => {
    place = new Place();
    checkpoints = ["--checkpoint-dir", place.state, "--checkpoint-interval", "50ms"];
  });
  afterEach(() => {
    killStarted();
    place.remove();
  });

  /** Until no process of the job is left. */
  const gone = async (pid: number) => {
    for (let tries = 0; tries < 500; tries++) {
      try {
        process.kill(pid, 0);
      } catch {
        return;
      }
      await sleep(10);
    }
    throw new Error(`process ${pid} did not end`);
  };

  it("says where they go with --verbose, tells of them with --json, and leaves nothing behind", async () => {
    const first = place.gated(...checkpoints, "--verbose");
    const { run } = await place.checkpointed();
    place.openGate();
    const { code, stderr } = await first.ended;
    expect(code).to.equal(0);
    expect(stderr).to.include(`checkpoints: every 50ms, in ${place.state}/${run}\n`);
    place.expectEachOnce();
    expect(readdirSync(place.state)).to.deep.equal([]);
    expect(place.sockets()).to.deep.equal([]);
  });

  it("tells of checkpoints with --json", async () => {
    place.openGate();
    const { code, stdout, stderr } = await place.gated(...checkpoints, "--json").ended;
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    const { restarts, checkpoints: statistics } = JSON.parse(stdout);
    expect(restarts).to.equal(0);
    expect(statistics.counts.completed).to.be.greaterThan(0);
    expect(statistics.latest.completed.status).to.equal("completed");
  });

  it("goes on when the working process is killed: every record counts once", async () => {
    const { ended } = place.gated(...checkpoints, "--restart", "fixed-delay:attempts=3,delay=10ms");
    const { pid, run, since } = await place.checkpointed();
    process.kill(pid, "SIGKILL");
    const again = await place.until((job) => job.pid !== pid && job.state === "running");
    expect(again).to.include({ run, since, restarts: 1 });
    place.openGate();
    const { code, stderr } = await ended;
    expect(stderr).to.match(/^restarted from checkpoint \d+ after PROCESS_KILLED: .* SIGKILL$/m);
    expect(code).to.equal(0);
    place.expectEachOnce();
    expect(readdirSync(place.state)).to.deep.equal([]);
    expect(place.sockets()).to.deep.equal([]);
  });

  it("goes on with the run that died, not with a later one of the same job", async () => {
    const other = new Place();
    try {
      const { ended } = place.gated(...checkpoints, "--restart", "fixed-delay:attempts=3,delay=10ms");
      const { pid, run } = await place.checkpointed();
      const later = other.gated(...checkpoints);
      await other.checkpointed();
      process.kill(pid, "SIGKILL");
      const again = await place.until((job) => job.pid !== pid && job.state === "running");
      expect(again.run).to.equal(run);
      place.openGate();
      other.openGate();
      expect((await ended).code).to.equal(0);
      expect((await later.ended).code).to.equal(0);
      place.expectEachOnce();
      other.expectEachOnce();
    } finally {
      other.remove();
    }
  });

  it("goes on when the working process aborts, and begins anew where there is no checkpoint yet", async () => {
    const restart = ["--restart", "fixed-delay:attempts=100,delay=10ms"];
    const stopAborting = place.beginAborting();
    const { ended } = place.gated("--checkpoint-dir", place.state, "--checkpoint-interval", "1h", ...restart);
    await place.until(({ restarts }) => restarts > 0);
    stopAborting();
    place.openGate();
    const { code, stderr } = await ended;
    expect(stderr).to.match(/^restarted from the beginning after SLOT_HEAP_EXHAUSTED: /m);
    expect(code).to.equal(0);
    place.expectEachOnce();
  });

  it("gives up when the strategy does; the run can be resumed", async () => {
    const { ended } = place.gated(...checkpoints, "--restart", "none", "--json");
    const { pid } = await place.checkpointed();
    process.kill(pid, "SIGKILL");
    const end = await ended;
    expect(end.code).to.equal(1);
    expect(jsonError(end).code).to.equal("PROCESS_KILLED");
    place.openGate();
    expect((await place.gated(...checkpoints, "--resume").ended).code).to.equal(0);
    place.expectEachOnce();
  });

  for (const [what, andWorker] of [
    ["the supervising process is", false],
    ["both processes are", true],
  ] as const) {
    it(`is resumed with --resume after ${what} killed: every record counts once`, async () => {
      const { child, ended } = place.gated(...checkpoints);
      const { pid, run } = await place.checkpointed();
      child.kill("SIGKILL");
      if (andWorker) process.kill(pid, "SIGKILL");
      await ended;
      await gone(pid);
      const resumed = place.gated(...checkpoints, "--resume");
      expect(await place.until(({ state }) => state === "running")).to.include({ run });
      place.openGate();
      const { code, stderr } = await resumed.ended;
      expect(stderr).to.match(/^goes on from checkpoint \d+$/m);
      expect(code).to.equal(0);
      place.expectEachOnce();
    });
  }

  it("passes nothing of this on to what the job starts", async () => {
    const module = join(place.folder, "looking.mjs");
    const found = JSON.stringify(join(place.folder, "found"));
    const looks = "Object.keys(process.env).filter((name) => name.startsWith('MILLRACE_')).join()";
    writeFileSync(module, `import { writeFileSync } from "node:fs";\nwriteFileSync(${found}, ${looks});\n`);
    await launch([module]).ended;
    const own = Object.keys(process.env).filter((name) => name.startsWith("MILLRACE_"));
    expect(readFileSync(join(place.folder, "found"), "utf8")).to.equal(own.join());
  });

  it("without them reports that the working process was killed", async () => {
    const { ended } = place.gated("--json");
    const { pid } = await place.until(({ state }) => state === "running");
    process.kill(pid, "SIGKILL");
    const end = await ended;
    expect(end.code).to.equal(1);
    expect(jsonError(end).code).to.equal("PROCESS_KILLED");
  });

  for (const [flags, kept] of [
    [[], false],
    [["--retain"], true],
  ] as const) {
    it(`a signal cancels and ${kept ? "keeps" : "removes"} them ${flags.join("")}`, async () => {
      const { child, ended } = place.gated(...checkpoints, ...flags);
      const { run } = await place.checkpointed();
      child.kill("SIGTERM");
      const { code, stderr } = await ended;
      expect(code).to.equal(143);
      expect(stderr.includes(`run ${run} can be resumed`)).to.equal(kept);
      expect(readdirSync(place.state)).to.deep.equal(kept ? [run] : []);
    });
  }

  it("a signal ends the wait for a restart", async () => {
    const { child, ended } = place.gated(...checkpoints, "--restart", "fixed-delay:delay=1h");
    const { pid } = await place.checkpointed();
    process.kill(pid, "SIGKILL");
    await gone(pid);
    await sleep(100);
    child.kill("SIGTERM");
    expect((await ended).code).to.equal(143);
  });
});
