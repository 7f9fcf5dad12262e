/**
 * The same queries as the loop a programmer would write by hand, on one thread, over the same generator
 * (the "configuration that outperforms a single thread" of McSherry, Isard and Murray, HotOS 2015).
 */

import { bidTimeType, channelId, countOfC, euros, isExpensive } from "../../fixtures/nexmark/queries.js";
import { NexmarkGenerator } from "../../lib/connectors/nexmark/generator.js";
import { joinLoops } from "./hand/joins.js";
import type { HandLoop } from "./hand/loop.js";
import { rankLoops } from "./hand/ranks.js";
import { statisticsLoops } from "./hand/statistics.js";
import { windowLoops } from "./hand/windows.js";
import { winningBidLoops } from "./hand/winning-bids.js";

/** Runs the generator alone: what every loop and the engine have in common. */
export function generateOnly(events: number, rate: number): number {
  const generator = new NexmarkGenerator(rate);
  let bids = 0;
  for (let id = 0; id < events; id++) if (generator.event(id).kind === "bid") bids++;
  return bids;
}

/** Loops are made anew for each run, as the engine's code is. */
export const handLoops: Readonly<Record<string, HandLoop>> = {
  ...windowLoops,
  ...joinLoops,
  ...winningBidLoops,
  ...statisticsLoops,
  ...rankLoops,
  q0(events, rate, out) {
    const generator = new NexmarkGenerator(rate);
    for (let id = 0; id < events; id++) {
      const bid = generator.event(id);
      if (bid.kind !== "bid") continue;
      const { auction, bidder, price, dateTime, extra } = bid;
      out({ auction, bidder, price, dateTime, extra });
    }
  },
  q1(events, rate, out) {
    const generator = new NexmarkGenerator(rate);
    for (let id = 0; id < events; id++) {
      const bid = generator.event(id);
      if (bid.kind !== "bid") continue;
      const { auction, bidder, price, dateTime, extra } = bid;
      out({ auction, bidder, price: euros(price), dateTime, extra });
    }
  },
  q2(events, rate, out) {
    const generator = new NexmarkGenerator(rate);
    for (let id = 0; id < events; id++) {
      const bid = generator.event(id);
      if (bid.kind === "bid" && bid.auction % 123 === 0) out({ auction: bid.auction, price: bid.price });
    }
  },
  q14(events, rate, out) {
    const generator = new NexmarkGenerator(rate);
    for (let id = 0; id < events; id++) {
      const bid = generator.event(id);
      if (bid.kind !== "bid" || !isExpensive(bid)) continue;
      const { auction, bidder, price, dateTime, extra } = bid;
      const [type, cCounts] = [bidTimeType(dateTime), countOfC(extra)];
      out({ auction, bidder, price: euros(price), dateTime, extra, bidTimeType: type, cCounts });
    }
  },
  q21(events, rate, out) {
    const generator = new NexmarkGenerator(rate);
    for (let id = 0; id < events; id++) {
      const bid = generator.event(id);
      if (bid.kind !== "bid") continue;
      const { auction, bidder, price, channel } = bid;
      const found = channelId(bid);
      if (found !== undefined) out({ auction, bidder, price, channel, channelId: found });
    }
  },
  q22(events, rate, out) {
    const generator = new NexmarkGenerator(rate);
    for (let id = 0; id < events; id++) {
      const bid = generator.event(id);
      if (bid.kind !== "bid") continue;
      const { auction, bidder, price, channel, url } = bid;
      const parts = url.split("/");
      out({ auction, bidder, price, channel, dir1: parts[3], dir2: parts[4], dir3: parts[5] });
    }
  },
};
