/** Queries over windows, by hand. */
import { SLIDE_MS, WINDOW_MS } from "../../../fixtures/nexmark/queries.js";
import { NexmarkGenerator } from "../../../lib/connectors/nexmark/generator.js";
import type { Bid } from "../../../lib/index.js";
import type { HandLoop } from "./loop.js";

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

function q8(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  let start = Number.NaN;
  let names = new Map<number, string>();
  let sellers = new Set<number>();
  const close = () => {
    for (const [id, name] of names) if (sellers.has(id)) out({ id, name, startTime: start });
  };
  for (let id = 0; id < events; id++) {
    const event = generator.event(id);
    if (event.kind === "bid") continue;
    const window = event.dateTime - (event.dateTime % WINDOW_MS);
    if (window !== start) {
      close();
      [start, names, sellers] = [window, new Map(), new Set()];
    }
    if (event.kind === "person") names.set(event.id, event.name);
    else sellers.add(event.seller);
  }
  close();
}

interface Session {
  bidCount: number;
  startTime: number;
  endTime: number;
}

function q11(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  const sessions = new Map<number, Session>();
  let look = 0;
  for (let id = 0; id < events; id++) {
    const bid = generator.event(id);
    if (bid.kind !== "bid") continue;
    const { bidder, dateTime } = bid;
    if (dateTime >= look) {
      // Once a second is enough: a bid behind the end of its session gives it out, too.
      look = dateTime + 1000;
      for (const [key, session] of sessions) {
        if (session.endTime >= dateTime) continue;
        out({ bidder: key, ...session });
        sessions.delete(key);
      }
    }
    const session = sessions.get(bidder);
    if (session !== undefined && session.endTime >= dateTime) {
      session.bidCount++;
      session.endTime = dateTime + WINDOW_MS;
      continue;
    }
    if (session !== undefined) out({ bidder, ...session });
    sessions.set(bidder, { bidCount: 1, startTime: dateTime, endTime: dateTime + WINDOW_MS });
  }
  for (const [bidder, session] of sessions) out({ bidder, ...session });
}

/** Gives out the window that is open at the end, too. */
function q12(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  let startTime = Number.NaN;
  const counts = new Map<number, number>();
  const close = () => {
    for (const [bidder, bidCount] of counts)
      out({ bidder, bidCount, startTime, endTime: startTime + WINDOW_MS });
    counts.clear();
  };
  for (let id = 0; id < events; id++) {
    const bid = generator.event(id);
    if (bid.kind !== "bid") continue;
    const now = Date.now();
    const start = now - (now % WINDOW_MS);
    if (start !== startTime) {
      close();
      startTime = start;
    }
    counts.set(bid.bidder, (counts.get(bid.bidder) ?? 0) + 1);
  }
  close();
}

export const windowLoops: Readonly<Record<string, HandLoop>> = { q5, q7, q8, q11, q12 };
