/** The records that cross, made beforehand: a pool that senders walk through again and again. */
import { NexmarkGenerator } from "../../lib/connectors/nexmark/generator.js";

export const POOL = 4096;

export interface Kind {
  readonly pool: () => unknown[];
  /** Reads every field, so that none can be left out. */
  readonly check: (record: any) => number;
  /** How many cross per run. */
  readonly records: number;
}

export const kinds: Readonly<Record<string, Kind>> = {
  bid: {
    pool: bids,
    check: (bid) =>
      bid.auction +
      bid.bidder +
      bid.price +
      bid.channel.length +
      bid.url.length +
      bid.extra.length +
      bid.dateTime,
    records: 1_000_000,
  },
  small: {
    pool: () => Array.from({ length: POOL }, (_, i) => ({ key: i * 7, value: i * 1.5, time: 1.7e12 + i })),
    check: (small) => small.key + small.value + small.time,
    records: 4_000_000,
  },
  order: {
    pool: orders,
    check: (order) => {
      let sum = order.id + order.customer.name.length + (order.customer.email?.length ?? 0) + order.total;
      sum += order.shippedAt === null ? 0 : order.shippedAt.getTime() % 1000;
      for (const line of order.lines)
        sum += line.sku.length + line.quantity + line.price + (line.note?.length ?? 0);
      return sum;
    },
    records: 300_000,
  },
};

function bids(): unknown[] {
  const generator = new NexmarkGenerator(10_000);
  const pool: unknown[] = [];
  for (let id = 0; pool.length < POOL; id++) {
    const event = generator.event(id);
    if (event.kind !== "bid") continue;
    const { auction, bidder, price, channel, url, dateTime, extra } = event;
    pool.push({ auction, bidder, price, channel, url, dateTime, extra });
  }
  return pool;
}

/** As a shop's JSON: nested, with nulls, dates and fields that are not always there. */
function orders(): unknown[] {
  return Array.from({ length: POOL }, (_, i) => ({
    id: 1_000_000 + i,
    customer: { name: `Customer number ${i}`, email: i % 3 === 0 ? null : `customer${i}@example.com` },
    lines: Array.from({ length: 1 + (i % 4) }, (_unused, j) => ({
      sku: `SKU-${(i * 31 + j) % 997}`,
      quantity: 1 + (j % 5),
      price: 9.99 + j,
      ...(j === 2 ? { note: "gift wrap" } : {}),
    })),
    total: 100 + i / 100,
    shippedAt: i % 2 === 0 ? null : new Date(1.7e12 + i * 60_000),
  }));
}
