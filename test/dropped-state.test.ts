/** Whole jobs that keep records for a while: what they hold does not grow with what has gone through them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Job, run } from "../lib/index.js";
import { type DroppingParams, KEY_RECORDS, MAX_DRIFT } from "./jobs/dropping.js";

const JOB = new URL("./jobs/dropping.js", import.meta.url);
/** Records that have gone through when the job's state is looked at. */
const LOOKS = [20_000, 100_000] as const;
/** By how much two looks may differ, bytes: windows that are open at the moment, records that wait for others. */
const WINDOWS_DIFFER = 40_000;
const JOIN_DIFFERS = 2 * MAX_DRIFT * 75;
/** The least that one key's state takes in a savepoint, were it left there. */
const LEFT_BYTES_MIN = 20;

/** The bytes of a savepoint: all of the state, whatever checkpoints before it had. */
async function stateBytes(job: Job, directory: string): Promise<number> {
  await job.savepoint(directory);
  return job.checkpoints()!.history.find(({ isSavepoint }) => isSavepoint)!.stateSize;
}

async function looks(program: DroppingParams["program"], stateBackend: string): Promise<number[]> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-test-"));
  try {
    await using job = await run(JOB, {
      params: { program },
      parallelism: 2,
      stateBackend,
      checkpoint: { interval: "1h" },
    });
    const sizes: number[] = [];
    for (const records of LOOKS) {
      while (job.progress().records < records) await new Promise((resolve) => setTimeout(resolve, 10));
      sizes.push(await stateBytes(job, directory));
    }
    return sizes;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

describe("state of records whose time has passed", function () {
  this.timeout(60_000);

  for (const [program, stateBackend] of [
    ["sessions", "heap"],
    ["sessions", "lmdb"],
    ["sessions of records", "heap"],
    ["windows with lateness", "heap"],
    ["an interval join", "heap"],
  ] as const) {
    it(`goes with them: ${program} (${stateBackend})`, async () => {
      const [first, second] = (await looks(program, stateBackend)) as [number, number];
      const isJoin = program === "an interval join";
      const differs = isJoin ? JOIN_DIFFERS : WINDOWS_DIFFER;
      // Were something left of each record of the join, or each key of the others, it would be more.
      const lost = (LOOKS[1] - LOOKS[0]) / (isJoin ? 1 : KEY_RECORDS);
      expect(differs).to.be.lessThan(lost * LEFT_BYTES_MIN);
      expect(Math.min(first, second)).to.be.greaterThan(0);
      expect(second - first, `${first} -> ${second}`).to.be.at.most(differs);
    });
  }
});
