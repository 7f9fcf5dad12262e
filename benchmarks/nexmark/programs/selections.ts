/** Queries that look at one bid at a time. */
import { bidTimeType, channelId, countOfC, euros, isExpensive } from "../../../fixtures/nexmark/queries.js";
import { bidsOf, type QueryProgram } from "./streams.js";

export const selections: Readonly<Record<string, QueryProgram>> = {
  q0: (events, sink) => {
    bidsOf(events)
      .map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra }))
      .sink("out", sink);
  },
  q1: (events, sink) => {
    bidsOf(events)
      .map(({ auction, bidder, price, dateTime, extra }) => {
        return { auction, bidder, price: euros(price), dateTime, extra };
      })
      .sink("out", sink);
  },
  q2: (events, sink) => {
    bidsOf(events)
      .filter(({ auction }) => auction % 123 === 0)
      .map(({ auction, price }) => ({ auction, price }))
      .sink("out", sink);
  },
  q14: (events, sink) => {
    bidsOf(events)
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
  q21: (events, sink) => {
    bidsOf(events)
      .map((bid) => {
        const { auction, bidder, price, channel } = bid;
        return { auction, bidder, price, channel, channelId: channelId(bid) };
      })
      .filter((row) => row.channelId !== undefined)
      .sink("out", sink);
  },
  q22: (events, sink) => {
    bidsOf(events)
      .map(({ auction, bidder, price, channel, url }) => {
        const parts = url.split("/");
        return { auction, bidder, price, channel, dir1: parts[3], dir2: parts[4], dir3: parts[5] };
      })
      .sink("out", sink);
  },
};
