/** Buffer debloating of a whole job: its options and its metrics. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { type Job, run } from "../lib/index.js";

const SLOW = new URL("./jobs/slow-receiver.js", import.meta.url);

const of = (job: Job, name: string) => job.metrics().find(({ vertex }) => vertex.startsWith(name))!;

async function until(isThere: () => boolean, atMostMs: number): Promise<void> {
  for (const end = performance.now() + atMostMs; !isThere(); ) {
    if (performance.now() > end) expect.fail("it did not come to that");
    await sleep(20);
  }
}

describe("buffer debloating of a job", function () {
  this.timeout(60_000);

  it("lets a channel hold what a slow operator takes within the target, and shows it in metrics", async () => {
    await using job = await run(SLOW, { parallelism: 1, debloat: { target: "200ms" } });
    let seen = of(job, "slow");
    await until(() => {
      seen = of(job, "slow");
      const { bytesInFlight, debloatedBufferSize, estimatedTimeToConsumeBuffersMs } = seen;
      // Before anything is measured a channel has 32 KiB.
      const isMeasured = debloatedBufferSize > 0 && debloatedBufferSize < 16_384;
      const isTaken = bytesInFlight > 0 && bytesInFlight <= debloatedBufferSize * 1.2;
      return isMeasured && isTaken && estimatedTimeToConsumeBuffersMs < 300;
    }, 30_000);
    const { debloatedBufferSize, instantBufferSize, throughput, bytesIn, recordsIn } = seen;
    // A millisecond of sleep is one or two, and more on a busy machine.
    expect(debloatedBufferSize).to.be.within(20 * (bytesIn / recordsIn), 300 * (bytesIn / recordsIn));
    expect(instantBufferSize).to.be.within(debloatedBufferSize / 4, debloatedBufferSize * 4);
    expect(throughput).to.be.within(debloatedBufferSize, debloatedBufferSize * 20);
    expect(of(job, "numbers").creditBytes).to.be.within(debloatedBufferSize / 2, debloatedBufferSize * 2);
  });

  it("is not done where it is off", async () => {
    await using job = await run(SLOW, { parallelism: 1, debloat: false });
    await until(() => of(job, "slow").bytesInFlight > 250_000, 30_000);
    expect(of(job, "slow").debloatedBufferSize).to.equal(0);
    expect(of(job, "numbers").creditBytes).to.equal(320 * 1024);
  });

  it("refuses options that make no sense", async () => {
    for (const debloat of [{ target: -1 }, { minBytes: 10, maxBytes: 5 }]) {
      const refused = await run(SLOW, { debloat }).then(undefined, (error) => error);
      expect(refused).to.have.property("code", "OPTION_INVALID");
    }
  });
});
