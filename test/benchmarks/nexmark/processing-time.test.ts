/** q12 under a clock that the test moves: what it answers is decided. */
import { allEvents } from "../../../fixtures/nexmark/oracle.js";
import { WINDOW_MS } from "../../../fixtures/nexmark/queries.js";
import { testJob } from "../../../lib/testing/index.js";
import job from "../../jobs/crashing.js";

const BIDS = 120;
const START = 1_000_000;
/** How far the clock goes on behind every bid: 46 bids in a window. */
const STEP_MS = 217;

describe("Nexmark q12", () => {
  it("counts the bids of each bidder in windows of the wall clock; open ones do not fire at the end", async () => {
    const bids = allEvents(200, 10_000).bids.slice(0, BIDS);
    const rows = new Map<string, object>();
    const end = START + BIDS * STEP_MS;
    bids.forEach(({ bidder }, i) => {
      const time = START + i * STEP_MS;
      const startTime = time - (time % WINDOW_MS);
      const own = bids.filter((bid, j) => {
        const at = START + j * STEP_MS;
        return bid.bidder === bidder && at >= startTime && at < startTime + WINDOW_MS;
      });
      const row = { bidder, bidCount: own.length, startTime, endTime: startTime + WINDOW_MS };
      if (row.endTime <= end) rows.set(`${bidder} ${startTime}`, row);
    });
    const params = { query: "q12", events: 200, failures: 0 };
    await using test = await testJob(job, { params, startTime: START });
    for (const bid of bids) {
      test.source("events").push(bid);
      test.advanceClock(STEP_MS);
    }
    test.end();
    await test.expect("out").toEqualInAnyOrder([...rows.values()]);
  });
});
