/** The Nexmark queries as DataStream programs. */

import { bidTimeType, channelId, countOfC, day, euros, isExpensive } from "../../fixtures/nexmark/queries.js";
import {
  avg,
  type Bid,
  count,
  custom,
  type DataStream,
  max,
  min,
  type NexmarkEvent,
  type SinkDefinition,
  sliding,
  sum,
  tumbling,
} from "../../lib/index.js";

export type QueryProgram = (bids: DataStream<Bid>, sink: SinkDefinition<any>) => void;

export function bidsOf(events: DataStream<NexmarkEvent>): DataStream<Bid> {
  return events.filter((event): event is Bid => event.kind === "bid");
}

export const programs: Readonly<Record<string, QueryProgram>> = {
  q0: (bids, sink) => {
    bids
      .map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra }))
      .sink("out", sink);
  },
  q1: (bids, sink) => {
    bids
      .map(({ auction, bidder, price, dateTime, extra }) => {
        return { auction, bidder, price: euros(price), dateTime, extra };
      })
      .sink("out", sink);
  },
  q2: (bids, sink) => {
    bids
      .filter(({ auction }) => auction % 123 === 0)
      .map(({ auction, price }) => ({ auction, price }))
      .sink("out", sink);
  },
  q5,
  q7,
  q14: (bids, sink) => {
    bids
      .filter(isExpensive)
      .map(({ auction, bidder, price, dateTime, extra }) => ({
        auction,
        bidder,
        price: euros(price),
        dateTime,
        extra,
        bidTimeType: bidTimeType(dateTime),
        cCounts: countOfC(extra),
      }))
      .sink("out", sink);
  },
  q17,
  q21: (bids, sink) => {
    bids
      .map((bid) => {
        const { auction, bidder, price, channel } = bid;
        return { auction, bidder, price, channel, channelId: channelId(bid) };
      })
      .filter((row) => row.channelId !== undefined)
      .sink("out", sink);
  },
  q22: (bids, sink) => {
    bids
      .map(({ auction, bidder, price, channel, url }) => {
        const parts = url.split("/");
        return { auction, bidder, price, channel, dir1: parts[3], dir2: parts[4], dir3: parts[5] };
      })
      .sink("out", sink);
  },
};

interface AuctionBids {
  readonly auction: number;
  readonly num: number;
}

/** Bids per auction and window, then the auctions that have the most. */
function q5(bids: DataStream<Bid>, sink: SinkDefinition<any>): void {
  bids
    .keyBy((bid) => bid.auction)
    .window(sliding({ size: "10s", slide: "2s" }))
    .aggregate({ num: count() }, ({ num }, { key }): AuctionBids => ({ auction: key, num }))
    .windowAll(tumbling("2s"))
    .aggregate({ most: mostBids }, ({ most }) => most)
    .flatMap((most) => most)
    .sink("out", sink);
}

const mostBids = custom({
  create: (): AuctionBids[] => [],
  add(most: AuctionBids[], row: AuctionBids) {
    const best = most.length === 0 ? 0 : most[0]!.num;
    if (row.num > best) return [row];
    if (row.num === best) most.push(row);
    return most;
  },
  merge(left: AuctionBids[], right: AuctionBids[]) {
    if (left.length === 0) return right;
    if (right.length === 0 || left[0]!.num > right[0]!.num) return left;
    return right[0]!.num > left[0]!.num ? right : left.concat(right);
  },
  result: (most: AuctionBids[]) => most,
});

interface Highest {
  /** When the window begins. */
  start: number;
  price: number;
  bids: Bid[];
  /** Bids at the window's very begin: they also match the window before. */
  first: Bid[];
}

/** The highest bids of a window in parts on every core; a window and its successor then meet. */
function q7(bids: DataStream<Bid>, sink: SinkDefinition<any>): void {
  bids
    .windowAll(tumbling("10s"))
    .aggregate({ highest: highestBids }, ({ highest }, { window }) => ({ ...highest, start: window.start }))
    .windowAll(sliding({ size: "20s", slide: "10s" }))
    .aggregate({ pair: inOrder }, ({ pair }, { window }) => {
      const [one, next] = pair;
      if (one === undefined || one.start !== window.start) return [];
      const late = (next?.first ?? []).filter((bid) => bid.price === one.price);
      return [...one.bids, ...late];
    })
    .flatMap((rows) => rows)
    .map(({ auction, price, bidder, dateTime, extra }) => ({ auction, price, bidder, dateTime, extra }))
    .sink("out", sink);
}

const highestBids = custom({
  create: (): Highest => ({ start: 0, price: 0, bids: [], first: [] }),
  add(highest: Highest, bid: Bid) {
    if (bid.price > highest.price) {
      highest.price = bid.price;
      highest.bids = [bid];
    } else if (bid.price === highest.price) highest.bids.push(bid);
    if (bid.dateTime % 10_000 === 0) highest.first.push(bid);
    return highest;
  },
  merge(left: Highest, right: Highest) {
    const price = Math.max(left.price, right.price);
    const bids = [left, right].flatMap((part) => (part.price === price ? part.bids : []));
    return { start: 0, price, bids, first: left.first.concat(right.first) };
  },
  result: (highest: Highest) => highest,
});

const inOrder = custom({
  create: (): Highest[] => [],
  add: (all: Highest[], one: Highest) => [...all, one].sort((a, b) => a.start - b.start),
  merge: (left: Highest[], right: Highest[]) => [...left, ...right].sort((a, b) => a.start - b.start),
  result: (all: Highest[]) => all,
});

/** Days since the epoch stay below this. */
const DAYS = 100_000;

/** Statistics per auction and day, as upserts. */
function q17(bids: DataStream<Bid>, sink: SinkDefinition<any>): void {
  bids
    .keyBy((bid) => bid.auction * DAYS + day(bid.dateTime))
    .aggregate(
      {
        totalBids: count(),
        rank1Bids: count((bid) => bid.price < 10_000),
        rank2Bids: count((bid) => bid.price >= 10_000 && bid.price < 1_000_000),
        rank3Bids: count((bid) => bid.price >= 1_000_000),
        minPrice: min((bid) => bid.price),
        maxPrice: max((bid) => bid.price),
        avgPrice: avg((bid) => bid.price),
        sumPrice: sum((bid) => bid.price),
      },
      (result, { key }) => ({
        auction: Math.floor(key / DAYS),
        day: key % DAYS,
        ...result,
        avgPrice: Math.trunc(result.avgPrice),
      }),
      { miniBatch: true },
    )
    .sink("out", sink);
}

/** Queries whose rows replace earlier ones, and what tells which. */
export const tableKeys: Readonly<Record<string, (row: any) => string>> = {
  q17: (row: { auction: number; day: number }) => `${row.auction}/${row.day}`,
};
