/** Queries about the highest bid of each auction. A bid counts from the auction's begin until it expires. */
import { type Auction, type Bid, count, list, sum, type, value } from "../../../lib/index.js";
import { auctionWithBid, type WinningBid } from "../joined-rows.js";
import { auctionsOf, bidsOf, type QueryProgram } from "./streams.js";

interface Time {
  readonly dateTime: number;
  readonly expires: number;
}

function isInTime(bid: { readonly dateTime: number }, { dateTime, expires }: Time): boolean {
  return bid.dateTime >= dateTime && bid.dateTime <= expires;
}

/** What a higher bid does to the average of a category. */
interface Raise {
  readonly category: number;
  readonly by: number;
  readonly isFirst: boolean;
}

interface HighestPrice extends Time {
  readonly category: number;
  /** 0: no bid so far. */
  readonly price: number;
}

type PricedBid = Pick<Bid, "auction" | "price" | "dateTime">;

/** The average of the highest prices of a category's auctions. */
const q4: QueryProgram = (events, sink) => {
  auctionsOf(events)
    .project("id", "category", "dateTime", "expires")
    .keyBy(({ id }) => id)
    .connect(
      bidsOf(events)
        .project("auction", "price", "dateTime")
        .keyBy(({ auction }) => auction),
    )
    .process("highest prices", {
      out: type<Raise>(),
      state: { highest: value<HighestPrice>(), early: list<PricedBid>() },
      first({ category, dateTime, expires }, { state, emit }) {
        const auction = { category, dateTime, expires, price: 0 };
        const price = state.early
          .get()
          .reduce((most, bid) => (isInTime(bid, auction) ? Math.max(most, bid.price) : most), 0);
        state.early.clear();
        state.highest.update({ ...auction, price });
        if (price > 0) emit({ category, by: price, isFirst: true });
      },
      second(bid, { state, emit }) {
        const highest = state.highest.get();
        if (highest === undefined) {
          state.early.add(bid);
          return;
        }
        const { category, dateTime, expires, price } = highest;
        if (bid.price <= price || !isInTime(bid, highest)) return;
        state.highest.update({ category, dateTime, expires, price: bid.price });
        emit({ category, by: bid.price - price, isFirst: price === 0 });
      },
    })
    .keyBy(({ category }) => category)
    .aggregate(
      { total: sum(({ by }) => by), auctions: count(({ isFirst }) => isFirst) },
      ({ total, auctions }, { key }) => ({ category: key, avg: Math.trunc(total / auctions) }),
      { miniBatch: true },
    )
    .sink("out", sink);
};

interface SoldAuction {
  readonly seller: number;
  readonly auction: number;
  readonly price: number;
  readonly dateTime: number;
}

interface OpenAuction extends Time {
  readonly seller: number;
  readonly best: PricedBid | undefined;
}

function isBetter(bid: PricedBid, than: PricedBid | undefined): boolean {
  if (than === undefined || bid.price > than.price) return true;
  return bid.price === than.price && bid.dateTime < than.dateTime;
}

/** How many of a seller's last auctions are averaged. */
const LAST_AUCTIONS = 10;

/** The average winning price of a seller's last auctions, in the order of their winning bids. */
const q6: QueryProgram = (events, sink) => {
  auctionsOf(events)
    .project("id", "seller", "dateTime", "expires")
    .keyBy(({ id }) => id)
    .connect(
      bidsOf(events)
        .project("auction", "price", "dateTime")
        .keyBy(({ auction }) => auction),
    )
    .process("sold auctions", {
      out: type<SoldAuction>(),
      state: { auction: value<OpenAuction>(), early: list<PricedBid>() },
      first({ seller, dateTime, expires }, { state, timers }) {
        let best: PricedBid | undefined;
        for (const bid of state.early.get()) {
          if (isInTime(bid, { dateTime, expires }) && isBetter(bid, best)) best = bid;
        }
        state.early.clear();
        state.auction.update({ seller, dateTime, expires, best });
        timers.eventTime(expires);
      },
      second(bid, { state }) {
        const auction = state.auction.get();
        if (auction === undefined) state.early.add(bid);
        else if (isInTime(bid, auction) && isBetter(bid, auction.best)) {
          const { seller, dateTime, expires } = auction;
          state.auction.update({ seller, dateTime, expires, best: bid });
        }
      },
      timer(_time, { key, state, emit }) {
        const { seller, best } = state.auction.get()!;
        if (best !== undefined) emit({ seller, auction: key, price: best.price, dateTime: best.dateTime });
      },
    })
    .keyBy(({ seller }) => seller)
    .process("sellers", {
      out: type<{ readonly seller: number; readonly avg: number }>(),
      state: { last: value<readonly SoldAuction[]>() },
      element(sold, { key, state, emit }) {
        const last = [...(state.last.get() ?? []), sold].sort(
          (a, b) => a.dateTime - b.dateTime || a.auction - b.auction,
        );
        if (last.length > LAST_AUCTIONS) last.shift();
        state.last.update(last);
        const total = last.reduce((all, { price }) => all + price, 0);
        emit({ seller: key, avg: Math.trunc(total / last.length) });
      },
    })
    .sink("out", sink);
};

/** The winning bid of every auction, with the auction: the highest, of equal ones the earliest. */
const q9: QueryProgram = (events, sink) => {
  auctionsOf(events)
    .keyBy(({ id }) => id)
    .connect(
      bidsOf(events)
        .project("auction", "bidder", "price", "dateTime", "extra")
        .keyBy(({ auction }) => auction),
    )
    .process("winning bids", {
      out: type<object>(),
      state: { auction: value<Auction>(), best: value<WinningBid>(), early: list<WinningBid>() },
      first(auction, { state, emit }) {
        state.auction.update(auction);
        let best: WinningBid | undefined;
        for (const bid of state.early.get()) if (isInTime(bid, auction) && isBetter(bid, best)) best = bid;
        state.early.clear();
        if (best === undefined) return;
        state.best.update(best);
        emit(auctionWithBid(auction, best));
      },
      second(bid, { state, emit }) {
        const auction = state.auction.get();
        if (auction === undefined) state.early.add(bid);
        else if (isInTime(bid, auction) && isBetter(bid, state.best.get())) {
          state.best.update(bid);
          emit(auctionWithBid(auction, bid));
        }
      },
    })
    .sink("out", sink);
};

export const winningBids: Readonly<Record<string, QueryProgram>> = { q4, q6, q9 };
