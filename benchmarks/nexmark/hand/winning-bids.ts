/** Queries about the highest bid of each auction, by hand. */
import { NexmarkGenerator } from "../../../lib/connectors/nexmark/generator.js";
import type { Auction, Bid } from "../../../lib/index.js";
import { auctionWithBid } from "../joined-rows.js";
import type { HandLoop } from "./loop.js";

interface Contest {
  auction: Auction;
  best: Bid | undefined;
}

/** Every auction with its best bid; bids on auctions that are still to come wait. */
function contests(events: number, rate: number): Map<number, Contest> {
  const generator = new NexmarkGenerator(rate);
  const all = new Map<number, Contest>();
  const early = new Map<number, Bid[]>();
  for (let id = 0; id < events; id++) {
    const event = generator.event(id);
    if (event.kind === "bid") {
      const contest = all.get(event.auction);
      if (contest !== undefined) offer(contest, event);
      else {
        const bids = early.get(event.auction);
        if (bids === undefined) early.set(event.auction, [event]);
        else bids.push(event);
      }
    } else if (event.kind === "auction") {
      const contest = { auction: event, best: undefined };
      all.set(event.id, contest);
      const bids = early.get(event.id);
      if (bids === undefined) continue;
      for (const bid of bids) offer(contest, bid);
      early.delete(event.id);
    }
  }
  return all;
}

/** Bids come in the order of their times: of equal ones the first stays. */
function offer(contest: Contest, bid: Bid): void {
  const { auction, best } = contest;
  if (best !== undefined && bid.price <= best.price) return;
  if (bid.dateTime >= auction.dateTime && bid.dateTime <= auction.expires) contest.best = bid;
}

function q4(events: number, rate: number, out: (row: unknown) => void): void {
  const totals = new Map<number, { total: number; auctions: number }>();
  for (const { auction, best } of contests(events, rate).values()) {
    if (best === undefined) continue;
    const found = totals.get(auction.category);
    if (found === undefined) totals.set(auction.category, { total: best.price, auctions: 1 });
    else {
      found.total += best.price;
      found.auctions++;
    }
  }
  for (const [category, { total, auctions }] of totals) out({ category, avg: Math.trunc(total / auctions) });
}

function q6(events: number, rate: number, out: (row: unknown) => void): void {
  const sold = new Map<number, Contest[]>();
  for (const contest of contests(events, rate).values()) {
    if (contest.best === undefined) continue;
    const own = sold.get(contest.auction.seller);
    if (own === undefined) sold.set(contest.auction.seller, [contest]);
    else own.push(contest);
  }
  for (const [seller, own] of sold) {
    own.sort((a, b) => a.best!.dateTime - b.best!.dateTime || a.auction.id - b.auction.id);
    const first = Math.max(own.length - 10, 0);
    let total = 0;
    for (let i = first; i < own.length; i++) total += own[i]!.best!.price;
    out({ seller, avg: Math.trunc(total / (own.length - first)) });
  }
}

function q9(events: number, rate: number, out: (row: unknown) => void): void {
  for (const { auction, best } of contests(events, rate).values()) {
    if (best === undefined) continue;
    out(auctionWithBid(auction, best));
  }
}

export const winningBidLoops: Readonly<Record<string, HandLoop>> = { q4, q6, q9 };
