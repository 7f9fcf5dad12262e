/** A group that uses up what its profile gives it fails by itself; the job goes on from its checkpoint. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Job, type MillraceError, type RunOptions, run } from "../../lib/index.js";
import { type HeavyGroupParams, type HeavyRow, KEYS } from "../jobs/heavy-group.js";

const MODULE = new URL("../jobs/heavy-group.js", import.meta.url);
interface LightRow {
  readonly id: number;
  readonly threadId: number;
}

const RECORDS = 1_500;

describe("a slot sharing group that takes more than its profile", function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-heavy-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs the job; asks it to use up what it has behind its second checkpoint. */
  async function failuresOf(
    how: HeavyGroupParams["how"],
    heavy: HeavyGroupParams["heavy"],
    options: RunOptions = {},
  ) {
    const trigger = join(folder, "trigger");
    const failures: { error: MillraceError; checkpoint: number | undefined }[] = [];
    await using job = await run(MODULE, {
      parallelism: 1,
      params: { records: RECORDS, perTick: 5, heavy, how, trigger },
      checkpoint: { interval: 50 },
      restart: { strategy: "fixed-delay", attempts: 1, delay: 10 },
      resources: { cpu: 2, memoryMb: 2048 },
      onRecovery: ({ error, checkpoint }) => failures.push({ error: error!, checkpoint }),
      ...options,
    });
    const rows = Promise.all([all<LightRow>(job, "light rows"), all<HeavyRow>(job, "sums")]);
    rows.catch(() => undefined);
    while ((job.checkpoints()?.counts.completed ?? 0) < 2 && job.state !== "failed") {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    writeFileSync(trigger, "");
    await job.completed;
    const [light, sums] = await rows;
    expectExact(light, sums);
    // The light slot shares nothing with the heavy one: it has not stopped.
    expect(new Set(light.map(({ threadId }) => threadId)).size).to.equal(1);
    return failures;
  }

  it("restarts from the checkpoint when its heap is full, with every row once", async () => {
    const [failure, ...more] = await failuresOf("heap", { cpu: 1, heapMb: 64 });
    expect(more).to.deep.equal([]);
    expect(failure!.error.code).to.equal("SLOT_HEAP_EXHAUSTED");
    // Who notices first: the watch of the heap, or V8 itself.
    expect(failure!.error.message).to.match(/^slot 2 (uses \d+ of 48 MiB of heap|ran out of heap)$/);
    expect(failure!.checkpoint).to.be.at.least(2);
  });

  it("restarts when its Buffers are more than it may have off the heap", async () => {
    const [failure] = await failuresOf("buffers", { cpu: 1, heapMb: 256, offHeapMb: 16, managedMb: 16 });
    expect(failure!.error.code).to.equal("SLOT_BUFFERS_EXHAUSTED");
    expect(failure!.error.message).to.include("limit is 80 MiB");
  });

  it("fails when its state on disk is more than it may have", async () => {
    // Less than an environment without a row takes: that rows are written at once is nowhere said.
    const heavy = { cpu: 1, heapMb: 256, managedMb: 64, diskMb: 0.001 };
    const options: RunOptions = { stateBackend: "lmdb", restart: { strategy: "none" } };
    const error = await failuresOf("heap", heavy, options).catch((each: MillraceError) => each);
    expect(error).to.have.property("code", "SLOT_DISK_EXHAUSTED");
    expect(error).to.have.property("message").that.includes("slot 2").and.includes("its limit is 0.001 MiB");
  });
});

async function all<T>(job: Job, name: string): Promise<T[]> {
  const rows: T[] = [];
  for await (const row of job.results<T>(name)) rows.push(row);
  return rows;
}

function expectExact(light: LightRow[], sums: HeavyRow[]): void {
  expect(light.map(({ id }) => id)).to.deep.equal(Array.from({ length: RECORDS }, (_, i) => i));
  expect(sums).to.have.lengthOf(RECORDS);
  for (let key = 0; key < KEYS; key++) {
    let sum = 0;
    const own = sums.filter((row) => row.key === key).map((row) => row.sum);
    const expected = own.map((_, i) => (sum += key + i * KEYS));
    expect(own).to.deep.equal(expected);
  }
}
