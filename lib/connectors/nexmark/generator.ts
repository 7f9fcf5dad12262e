// @hot one call per event; guarded by benchmarks/nexmark
/**
 * Makes the event of any id, the same in every run, language and parallelism (proportions and skew of
 * github.com/nexmark/nexmark, randomness seeded per event id).
 */
import { Draws } from "./draws.js";
import { CHANNELS, EXTRA_CHARS, HOT_CHANNELS, type Pools, pools, TEXT_CHARS } from "./pools.js";
import type { Auction, Bid, NexmarkEvent, Person } from "./records.js";

/** Of 50 consecutive ids one is a person, three are auctions, the rest are bids. */
export const EPOCH_EVENTS = 50;
const AUCTIONS = 3;
const FIRST_ID = 1000;
const HOT_BLOCK = 100;
const ACTIVE_PEOPLE = 1000;
const AUCTIONS_IN_FLIGHT = 100;
const LEAD = 10;
/** Ids ahead by which an auction may live on. */
const HORIZON = 1666;

/** 50 s before midnight UTC, so that the day rolls over within a short run. */
export const BASE_TIME = 1_700_006_350_000;

const FIRST_NAMES = [
  "Peter",
  "Paul",
  "Luke",
  "John",
  "Saul",
  "Vicky",
  "Kate",
  "Julie",
  "Sarah",
  "Deiter",
  "Walter",
];
const LAST_NAMES = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
const CITIES = [
  "Phoenix",
  "Los Angeles",
  "San Francisco",
  "Boise",
  "Portland",
  "Bend",
  "Redmond",
  "Seattle",
  "Kent",
  "Cheyenne",
];
const STATES = ["AZ", "CA", "ID", "OR", "WA", "WY"];

export class NexmarkGenerator {
  private readonly rate: number;
  private readonly draws = new Draws();
  private readonly pools: Pools = pools();

  /** `rate`: events per second of event time. */
  constructor(rate: number) {
    this.rate = rate;
  }

  timestamp(id: number): number {
    return BASE_TIME + Math.floor((id * 1000) / this.rate);
  }

  event(id: number): NexmarkEvent {
    this.draws.seedEvent(id);
    const rest = id % EPOCH_EVENTS;
    if (rest > AUCTIONS) return this.bid(id);
    return rest === 0 ? this.person(id) : this.auction(id);
  }

  private bid(id: number): Bid {
    const { draws } = this;
    const { prices, hotUrls, channels, urls } = this.pools;
    const auction = draws.below(2) > 0 ? hot(lastAuction(id)) : this.nextAuction(id);
    const bidder = draws.below(4) > 0 ? hot(lastPerson(id)) + 1 : this.nextPerson(id);
    const price = prices[draws.u32() >>> 16]!;
    let channel: string;
    let url: string;
    if (draws.below(2) > 0) {
      const which = draws.below(HOT_CHANNELS.length);
      channel = HOT_CHANNELS[which]!;
      url = hotUrls[which]!;
    } else {
      const which = draws.below(CHANNELS);
      channel = channels[which]!;
      url = urls[which]!;
    }
    const extra = this.extra(32, 100);
    return {
      kind: "bid",
      auction: FIRST_ID + auction,
      bidder: FIRST_ID + bidder,
      price,
      channel,
      url,
      dateTime: this.timestamp(id),
      extra,
    };
  }

  private auction(id: number): Auction {
    const { draws } = this;
    const { prices } = this.pools;
    const dateTime = this.timestamp(id);
    const seller = draws.below(4) > 0 ? hot(lastPerson(id)) : this.nextPerson(id);
    const category = 10 + draws.below(5);
    const initialBid = prices[draws.u32() >>> 16]!;
    const horizon = this.timestamp(id + HORIZON) - dateTime;
    const expires = dateTime + 1 + draws.below(Math.max(2 * horizon, 1));
    const itemName = this.text(20);
    const description = this.text(100);
    const reserve = initialBid + prices[draws.u32() >>> 16]!;
    return {
      kind: "auction",
      id: FIRST_ID + lastAuction(id),
      itemName,
      description,
      initialBid,
      reserve,
      dateTime,
      expires,
      seller: FIRST_ID + seller,
      category,
      extra: this.extra(48 + itemName.length + description.length, 500),
    };
  }

  private person(id: number): Person {
    const { draws } = this;
    const name = `${FIRST_NAMES[draws.below(FIRST_NAMES.length)]} ${LAST_NAMES[draws.below(LAST_NAMES.length)]}`;
    const emailAddress = `${this.text(7)}@${this.text(5)}.com`;
    const creditCard = `${this.digits()} ${this.digits()} ${this.digits()} ${this.digits()}`;
    const city = CITIES[draws.below(CITIES.length)]!;
    const state = STATES[draws.below(STATES.length)]!;
    const length = 8 + name.length + emailAddress.length + creditCard.length + city.length + state.length;
    return {
      kind: "person",
      id: FIRST_ID + lastPerson(id),
      name,
      emailAddress,
      creditCard,
      city,
      state,
      dateTime: this.timestamp(id),
      extra: this.extra(length, 200),
    };
  }

  private nextAuction(id: number): number {
    const high = lastAuction(id);
    const low = Math.max(high - AUCTIONS_IN_FLIGHT, 0);
    return low + this.draws.below(high - low + 1 + LEAD);
  }

  private nextPerson(id: number): number {
    const people = lastPerson(id) + 1;
    const active = Math.min(people, ACTIVE_PEOPLE);
    return people - active + this.draws.below(active + LEAD);
  }

  private text(max: number): string {
    const length = 3 + this.draws.below(max - 3);
    const at = this.draws.below(TEXT_CHARS - length);
    return this.pools.text.substring(at, at + length).trim();
  }

  private digits(): string {
    return this.pools.digits[this.draws.below(10_000)]!;
  }

  /** Fills a record of `length` to about `average` characters. */
  private extra(length: number, average: number): string {
    if (length > average) return "";
    const missing = average - length;
    const delta = Math.round(missing * 0.2);
    const chars = missing - delta + this.draws.below(2 * delta);
    const at = this.draws.below(EXTRA_CHARS - chars);
    return this.pools.extra.substring(at, at + chars);
  }
}

function hot(last: number): number {
  return last - (last % HOT_BLOCK);
}

function lastPerson(id: number): number {
  return Math.floor(id / EPOCH_EVENTS);
}

function lastAuction(id: number): number {
  const epoch = Math.floor(id / EPOCH_EVENTS);
  const rest = id - epoch * EPOCH_EVENTS;
  if (rest < 1) return epoch * AUCTIONS - 1;
  return epoch * AUCTIONS + (rest > AUCTIONS ? AUCTIONS - 1 : rest - 1);
}
