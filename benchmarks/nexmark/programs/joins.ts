/** Queries that join streams for good: what has come is kept, as its partner may come at any time. */
import {
  type Auction,
  type Bid,
  broadcastState,
  datagenSource,
  list,
  listState,
  type NexmarkEvent,
  type Person,
  type,
  value,
} from "../../../lib/index.js";
import { bidOfSeller, bidOnAuction } from "../joined-rows.js";
import { auctionsOf, bidsOf, personsOf, type QueryProgram } from "./streams.js";

const STATES = new Set(["OR", "ID", "CA"]);

interface Seller {
  readonly name: string;
  readonly city: string;
  readonly state: string;
}

/** Who sells in a category and lives in one of three states. There is one person of an id, at any time. */
const q3: QueryProgram = (events, sink) => {
  const auctions = auctionsOf(events)
    .filter(({ category }) => category === 10)
    .project("id", "seller");
  const persons = personsOf(events)
    .filter(({ state }) => STATES.has(state))
    .project("id", "name", "city", "state");
  auctions
    .keyBy(({ seller }) => seller)
    .connect(persons.keyBy(({ id }) => id))
    .process("sellers", {
      out: type<Seller & { readonly id: number }>(),
      state: { person: value<Seller>(), waiting: list<number>() },
      first({ id }, { state, emit }) {
        const person = state.person.get();
        if (person === undefined) state.waiting.add(id);
        else emit({ name: person.name, city: person.city, state: person.state, id });
      },
      second({ name, city, state: home }, { state, emit }) {
        state.person.update({ name, city, state: home });
        for (const id of state.waiting.get()) emit({ name, city, state: home, id });
        state.waiting.clear();
      },
    })
    .sink("out", sink);
};

/** Keys of the side input: from 0 to one less. */
const SIDE_ROWS = 10_000;

type NarrowBid = Pick<Bid, "auction" | "bidder" | "price" | "dateTime">;

function bidWithValue({ auction, bidder, price, dateTime }: NarrowBid, found: string) {
  return { auction, bidder, price, dateTime, value: found };
}

/** Every bid with a value of a bounded side input; bids wait until all of that has come. */
const q13: QueryProgram = (events, sink, env) => {
  const side = env.source(
    "side input",
    datagenSource({ count: SIDE_ROWS, record: (key) => ({ key, value: String(key) }) }),
  );
  bidsOf(events)
    .project("auction", "bidder", "price", "dateTime")
    .connect(side.broadcast())
    .process("side input join", {
      out: type<NarrowBid & { readonly value: string }>(),
      state: {
        values: broadcastState<number, string>(),
        waiting: listState<NarrowBid>(),
      },
      first(bid, { state, emit }) {
        const found = state.values.get(bid.auction % SIDE_ROWS);
        if (found === undefined) state.waiting.add(bid);
        else emit(bidWithValue(bid, found));
      },
      second({ key, value: given }, { state, emit }) {
        state.values.set(key, given);
        if (state.values.size < SIDE_ROWS) return;
        for (const bid of state.waiting.get()) {
          emit(bidWithValue(bid, state.values.get(bid.auction % SIDE_ROWS)!));
        }
        state.waiting.clear();
      },
    })
    .sink("out", sink);
};

/**
 * Bids on the auctions of a category. All auctions come, so that bids on others need not wait for ever; of an
 * auction of another category only that is kept.
 */
const q20: QueryProgram = (events, sink) => {
  bidsOf(events)
    .keyBy(({ auction }) => auction)
    .connect(auctionsOf(events).keyBy(({ id }) => id))
    .process("auctions of the category", {
      out: type<object>(),
      state: { auction: value<Auction | "other">(), waiting: list<Bid>() },
      first(bid, { state, emit }) {
        const auction = state.auction.get();
        if (auction === undefined) state.waiting.add(bid);
        else if (auction !== "other") emit(bidOnAuction(bid, auction));
      },
      second(auction, { state, emit }) {
        const isWanted = auction.category === 10;
        state.auction.update(isWanted ? auction : "other");
        if (isWanted) for (const bid of state.waiting.get()) emit(bidOnAuction(bid, auction));
        state.waiting.clear();
      },
    })
    .sink("out", sink);
};

/** Bids by persons who also sell: all that has to do with one person meets in one place. */
const q23: QueryProgram = (events, sink) => {
  events
    .keyBy(whoseEvent)
    .process("bids of sellers", {
      out: type<object>(),
      state: { person: value<Person>(), auctions: list<Auction>(), bids: list<Bid>() },
      element(event, { state, emit }) {
        if (event.kind === "bid") {
          state.bids.add(event);
          const person = state.person.get();
          if (person === undefined) return;
          for (const auction of state.auctions.get()) emit(bidOfSeller(event, person, auction));
        } else if (event.kind === "auction") {
          state.auctions.add(event);
          const person = state.person.get();
          if (person === undefined) return;
          for (const bid of state.bids.get()) emit(bidOfSeller(bid, person, event));
        } else {
          state.person.update(event);
          for (const auction of state.auctions.get())
            for (const bid of state.bids.get()) emit(bidOfSeller(bid, event, auction));
        }
      },
    })
    .sink("out", sink);
};

function whoseEvent(event: NexmarkEvent): number {
  if (event.kind === "bid") return event.bidder;
  return event.kind === "auction" ? event.seller : event.id;
}

export const joins: Readonly<Record<string, QueryProgram>> = { q3, q13, q20, q23 };
