/** `millrace run --reactive` in a control group whose limits change, and `millrace rescale <job> auto`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { command, jsonError, killStarted, millrace } from "./launch.js";
import { compiled, Place } from "./running.js";

describe("a reactive job of the launcher", function () {
  this.timeout(30_000);
  let place: Place;
  let group: string;
  let config: string;

  beforeEach(() => {
    place = new Place();
    group = join(place.folder, "group");
    config = join(place.folder, "config.json");
    mkdirSync(group);
    const resources = { controlGroup: group };
    writeFileSync(config, JSON.stringify({ resources, reactive: { poll: "20ms", stabilisation: "1h" } }));
    give(1);
  });
  afterEach(() => {
    killStarted();
    place.remove();
  });

  const give = (cores: number) => writeFileSync(join(group, "cpu.max"), `${cores * 100_000} 100000\n`);
  const checkpoints = () => ["--checkpoint-dir", place.state, "--checkpoint-interval", "50ms"];
  const start = (...flags: string[]) =>
    place.gated("-p", "auto", "--config", config, ...checkpoints(), "--stabilisation", "100ms", ...flags);
  const comesTo = (parallelism: number) =>
    place.until((job) => job.state === "running" && job.parallelism === parallelism);

  it("follows its cores, says so, and its output is what it would have been", async () => {
    const { ended } = start();
    await comesTo(1);
    give(2);
    await comesTo(2);
    const told = await command(["rescale", "gated", "3", "--json"], place);
    expect(JSON.parse(told.stdout)).to.include({ parallelism: 3 });
    const { code, stderr } = await command(["rescale", "gated", "auto"], place);
    expect(code).to.equal(0);
    expect(stderr).to.match(/parallelism 2, after a pause of \d+ ms/);
    give(1);
    await comesTo(1);
    place.openGate();
    const end = await ended;
    expect(end.code).to.equal(0);
    const changes = end.stderr.split("\n").filter((line) => line.startsWith("parallelism"));
    expect(changes.map((line) => line.replace(/\d+ ms$/, "N ms"))).to.deep.equal([
      "parallelism 1 -> 2 for 2 cores, after a pause of N ms",
      "parallelism 2 -> 3 as asked for, after a pause of N ms",
      "parallelism 3 -> 2 as asked for, after a pause of N ms",
      "parallelism 2 -> 1 for 1 core, after a pause of N ms",
    ]);
    place.expectEachOnce();
  });

  it("says that it cannot follow, and goes on", async () => {
    const { ended } = start("--verbose");
    await comesTo(1);
    writeFileSync(join(group, "cpu.max"), "a lot\n");
    const refused = await command(["rescale", "gated", "auto", "--json"], place);
    expect(jsonError(refused).code).to.equal("RESOURCES_UNREADABLE");
    place.openGate();
    const { code, stderr } = await ended;
    expect(code).to.equal(0);
    expect(stderr).to.match(/^stays at parallelism 1 for now: RESOURCES_UNREADABLE: .*cpu\.max/m);
  });

  it("tells its parallelism at the end", async () => {
    give(3);
    place.openGate();
    const { code, stdout } = await start("--reactive-max", "2", "--json").ended;
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ state: "finished", parallelism: 2 });
  });

  it("needs checkpoints, and no parallelism of its own", async () => {
    const job = compiled("gated");
    const off = await millrace([job, "--reactive", "--json"]);
    expect({ exit: off.code, code: jsonError(off).code }).to.deep.equal({ exit: 2, code: "CHECKPOINTS_OFF" });
    const both = await millrace([job, "--reactive", "-p", "2", ...checkpoints(), "--json"]);
    expect({ exit: both.code, code: jsonError(both).code }).to.deep.equal({
      exit: 2,
      code: "OPTION_INVALID",
    });
  });
});
