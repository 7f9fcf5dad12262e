/** Runs that go on where an earlier process has left them, by name or by id. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Recovery, type RunOptions, run } from "millrace";
import { jobIdIn } from "../../lib/coordinator/job-id.js";
import { openBlobStore } from "../../lib/storage/open.js";
import { codeOfRejection, rejection } from "../storage/rejection.js";
import { untilCheckpoints } from "./visible-rows.js";

const ENDLESS = new URL("../jobs/endless.js", import.meta.url);
const CRASHING = new URL("../jobs/crashing.js", import.meta.url);

describe("a run that is resumed", function () {
  this.timeout(20_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-resume-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A run that is cancelled behind its first checkpoint, which is kept; answers its id. */
  async function leave(options: RunOptions = {}): Promise<{ id: string; recoveries: Recovery[] }> {
    const recoveries: Recovery[] = [];
    await using job = await run(ENDLESS, {
      inline: true,
      parallelism: 1,
      checkpoint: { interval: 20, dir: folder, retention: "retain" },
      onRecovery: (recovery) => recoveries.push(recovery),
      ...options,
    });
    while (job.checkpoints()!.latest.completed === undefined) {
      expect(job.state).to.not.equal("failed");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { id: job.id, recoveries };
  }

  it("is the latest of its job, or the one of an id", async () => {
    const first = await leave();
    expect(first.recoveries).to.deep.equal([]);
    const second = await leave();
    expect(second.id > first.id).to.equal(true);
    expect((await leave({ resume: true })).id).to.equal(second.id);
    const { id, recoveries } = await leave({ resume: first.id });
    expect(id).to.equal(first.id);
    expect(recoveries).to.have.length(1);
    const { error, checkpoint, path } = recoveries[0]!;
    expect(error).to.equal(undefined);
    expect(checkpoint).to.be.greaterThan(0);
    expect(path).to.equal(join(folder, id, `chk-${checkpoint}`));
  });

  it("may have died before its first checkpoint, but not have ended", async () => {
    const store = openBlobStore({ kind: "filesystem", directory: folder });
    const id = (resume: boolean | string) => jobIdIn(store, "a job", { resume, now: 0 });
    const begun = await id(false);
    expect(await codeOfRejection(id(begun))).to.equal("JOB_NOT_RESUMABLE");
    await store.put(`${begun}/epochs/1`, []);
    expect(await id(begun)).to.equal(begun);
    expect(await codeOfRejection(id(true))).to.equal("JOB_NOT_RESUMABLE");
    await store.put(`${begun}/chk-1/manifest`, []);
    expect(await id(true)).to.equal(begun);
    await store.put(`${begun}/ended`, []);
    expect(await codeOfRejection(id(true))).to.equal("JOB_NOT_RESUMABLE");
    expect(await codeOfRejection(id(begun))).to.equal("JOB_NOT_RESUMABLE");
    expect(await codeOfRejection(id("../elsewhere"))).to.equal("JOB_NOT_RESUMABLE");
  });

  it("ends when another coordinator has taken it over, and does not begin again", async () => {
    const options: RunOptions = {
      inline: true,
      parallelism: 1,
      checkpoint: { interval: 10, dir: folder, retention: "retain" },
      restart: { strategy: "fixed-delay", attempts: 100, delay: 1 },
    };
    await using first = await run(ENDLESS, options);
    await untilCheckpoints(first, 2);
    await using second = await run(ENDLESS, { ...options, resume: first.id });
    expect((await rejection(first.completed)).code).to.equal("CHECKPOINT_FENCED");
    expect(first.restarts).to.equal(0);
    await untilCheckpoints(second, 2);
  });

  it("tells what failed and from which checkpoint it goes on", async () => {
    const recoveries: Recovery[] = [];
    mkdirSync(join(folder, "failures"));
    writeFileSync(join(folder, "failures", "first"), "");
    await using job = await run(CRASHING, {
      inline: true,
      parallelism: 1,
      checkpoint: { interval: 10 },
      restart: { strategy: "fixed-delay", attempts: 9, delay: 1 },
      params: { query: "q0", events: 200_000, failures: 2, folder: join(folder, "failures") },
      onRecovery: (recovery) => recoveries.push(recovery),
    });
    for await (const _row of job.results("out"));
    await job.completed;
    expect(recoveries).to.have.length(job.restarts);
    expect(recoveries[0]!.error!.code).to.equal("USER_FUNCTION_FAILED");
    expect(recoveries[0]!.path).to.equal(undefined);
    expect(job.checkpoints()!.latest.restored?.id).to.equal(recoveries.at(-1)!.checkpoint);
  });
});
