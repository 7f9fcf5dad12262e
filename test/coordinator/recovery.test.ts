/** Jobs that fail and go on from their last checkpoint: the answer is that of a job that never failed. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Digest, RowDigest, type RunOptions, run } from "millrace";
import type { CrashingParams } from "../jobs/crashing.js";

const JOB = new URL("../jobs/crashing.js", import.meta.url);
const EVENTS = 400_000;

describe("a job that fails", function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-recovery-"));
    mkdirSync(join(folder, "failures"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function answer(params: Omit<CrashingParams, "events">, options: RunOptions) {
    await using job = await run(JOB, { ...options, params: { events: EVENTS, ...params } });
    const parts: Digest[] = [];
    for await (const part of job.results<Digest>("out")) parts.push(part);
    await job.completed;
    return { digest: RowDigest.merge(parts), restarts: job.restarts, checkpoints: job.checkpoints()! };
  }

  const modes: Record<string, RunOptions["checkpoint"]> = {
    aligned: {},
    unaligned: { unaligned: true },
    "aligned with timeout": { unaligned: true, alignedTimeout: 5 },
  };
  for (const query of ["q0", "q5", "q7"]) {
    for (const [name, mode] of Object.entries(modes)) {
      for (const [how, options] of Object.entries<RunOptions>({
        inline: { inline: true, parallelism: 2 },
        threads: { parallelism: 2 },
      })) {
        it(`answers ${query} as if nothing had been (${name}, ${how})`, async () => {
          const expected = await answer({ query, failures: 0 }, options);
          const { digest, restarts, checkpoints } = await answer(
            { query, failures: 2, folder: join(folder, "failures") },
            {
              ...options,
              restart: { strategy: "fixed-delay", attempts: 100, delay: 1 },
              checkpoint: { ...mode, interval: 20, dir: join(folder, "state") },
            },
          );
          expect(digest).to.deep.equal(expected.digest);
          // Two subtasks may fail in one attempt.
          const failures = readdirSync(join(folder, "failures")).length;
          expect(restarts).to.be.within(1, failures);
          expect(checkpoints.counts.completed).to.be.greaterThan(0);
        });
      }
    }
  }
});
