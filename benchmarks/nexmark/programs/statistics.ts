/** Queries that keep statistics of each day, as upserts. */
import { day, minuteOfDay, minuteText } from "../../../fixtures/nexmark/queries.js";
import { avg, type Bid, count, custom, max, min, sum } from "../../../lib/index.js";
import { bidsOf, type QueryProgram } from "./streams.js";

const LOW = 10_000;
const HIGH = 1_000_000;

/** In which of three ranges a price lies, as a bit. */
function rankBit(price: number): number {
  return price < LOW ? 1 : price < HIGH ? 2 : 4;
}

/** How many different ids there are, in all and in each range of prices. */
interface Distinct {
  /** The ranges in which an id has been seen, as bits. */
  readonly ranks: Map<number, number>;
  readonly counts: [all: number, rank1: number, rank2: number, rank3: number];
}

function see({ ranks, counts }: Distinct, id: number, bits: number): void {
  const before = ranks.get(id);
  if (before === undefined) {
    counts[0]++;
    ranks.set(id, bits);
  } else if ((before | bits) !== before) ranks.set(id, before | bits);
  const fresh = bits & ~(before ?? 0);
  if (fresh === 0) return;
  if ((fresh & 1) !== 0) counts[1]++;
  if ((fresh & 2) !== 0) counts[2]++;
  if ((fresh & 4) !== 0) counts[3]++;
}

type RankedBid = Pick<Bid, "price">;

/** Counts ids exactly; parts of it are merged, so that even the one key of a day is counted on every core. */
function distinct<T extends RankedBid>(idOf: (bid: T) => number) {
  return custom({
    create: (): Distinct => ({ ranks: new Map(), counts: [0, 0, 0, 0] }),
    add(seen: Distinct, bid: T) {
      see(seen, idOf(bid), rankBit(bid.price));
      return seen;
    },
    merge(seen: Distinct, other: Distinct) {
      for (const [id, bits] of other.ranks) see(seen, id, bits);
      return seen;
    },
    result: (seen: Distinct) => seen.counts,
  });
}

const byRank = {
  totalBids: count<RankedBid>(),
  rank1Bids: count<RankedBid>(({ price }) => price < LOW),
  rank2Bids: count<RankedBid>(({ price }) => price >= LOW && price < HIGH),
  rank3Bids: count<RankedBid>(({ price }) => price >= HIGH),
  bidders: distinct<Pick<Bid, "price" | "bidder">>(({ bidder }) => bidder),
  auctions: distinct<Pick<Bid, "price" | "auction">>(({ auction }) => auction),
};

interface ByRank {
  readonly totalBids: number;
  readonly rank1Bids: number;
  readonly rank2Bids: number;
  readonly rank3Bids: number;
  readonly bidders: Distinct["counts"];
  readonly auctions: Distinct["counts"];
}

function columns({ totalBids, rank1Bids, rank2Bids, rank3Bids, bidders, auctions }: ByRank) {
  return {
    totalBids,
    rank1Bids,
    rank2Bids,
    rank3Bids,
    totalBidders: bidders[0],
    rank1Bidders: bidders[1],
    rank2Bidders: bidders[2],
    rank3Bidders: bidders[3],
    totalAuctions: auctions[0],
    rank1Auctions: auctions[1],
    rank2Auctions: auctions[2],
    rank3Auctions: auctions[3],
  };
}

/** Bids, bidders and auctions of each day. */
const q15: QueryProgram = (events, sink) => {
  bidsOf(events)
    .keyBy(({ dateTime }) => day(dateTime))
    .aggregate(byRank, (result, { key }) => ({ day: key, ...columns(result) }), { miniBatch: true })
    .sink("out", sink);
};

/** The same of each channel, and when its last bid was. */
const q16: QueryProgram = (events, sink) => {
  bidsOf(events)
    .keyBy(({ channel, dateTime }) => `${channel}/${day(dateTime)}`)
    .aggregate(
      { ...byRank, minute: max<Bid>(({ dateTime }) => minuteOfDay(dateTime)) },
      ({ minute, ...result }, { key }) => {
        const [channel, of] = key.split("/");
        return { channel, day: Number(of), minute: minuteText(minute), ...columns(result) };
      },
      { miniBatch: true },
    )
    .sink("out", sink);
};

/** Days since the epoch stay below this. */
const DAYS = 100_000;

/** Statistics per auction and day, as upserts. */
const q17: QueryProgram = (events, sink) => {
  bidsOf(events)
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
};

export const statistics: Readonly<Record<string, QueryProgram>> = { q15, q16, q17 };
