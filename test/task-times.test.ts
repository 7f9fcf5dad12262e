/** What tasks do with their time, as a whole job shows it. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { run } from "../lib/index.js";

const SLOW = new URL("./jobs/slow-receiver.js", import.meta.url);

describe("times of tasks", function () {
  this.timeout(60_000);

  it("say that a source waits for a slow operator, which works", async () => {
    await using job = await run(SLOW, { parallelism: 1, debloat: { target: "100ms" } });
    const of = (name: string) => job.metrics().find(({ vertex }) => vertex.startsWith(name))!;
    // Until the channel is full for the first time the source works.
    for (let tries = 0; of("numbers").backPressuredTimeMsPerSecond < 700 && tries < 200; tries++)
      await sleep(100);
    const [source, slow] = [of("numbers"), of("slow")];
    expect(source.backPressuredTimeMsPerSecond).to.be.above(600);
    expect(source.busyTimeMsPerSecond).to.be.below(400);
    expect(slow.busyTimeMsPerSecond).to.be.above(600);
    expect(slow.backPressuredTimeMsPerSecond).to.equal(0);
    for (const { busyTimeMsPerSecond, idleTimeMsPerSecond, backPressuredTimeMsPerSecond } of [source, slow]) {
      expect(busyTimeMsPerSecond + idleTimeMsPerSecond + backPressuredTimeMsPerSecond).to.be.within(
        500,
        1100,
      );
    }
  });
});
