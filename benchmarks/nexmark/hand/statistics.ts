/** Queries that keep statistics of each day, by hand. */
import { day, minuteOfDay, minuteText } from "../../../fixtures/nexmark/queries.js";
import { NexmarkGenerator } from "../../../lib/connectors/nexmark/generator.js";
import type { Bid } from "../../../lib/index.js";
import type { HandLoop } from "./loop.js";

/** How many ids have been seen, in all and in each of three ranges of prices. */
class Distinct {
  all = 0;
  rank1 = 0;
  rank2 = 0;
  rank3 = 0;
  private readonly seen = new Map<number, number>();

  add(id: number, bit: number): void {
    const before = this.seen.get(id) ?? 0;
    if ((before & bit) !== 0) return;
    this.seen.set(id, before | bit);
    if (before === 0) this.all++;
    if (bit === 1) this.rank1++;
    else if (bit === 2) this.rank2++;
    else this.rank3++;
  }
}

class ByRank {
  minute = 0;
  private total = 0;
  private rank1 = 0;
  private rank2 = 0;
  private rank3 = 0;
  private readonly bidders = new Distinct();
  private readonly auctions = new Distinct();

  add({ price, bidder, auction }: Bid): void {
    const bit = price < 10_000 ? 1 : price < 1_000_000 ? 2 : 4;
    this.total++;
    if (bit === 1) this.rank1++;
    else if (bit === 2) this.rank2++;
    else this.rank3++;
    this.bidders.add(bidder, bit);
    this.auctions.add(auction, bit);
  }

  get columns() {
    const { bidders, auctions } = this;
    return {
      totalBids: this.total,
      rank1Bids: this.rank1,
      rank2Bids: this.rank2,
      rank3Bids: this.rank3,
      totalBidders: bidders.all,
      rank1Bidders: bidders.rank1,
      rank2Bidders: bidders.rank2,
      rank3Bidders: bidders.rank3,
      totalAuctions: auctions.all,
      rank1Auctions: auctions.rank1,
      rank2Auctions: auctions.rank2,
      rank3Auctions: auctions.rank3,
    };
  }
}

function q15(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  const days = new Map<number, ByRank>();
  for (let id = 0; id < events; id++) {
    const bid = generator.event(id);
    if (bid.kind !== "bid") continue;
    const key = day(bid.dateTime);
    let row = days.get(key);
    if (row === undefined) {
      row = new ByRank();
      days.set(key, row);
    }
    row.add(bid);
  }
  for (const [key, row] of days) out({ day: key, ...row.columns });
}

function q16(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  const days = new Map<number, Map<string, ByRank>>();
  for (let id = 0; id < events; id++) {
    const bid = generator.event(id);
    if (bid.kind !== "bid") continue;
    const key = day(bid.dateTime);
    let channels = days.get(key);
    if (channels === undefined) {
      channels = new Map();
      days.set(key, channels);
    }
    let row = channels.get(bid.channel);
    if (row === undefined) {
      row = new ByRank();
      channels.set(bid.channel, row);
    }
    row.add(bid);
    row.minute = minuteOfDay(bid.dateTime);
  }
  for (const [key, channels] of days) {
    for (const [channel, row] of channels) {
      out({ channel, day: key, minute: minuteText(row.minute), ...row.columns });
    }
  }
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

export const statisticsLoops: Readonly<Record<string, HandLoop>> = { q15, q16, q17 };
