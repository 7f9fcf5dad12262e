/** Queries over windows. */
import {
  type Bid,
  count,
  custom,
  type NexmarkEvent,
  session,
  sliding,
  tumbling,
} from "../../../lib/index.js";
import { bidsOf, type QueryProgram } from "./streams.js";

interface AuctionBids {
  readonly auction: number;
  readonly num: number;
}

/** Bids per auction and window, then the auctions that have the most. */
const q5: QueryProgram = (events, sink) => {
  bidsOf(events)
    .keyBy((bid) => bid.auction)
    .window(sliding({ size: "10s", slide: "2s" }))
    .aggregate({ num: count() }, ({ num }, { key }): AuctionBids => ({ auction: key, num }))
    .windowAll(tumbling("2s"))
    .aggregate({ most: mostBids }, ({ most }) => most)
    .flatMap((most) => most)
    .sink("out", sink);
};

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
const q7: QueryProgram = (events, sink) => {
  bidsOf(events)
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
};

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

/** Persons who became sellers in the window in which they were new: both sides meet in one aggregate. */
const q8: QueryProgram = (events, sink) => {
  events
    .filter((event) => event.kind !== "bid")
    .map(namesAndSellers)
    .keyBy(({ id }) => id)
    .window(tumbling("10s"))
    .aggregate({ name: nameOf, auctions: count((event) => event.name === null) }, (found, place) => {
      return { id: place.key, ...found, startTime: place.window.start };
    })
    .filter(({ name, auctions }) => name !== null && auctions > 0)
    .map(({ id, name, startTime }) => ({ id, name, startTime }))
    .sink("out", sink);
};

interface NamedOrSelling {
  /** Of a person or a seller. */
  readonly id: number;
  /** Null for an auction. */
  readonly name: string | null;
}

function namesAndSellers(event: NexmarkEvent): NamedOrSelling {
  if (event.kind === "person") return { id: event.id, name: event.name };
  return { id: event.kind === "auction" ? event.seller : Number.NaN, name: null };
}

const nameOf = custom({
  create: (): string | null => null,
  add: (name: string | null, event: NamedOrSelling) => event.name ?? name,
  merge: (left: string | null, right: string | null) => left ?? right,
  result: (name: string | null) => name,
});

const q11: QueryProgram = (events, sink) => {
  bidsOf(events)
    .project("bidder")
    .keyBy(({ bidder }) => bidder)
    .window(session("10s"))
    .aggregate({ bidCount: count() }, ({ bidCount }, { key, window }) => {
      return { bidder: key, bidCount, startTime: window.start, endTime: window.end };
    })
    .sink("out", sink);
};

const q12: QueryProgram = (events, sink) => {
  bidsOf(events)
    .project("bidder")
    .keyBy(({ bidder }) => bidder)
    .window(tumbling("10s", { time: "processing" }))
    .aggregate({ bidCount: count() }, ({ bidCount }, { key, window }) => {
      return { bidder: key, bidCount, startTime: window.start, endTime: window.end };
    })
    .sink("out", sink);
};

export const windows: Readonly<Record<string, QueryProgram>> = { q5, q7, q8, q11, q12 };
