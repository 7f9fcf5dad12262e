/** The records of the Nexmark benchmark: an auction house's new persons, new auctions and bids. */

/** A new person. */
export interface Person {
  readonly kind: "person";
  readonly id: number;
  readonly name: string;
  readonly emailAddress: string;
  readonly creditCard: string;
  readonly city: string;
  readonly state: string;
  /** Event time, ms since the epoch. */
  readonly dateTime: number;
  readonly extra: string;
}

/** A new auction. */
export interface Auction {
  readonly kind: "auction";
  readonly id: number;
  readonly itemName: string;
  readonly description: string;
  /** Cents. */
  readonly initialBid: number;
  readonly reserve: number;
  readonly dateTime: number;
  /** ms since the epoch. */
  readonly expires: number;
  readonly seller: number;
  readonly category: number;
  readonly extra: string;
}

/** A bid on an auction. */
export interface Bid {
  readonly kind: "bid";
  readonly auction: number;
  readonly bidder: number;
  /** Cents. */
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: number;
  readonly extra: string;
}

/** An event of the auction house: tell them apart by `kind`. */
export type NexmarkEvent = Person | Auction | Bid;
