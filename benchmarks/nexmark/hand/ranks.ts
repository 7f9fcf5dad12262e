/** Queries that keep some of the bids of each key, by hand. */
import { NexmarkGenerator } from "../../../lib/connectors/nexmark/generator.js";
import type { Bid } from "../../../lib/index.js";
import type { HandLoop } from "./loop.js";

/** Auction ids stay below this. */
const AUCTIONS = 2 ** 26;

/** Bids come in the order of their times: the last one stays. */
function q18(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  const last = new Map<number, Bid>();
  for (let id = 0; id < events; id++) {
    const bid = generator.event(id);
    if (bid.kind === "bid") last.set(bid.bidder * AUCTIONS + bid.auction, bid);
  }
  for (const { auction, bidder, price, channel, url, dateTime, extra } of last.values()) {
    out({ auction, bidder, price, channel, url, dateTime, extra });
  }
}

const TOP = 10;

function q19(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  const tops = new Map<number, Bid[]>();
  for (let id = 0; id < events; id++) {
    const bid = generator.event(id);
    if (bid.kind !== "bid") continue;
    const top = tops.get(bid.auction);
    if (top === undefined) tops.set(bid.auction, [bid]);
    else {
      let at = top.length;
      while (at > 0 && top[at - 1]!.price < bid.price) at--;
      if (at === TOP) continue;
      top.splice(at, 0, bid);
      if (top.length > TOP) top.pop();
    }
  }
  for (const top of tops.values()) {
    top.forEach(({ auction, bidder, price, channel, url, dateTime, extra }, i) => {
      out({ auction, bidder, price, channel, url, dateTime, extra, rank: i + 1 });
    });
  }
}

export const rankLoops: Readonly<Record<string, HandLoop>> = { q18, q19 };
