/**
 * The rows of queries that join: the same work for a program and for its hand loop, which are compared. The oracle
 * makes its rows by itself.
 */
import type { Auction, Bid, Person } from "../../lib/index.js";

export function bidOnAuction(bid: Bid, auction: Auction) {
  return {
    auction: bid.auction,
    bidder: bid.bidder,
    price: bid.price,
    channel: bid.channel,
    url: bid.url,
    bidDateTime: bid.dateTime,
    bidExtra: bid.extra,
    itemName: auction.itemName,
    description: auction.description,
    initialBid: auction.initialBid,
    reserve: auction.reserve,
    auctionDateTime: auction.dateTime,
    expires: auction.expires,
    seller: auction.seller,
    category: auction.category,
    auctionExtra: auction.extra,
  };
}

export function bidOfSeller(bid: Bid, person: Person, auction: Auction) {
  return {
    bidder: bid.bidder,
    price: bid.price,
    channel: bid.channel,
    url: bid.url,
    bidExtra: bid.extra,
    personId: person.id,
    name: person.name,
    emailAddress: person.emailAddress,
    creditCard: person.creditCard,
    city: person.city,
    state: person.state,
    personExtra: person.extra,
    itemName: auction.itemName,
    description: auction.description,
    initialBid: auction.initialBid,
    reserve: auction.reserve,
    auctionDateTime: auction.dateTime,
    expires: auction.expires,
    seller: auction.seller,
    category: auction.category,
    auctionExtra: auction.extra,
  };
}

/** What of a bid is in the row of the auction it wins. */
export type WinningBid = Pick<Bid, "auction" | "bidder" | "price" | "dateTime" | "extra">;

export function auctionWithBid(auction: Auction, bid: WinningBid) {
  return {
    id: auction.id,
    itemName: auction.itemName,
    description: auction.description,
    initialBid: auction.initialBid,
    reserve: auction.reserve,
    dateTime: auction.dateTime,
    expires: auction.expires,
    seller: auction.seller,
    category: auction.category,
    extra: auction.extra,
    auction: bid.auction,
    bidder: bid.bidder,
    price: bid.price,
    bidDateTime: bid.dateTime,
    bidExtra: bid.extra,
  };
}
