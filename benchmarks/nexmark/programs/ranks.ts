/** Queries that keep some of the bids of each key, as upserts. */
import { type Bid, type, value } from "../../../lib/index.js";
import { bidsOf, type QueryProgram } from "./streams.js";

/** Auction ids stay below this. */
const AUCTIONS = 2 ** 26;

/** The last bid of every bidder on every auction. */
const q18: QueryProgram = (events, sink) => {
  bidsOf(events)
    .project("auction", "bidder", "price", "channel", "url", "dateTime", "extra")
    .keyBy(({ auction, bidder }) => bidder * AUCTIONS + auction)
    .maxBy("dateTime", { ties: "last", miniBatch: true })
    .sink("out", sink);
};

type RankedBid = Omit<Bid, "kind"> & { readonly rank: number };

const TOP = 10;

/** The highest bids of every auction with their ranks: a bid moves those below it down. */
const q19: QueryProgram = (events, sink) => {
  bidsOf(events)
    .keyBy(({ auction }) => auction)
    .process("top bids", {
      out: type<RankedBid>(),
      state: { top: value<Bid[]>() },
      element(bid, { state, emit }) {
        const top = state.top.get() ?? [];
        let at = top.length;
        while (at > 0 && top[at - 1]!.price < bid.price) at--;
        if (at === TOP) return;
        top.splice(at, 0, bid);
        if (top.length > TOP) top.pop();
        state.top.update(top);
        for (; at < top.length; at++) emit(rankedBid(top[at]!, at + 1));
      },
    })
    .sink("out", sink);
};

function rankedBid({ auction, bidder, price, channel, url, dateTime, extra }: Bid, rank: number): RankedBid {
  return { auction, bidder, price, channel, url, dateTime, extra, rank };
}

export const ranks: Readonly<Record<string, QueryProgram>> = { q18, q19 };
