/** Queries that join streams, by hand. */
import { NexmarkGenerator } from "../../../lib/connectors/nexmark/generator.js";
import type { Auction, Bid, Person } from "../../../lib/index.js";
import { bidOfSeller, bidOnAuction } from "../joined-rows.js";
import type { HandLoop } from "./loop.js";

function added<T>(lists: Map<number, T[]>, key: number, record: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [record]);
  else list.push(record);
}

function q3(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  const persons = new Map<number, { name: string; city: string; state: string }>();
  const waiting = new Map<number, number[]>();
  for (let number = 0; number < events; number++) {
    const event = generator.event(number);
    if (event.kind === "auction") {
      if (event.category !== 10) continue;
      const person = persons.get(event.seller);
      if (person === undefined) added(waiting, event.seller, event.id);
      else out({ name: person.name, city: person.city, state: person.state, id: event.id });
    } else if (event.kind === "person") {
      const { id: seller, name, city, state } = event;
      if (state !== "OR" && state !== "ID" && state !== "CA") continue;
      persons.set(seller, { name, city, state });
      const ids = waiting.get(seller);
      if (ids === undefined) continue;
      for (const id of ids) out({ name, city, state, id });
      waiting.delete(seller);
    }
  }
}

function q13(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  const values = new Map<number, string>();
  for (let key = 0; key < 10_000; key++) values.set(key, String(key));
  for (let id = 0; id < events; id++) {
    const bid = generator.event(id);
    if (bid.kind !== "bid") continue;
    const { auction, bidder, price, dateTime } = bid;
    out({ auction, bidder, price, dateTime, value: values.get(auction % 10_000)! });
  }
}

function q20(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  /** Null: of another category. */
  const auctions = new Map<number, Auction | null>();
  const waiting = new Map<number, Bid[]>();
  for (let id = 0; id < events; id++) {
    const event = generator.event(id);
    if (event.kind === "bid") {
      const auction = auctions.get(event.auction);
      if (auction === undefined) added(waiting, event.auction, event);
      else if (auction !== null) out(bidOnAuction(event, auction));
    } else if (event.kind === "auction") {
      const isWanted = event.category === 10;
      auctions.set(event.id, isWanted ? event : null);
      const bids = waiting.get(event.id);
      if (bids === undefined) continue;
      if (isWanted) for (const bid of bids) out(bidOnAuction(bid, event));
      waiting.delete(event.id);
    }
  }
}

interface Dealings {
  person: Person | undefined;
  readonly auctions: Auction[];
  readonly bids: Bid[];
}

function q23(events: number, rate: number, out: (row: unknown) => void): void {
  const generator = new NexmarkGenerator(rate);
  const persons = new Map<number, Dealings>();
  const dealingsOf = (id: number): Dealings => {
    let found = persons.get(id);
    if (found === undefined) {
      found = { person: undefined, auctions: [], bids: [] };
      persons.set(id, found);
    }
    return found;
  };
  for (let id = 0; id < events; id++) {
    const event = generator.event(id);
    if (event.kind === "bid") {
      const { person, auctions, bids } = dealingsOf(event.bidder);
      bids.push(event);
      if (person === undefined) continue;
      for (const auction of auctions) out(bidOfSeller(event, person, auction));
    } else if (event.kind === "auction") {
      const { person, auctions, bids } = dealingsOf(event.seller);
      auctions.push(event);
      if (person === undefined) continue;
      for (const bid of bids) out(bidOfSeller(bid, person, event));
    } else {
      const dealings = dealingsOf(event.id);
      dealings.person = event;
      for (const auction of dealings.auctions)
        for (const bid of dealings.bids) out(bidOfSeller(bid, event, auction));
    }
  }
}

export const joinLoops: Readonly<Record<string, HandLoop>> = { q3, q13, q20, q23 };
