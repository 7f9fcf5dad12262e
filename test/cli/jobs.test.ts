/** `millrace list`, `savepoint`, `stop`, `cancel`, and the sockets they go through. */
import { chownSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { command, jsonError, killStarted } from "./launch.js";
import { Place } from "./running.js";

describe("running jobs", function () {
  this.timeout(30_000);
  let place: Place;
  let checkpoints: string[];
  let sockets: string;

  beforeEach(() => {
    place = new Place();
    checkpoints = ["--checkpoint-dir", place.state, "--checkpoint-interval", "50ms"];
    sockets = join(place.env.TMPDIR, `millrace-${process.getuid!()}`);
  });
  afterEach(() => {
    killStarted();
    place.remove();
  });

  const ask = (...given: string[]) => command(given, place);
  const isRunning = ({ state }: { state: string }) => state === "running";

  it("are listed for people and as JSON", async () => {
    expect(await ask("list")).to.deep.equal({ code: 0, stdout: "", stderr: "no job is running\n" });
    expect(await place.list()).to.deep.equal([]);
    place.gated(...checkpoints);
    const job = await place.checkpointed();
    expect(job).to.include({ job: "gated", state: "running", restarts: 0 });
    expect(Math.abs(Date.now() - job.since)).to.be.below(30_000);
    expect(job.lastCheckpoint!.path).to.equal(join(place.state, job.run, `chk-${job.lastCheckpoint!.id}`));
    const [head, row, ...rest] = (await ask("list")).stdout.trimEnd().split("\n");
    expect(head).to.match(/^JOB +PID +STATE +RUNNING SINCE +RESTARTS +LAST CHECKPOINT$/);
    expect(row).to.match(/^gated +\d+ +running +[-\d]+T[:\d]+Z +0 +\d+, \d+ s ago$/);
    expect(row).to.include(String(job.pid));
    expect(rest).to.deep.equal([]);
  });

  it("listen where only their user can ask", async () => {
    place.gated();
    const { pid } = await place.until(isRunning);
    expect(place.sockets()).to.deep.equal([`gated-${pid}.sock`]);
    expect(statSync(sockets).mode & 0o777).to.equal(0o700);
    expect(statSync(join(sockets, `gated-${pid}.sock`)).mode & 0o777).to.equal(0o600);
  });

  it("write savepoints where they are told to, or beside their checkpoints", async () => {
    place.gated(...checkpoints);
    const { supervisor } = await place.checkpointed();
    const { code, stdout, stderr } = await ask("savepoint", "gated");
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(readdirSync(stdout.trimEnd())).to.include("manifest");
    expect(stdout.startsWith(join(place.state, "savepoints", "savepoint-"))).to.equal(true);
    const told = await ask("savepoint", String(supervisor), "--dir", join(place.folder, "mine"), "--json");
    const { schemaVersion, path } = JSON.parse(told.stdout);
    expect(schemaVersion).to.equal(1);
    expect(readdirSync(join(place.folder, "mine")).map((name) => join(place.folder, "mine", name))).to.eql([
      path,
    ]);
    expect((await place.list())[0]!.state).to.equal("running");
  });

  it("stop behind a savepoint, from which another run goes on", async () => {
    const { ended } = place.gated(...checkpoints);
    await place.checkpointed();
    const { code, stdout } = await ask("stop", "gated");
    expect(code).to.equal(0);
    expect((await ended).code).to.equal(0);
    expect(place.sockets()).to.deep.equal([]);
    expect(readdirSync(place.state)).to.deep.equal(["savepoints"]);
    place.openGate();
    const config = join(place.folder, "config.json");
    writeFileSync(config, JSON.stringify({ checkpoint: { interval: "1h" }, from: stdout.trimEnd() }));
    const { code: later, stderr } = await place.gated("--config", config, "--param", "mode=append").ended;
    expect(stderr).to.match(/^goes on from checkpoint \d+$/m);
    expect(later).to.equal(0);
    place.expectEachOnce();
  });

  it("go on with another parallelism, and their output is what it would have been", async () => {
    const { ended } = place.gated(...checkpoints);
    await place.checkpointed();
    const told = await ask("rescale", "gated", "3", "--json");
    expect(told.code).to.equal(0);
    const answer = JSON.parse(told.stdout);
    expect(answer).to.include({ schemaVersion: 1, parallelism: 3 });
    expect(answer.pauseMs).to.be.within(0, 10_000);
    const { code, stdout, stderr } = await ask("rescale", "gated", "1");
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: "" });
    expect(stderr).to.match(/parallelism 1, after a pause of \d+ ms/);
    const refused = await ask("rescale", "gated", "none", "--json");
    expect(refused.code).to.equal(2);
    expect(jsonError(refused).code).to.equal("PARALLELISM_INVALID");
    expect((await place.list())[0]).to.include({ state: "running", restarts: 0 });
    place.openGate();
    expect((await ended).code).to.equal(0);
    place.expectEachOnce();
  });

  it("stop drained", async () => {
    const { ended } = place.gated(...checkpoints);
    await place.checkpointed();
    const { code, stdout } = await ask("stop", "gated", "--drain", "--json");
    expect(code).to.equal(0);
    expect(readdirSync(JSON.parse(stdout).path)).to.include("manifest");
    expect((await ended).code).to.equal(0);
  });

  it("are cancelled", async () => {
    const { ended } = place.gated("--json");
    const { pid } = await place.until(isRunning);
    const { code, stdout } = await ask("cancel", String(pid), "--json");
    expect({ code, ...JSON.parse(stdout) }).to.deep.equal({ code: 0, schemaVersion: 1, state: "cancelled" });
    const end = await ended;
    expect(end.code).to.equal(1);
    expect(jsonError(end).code).to.equal("JOB_CANCELLED");
    expect(readdirSync(place.out)).to.deep.equal([]);
    expect(place.sockets()).to.deep.equal([]);
  });

  it("say what is wrong, and what they answer is an error as any other", async () => {
    place.gated();
    const { pid } = await place.until(isRunning);
    const unknown = await ask("stop", "orders", "--json");
    expect(unknown.code).to.equal(2);
    expect(jsonError(unknown).code).to.equal("JOB_UNKNOWN");
    expect(jsonError(unknown).message).to.include(`gated (${pid})`);
    const off = await ask("savepoint", "gated");
    expect(off.code).to.equal(2);
    expect(off.stderr).to.match(/^error CHECKPOINTS_OFF: .*\n {2}hint: /);
    expect((await place.list()).length).to.equal(1);
  });

  it("of one name are told apart by their process", async () => {
    const other = new Place();
    try {
      place.gated();
      const { pid } = await place.until(isRunning);
      Object.assign(other.env, place.env);
      const second = other.gated();
      for (let tries = 0; (await place.list()).length < 2; tries++) expect(tries).to.be.below(50);
      const pids = (await place.list()).map((job) => job.pid);
      const ended = await ask("cancel", "gated", "--json");
      expect(ended.code).to.equal(2);
      expect(jsonError(ended).code).to.equal("JOB_AMBIGUOUS");
      for (const each of pids) expect(jsonError(ended).message).to.include(`gated (${each})`);
      const [another] = pids.filter((each) => each !== pid);
      expect((await ask("cancel", String(another))).code).to.equal(0);
      await second.ended;
      expect((await place.list()).map((job) => job.pid)).to.deep.equal([pid]);
    } finally {
      other.remove();
    }
  });

  it("leave no socket behind when they are killed: the next command or run removes it", async () => {
    for (const next of ["list", "run"]) {
      const { child, ended } = place.gated("--no-supervise");
      const { pid } = await place.until(isRunning);
      child.kill("SIGKILL");
      await ended;
      expect(place.sockets()).to.deep.equal([`gated-${pid}.sock`]);
      if (next === "list") expect(await place.list()).to.deep.equal([]);
      else {
        place.openGate();
        expect((await place.gated("--param", "mode=append").ended).code).to.equal(0);
      }
      expect(place.sockets()).to.deep.equal([]);
    }
  });

  it("that do not answer are listed as such", async () => {
    mkdirSync(sockets);
    const silent = createServer(() => undefined).listen(join(sockets, `held-up-${process.pid}.sock`));
    try {
      expect(await place.list()).to.deep.equal([{ job: "held-up", pid: process.pid, state: "no answer" }]);
      expect((await ask("list")).stdout).to.include("no answer");
    } finally {
      silent.close();
    }
  });

  it("that end while they are asked are an error", async () => {
    mkdirSync(sockets);
    let requests = 0;
    const dying = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        if (++requests > 1) socket.destroy();
        else socket.write(`${JSON.stringify({ result: { job: "dying", pid: process.pid } })}\n`);
      });
    }).listen(join(sockets, `dying-${process.pid}.sock`));
    try {
      const ended = await ask("cancel", "dying", "--json");
      expect(jsonError(ended).code).to.equal("CONTROL_FAILED");
    } finally {
      dying.close();
    }
  });

  it("run where no socket can be made", async () => {
    place.env.TMPDIR = join(place.folder, "long".repeat(30));
    mkdirSync(place.env.TMPDIR);
    place.openGate();
    const { code, stderr } = await place.gated().ended;
    expect(code).to.equal(0);
    expect(stderr).to.include("the path of the socket is too long");
    place.expectEachOnce();
  });

  describe("where somebody else could listen", () => {
    it("are not asked, but run", async () => {
      symlinkSync(place.folder, sockets);
      const ended = await ask("list", "--json");
      expect(jsonError(ended).code).to.equal("CONTROL_FOLDER_UNSAFE");
      place.openGate();
      const { code, stderr } = await place.gated().ended;
      expect(code).to.equal(0);
      expect(stderr).to.include("this job cannot be listed, stopped or cancelled by others: ");
      place.expectEachOnce();
    });

    it("belonging to another user, they are not asked", async function () {
      if (process.getuid!() !== 0) this.skip();
      mkdirSync(sockets);
      chownSync(sockets, 12_345, 12_345);
      const ended = await ask("list", "--json");
      expect(jsonError(ended).code).to.equal("CONTROL_FOLDER_UNSAFE");
      expect(jsonError(ended).message).to.include("belongs to user 12345");
    });

    it("shut them out", async () => {
      mkdirSync(sockets, { mode: 0o777 });
      place.gated();
      await place.until(isRunning);
      expect(statSync(sockets).mode & 0o777).to.equal(0o700);
    });
  });
});
