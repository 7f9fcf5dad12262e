/** A running job that goes on with another parallelism. */
import { expect } from "chai";
import { type Digest, RowDigest, type RunOptions, run } from "millrace";
import type { GrowingParams } from "../jobs/growing.js";

const JOB = new URL("../jobs/growing.js", import.meta.url);
const PARAMS: GrowingParams = { records: 1_200_000, keys: 1000 };

async function digestOf(options: RunOptions, steps: readonly number[]) {
  await using job = await run(JOB, { ...options, params: { ...PARAMS } });
  const parts: Digest[] = [];
  const read = (async () => {
    for await (const part of job.results<Digest>("out")) parts.push(part);
  })();
  const widths: number[] = [];
  for (const parallelism of steps) {
    while (job.progress().records < 1000) await new Promise((resolve) => setTimeout(resolve, 5));
    await job.rescale(parallelism);
    widths.push(new Set(job.metrics().map(({ subtask }) => subtask)).size);
  }
  await job.completed;
  await read;
  return { digest: RowDigest.merge(parts), widths };
}

describe("rescaling", function () {
  this.timeout(60_000);

  for (const [name, options] of Object.entries<RunOptions>({ inline: { inline: true }, threads: {} })) {
    it(`changes nothing but the speed (${name})`, async () => {
      const expected = await digestOf({ ...options, parallelism: 1, checkpoint: {} }, []);
      const rescaled = await digestOf({ ...options, parallelism: 1, checkpoint: { interval: 20 } }, [3, 2]);
      expect(rescaled.widths).to.deep.equal([3, 2]);
      expect(rescaled.digest).to.deep.equal(expected.digest);
    });
  }

  it("is refused beyond the key groups, and the job goes on", async () => {
    await using job = await run(JOB, { parallelism: 1, checkpoint: {}, params: { ...PARAMS } });
    const refused = await job.rescale(1000).catch((error: unknown) => error);
    expect(refused).to.have.property("code", "PARALLELISM_INVALID");
    await job.completed;
  });
});
