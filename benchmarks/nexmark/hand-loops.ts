/**
 * The same queries as the loop a programmer would write by hand, on one thread, over the same generator
 * (the "configuration that outperforms a single thread" of McSherry, Isard and Murray, HotOS 2015).
 */

import {
  bidTimeType,
  channelId,
  countOfC,
  day,
  euros,
  isExpensive,
  SLIDE_MS,
  WINDOW_MS,
} from "../../fixtures/nexmark/queries.js";
import { NexmarkGenerator } from "../../lib/connectors/nexmark/generator.js";
import type { Bid } from "../../lib/index.js";

export type HandLoop = (events: number, rate: number, out: (row: unknown) => void) => void;

/** Runs the generator alone: what every loop and the engine have in common. */
export function generateOnly(events: number, rate: number): number {
  const generator = new NexmarkGenerator(rate);
  let bids = 0;
  for (let id = 0; id < events; id++) if (generator.event(id).kind === "bid") bids++;
  return bids;
}

/** Loops are made anew for each run, as the engine's code is. */
export const handLoops: Readonly<Record<string, HandLoop>> = {
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
  q5,
  q7,
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
  q17,
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

/** Counts per slice of 2 s; a window is five slices. Events come in order, so a slice ends with the next. */
function q5(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  const slices = new Map<number, Map<number, number>>();
  let current = Number.NEGATIVE_INFINITY;
  let counts = new Map<number, number>();
  const close = (start: number) => {
    const sums = new Map<number, number>();
    for (let slice = start; slice < start + WINDOW_MS; slice += SLIDE_MS) {
      for (const [auction, num] of slices.get(slice) ?? []) sums.set(auction, (sums.get(auction) ?? 0) + num);
    }
    let most = 0;
    for (const num of sums.values()) if (num > most) most = num;
    for (const [auction, num] of sums) if (num === most && num > 0) out({ auction, num });
    slices.delete(start);
  };
  for (let id = 0; id < events; id++) {
    const bid = generator.event(id);
    if (bid.kind !== "bid") continue;
    const slice = bid.dateTime - (bid.dateTime % SLIDE_MS);
    if (slice !== current) {
      if (current !== Number.NEGATIVE_INFINITY) {
        for (let end = current + SLIDE_MS; end <= slice; end += SLIDE_MS) close(end - WINDOW_MS);
      }
      current = slice;
      counts = new Map();
      slices.set(slice, counts);
    }
    counts.set(bid.auction, (counts.get(bid.auction) ?? 0) + 1);
  }
  for (let end = current + SLIDE_MS; end <= current + WINDOW_MS; end += SLIDE_MS) close(end - WINDOW_MS);
}

function q7(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  let end = Number.NaN;
  let [highest, bids, before, beforeEnd] = [0, [] as Bid[], 0, Number.NaN];
  const emit = ({ auction, price, bidder, dateTime, extra }: Bid) => {
    out({ auction, price, bidder, dateTime, extra });
  };
  for (let id = 0; id < events; id++) {
    const bid = generator.event(id);
    if (bid.kind !== "bid") continue;
    const windowEnd = bid.dateTime - (bid.dateTime % WINDOW_MS) + WINDOW_MS;
    if (windowEnd !== end) {
      for (const each of bids) emit(each);
      [before, beforeEnd] = [highest, end];
      [end, highest, bids] = [windowEnd, 0, []];
    }
    if (bid.dateTime === beforeEnd && bid.price === before) emit(bid);
    if (bid.price > highest) {
      highest = bid.price;
      bids = [bid];
    } else if (bid.price === highest) bids.push(bid);
  }
  for (const each of bids) emit(each);
}

interface Statistics {
  auction: number;
  day: number;
  totalBids: number;
  rank1Bids: number;
  rank2Bids: number;
  rank3Bids: number;
  minPrice: number;
  maxPrice: number;
  sumPrice: number;
}

function q17(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  const table = new Map<number, Statistics>();
  for (let id = 0; id < events; id++) {
    const bid = generator.event(id);
    if (bid.kind !== "bid") continue;
    const { auction, price } = bid;
    const key = auction * 100_000 + day(bid.dateTime);
    let row = table.get(key);
    if (row === undefined) {
      row = {
        auction,
        day: day(bid.dateTime),
        totalBids: 0,
        rank1Bids: 0,
        rank2Bids: 0,
        rank3Bids: 0,
        minPrice: price,
        maxPrice: price,
        sumPrice: 0,
      };
      table.set(key, row);
    }
    row.totalBids++;
    if (price < 10_000) row.rank1Bids++;
    else if (price < 1_000_000) row.rank2Bids++;
    else row.rank3Bids++;
    if (price < row.minPrice) row.minPrice = price;
    if (price > row.maxPrice) row.maxPrice = price;
    row.sumPrice += price;
  }
  for (const row of table.values()) {
    const {
      auction,
      day: of,
      sumPrice,
      totalBids,
      rank1Bids,
      rank2Bids,
      rank3Bids,
      minPrice,
      maxPrice,
    } = row;
    const counts = { totalBids, rank1Bids, rank2Bids, rank3Bids };
    const avgPrice = Math.trunc(sumPrice / totalBids);
    out({ auction, day: of, ...counts, minPrice, maxPrice, avgPrice, sumPrice });
  }
}
