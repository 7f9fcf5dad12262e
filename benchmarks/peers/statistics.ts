import { day } from "../../fixtures/nexmark/queries.js";
import type { Bid } from "../../lib/index.js";
import type { Emit, Keeper } from "./queries.js";

interface Statistics {
  readonly auction: number;
  readonly day: number;
  count: number;
  minPrice: number;
  maxPrice: number;
  sumPrice: number;
}

/** Days since the epoch stay below this. */
const DAYS = 100_000;

/** Statistics of an auction's bids per day: the final table of q17. */
export class DailyStatistics implements Keeper {
  private readonly table = new Map<number, Statistics>();

  add({ auction, price, dateTime }: Bid): void {
    const row = this.rowOf(auction, day(dateTime));
    row.count++;
    if (price < row.minPrice) row.minPrice = price;
    if (price > row.maxPrice) row.maxPrice = price;
    row.sumPrice += price;
  }

  end(emit: Emit): void {
    for (const row of this.table.values()) emit({ ...row, avgPrice: row.sumPrice / row.count });
  }

  part(bids: readonly Bid[]): Statistics[] {
    const part = new DailyStatistics();
    for (const bid of bids) part.add(bid);
    return [...part.table.values()];
  }

  merge(part: Statistics[]): void {
    for (const { auction, day: of, count, minPrice, maxPrice, sumPrice } of part) {
      const row = this.rowOf(auction, of);
      row.count += count;
      row.minPrice = Math.min(row.minPrice, minPrice);
      row.maxPrice = Math.max(row.maxPrice, maxPrice);
      row.sumPrice += sumPrice;
    }
  }

  private rowOf(auction: number, of: number): Statistics {
    const key = auction * DAYS + of;
    let row = this.table.get(key);
    if (row === undefined) {
      const [minPrice, maxPrice] = [Number.MAX_SAFE_INTEGER, 0];
      row = { auction, day: of, count: 0, minPrice, maxPrice, sumPrice: 0 };
      this.table.set(key, row);
    }
    return row;
  }
}
