/** A running job that follows the cores of its control group. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Digest, type Job, type Rescaling, RowDigest, type RunOptions, run } from "millrace";
import type { GrowingParams } from "../jobs/growing.js";
import { until } from "./visible-rows.js";

const JOB = new URL("../jobs/growing.js", import.meta.url);
const PARAMS: GrowingParams = { records: 300_000, keys: 1000 };
const QUICK = { stabilisation: 40, poll: 10 };

describe("a reactive job", function () {
  this.timeout(30_000);
  let folder: string;
  let told: Rescaling[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-reactive-"));
    told = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const give = (cores: number) => writeFileSync(join(folder, "cpu.max"), `${cores * 100_000} 100000\n`);
  const start = (options: RunOptions = {}) =>
    run(JOB, {
      inline: true,
      params: { ...PARAMS },
      checkpoint: {},
      reactive: QUICK,
      resources: { controlGroup: folder },
      onRescale: (rescaling) => told.push(rescaling),
      ...options,
    });
  const width = (job: Job) => new Set(job.metrics().map(({ subtask }) => subtask)).size;

  for (const [name, options] of Object.entries<RunOptions>({ inline: {}, threads: { inline: false } })) {
    it(`takes the cores that come, gives up those that go, and counts every record once (${name})`, async () => {
      const expected = await digestOf(
        await run(JOB, { inline: true, parallelism: 1, params: { ...PARAMS } }),
      );
      give(1);
      await using job = await start(options);
      const digest = digestOf(job);
      await until(job, "records", () => job.progress().records > 0);
      expect(job.parallelism).to.equal(1);
      give(2.5);
      await until(job, "more", () => told.length === 1 && job.state === "running");
      expect(width(job)).to.equal(2);
      give(0.5);
      await until(job, "fewer", () => told.length === 2 && job.state === "running");
      expect(width(job)).to.equal(1);
      expect(await digest).to.deep.equal(expected);
      expect(
        told.map(({ from, parallelism, cause, cores }) => ({ from, parallelism, cause, cores })),
      ).to.deep.equal([
        { from: 1, parallelism: 2, cause: "resources", cores: 2.5 },
        { from: 2, parallelism: 1, cause: "resources", cores: 0.5 },
      ]);
      expect(job.restarts).to.equal(0);
    });
  }
});

async function digestOf(job: Job): Promise<Digest> {
  const parts: Digest[] = [];
  for await (const part of job.results<Digest>("out")) parts.push(part);
  await job.completed;
  return RowDigest.merge(parts);
}
