/** State on disk is an attempt's own: nobody else reads it, and nothing of it is left. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type RunOptions, run } from "millrace";
import { compareFiles } from "../soak/answers.js";

const JOB = new URL("../jobs/soak.js", import.meta.url);
const EVENTS = 20_000;

describe("state on disk", function () {
  this.timeout(30_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-disk-"));
    mkdirSync(join(folder, "failures"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const stateFolders = () =>
    readdirSync(tmpdir()).filter((name) => name.startsWith(`millrace-state-${process.pid}-`));

  const start = (options: RunOptions, failures = 0) =>
    run(JOB, {
      stateBackend: "lmdb",
      parallelism: 2,
      ...options,
      params: {
        query: "buckets",
        events: EVENTS,
        out: join(folder, "out"),
        failures: { count: failures, folder: join(folder, "failures"), seed: 1, how: "throw" },
      },
    });

  for (const [name, options] of Object.entries<RunOptions>({
    inline: { inline: true },
    threads: {},
  })) {
    it(`is of one subtask and one run (${name})`, async () => {
      for (let round = 0; round < 2; round++) {
        await using job = await start(options);
        await job.completed;
        expect(compareFiles("buckets", EVENTS, join(folder, "out"))).to.deep.equal({
          lost: 0,
          duplicated: 0,
        });
        rmSync(join(folder, "out"), { recursive: true });
      }
      expect(stateFolders()).to.deep.equal([]);
    });
  }

  it("is of one attempt", async () => {
    await using job = await start(
      {
        inline: true,
        checkpoint: { interval: 20 },
        restart: { strategy: "fixed-delay", attempts: 10, delay: 1 },
      },
      2,
    );
    await job.completed;
    expect(job.restarts).to.be.greaterThan(0);
    expect(compareFiles("buckets", EVENTS, join(folder, "out"))).to.deep.equal({ lost: 0, duplicated: 0 });
    expect(stateFolders()).to.deep.equal([]);
  });

  it("goes with the next job when its process has died", async () => {
    const script = "console.log(process.pid)";
    const dead = execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }).trim();
    const left = join(tmpdir(), `millrace-state-${dead}-left`);
    mkdirSync(left);
    writeFileSync(join(left, "state.mdb"), "");
    await using job = await start({ inline: true });
    await job.completed;
    expect(existsSync(left)).to.equal(false);
  });
});
