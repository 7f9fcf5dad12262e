/** The queries as plain functions and objects, which every peer calls in its own manner. */
import type { Bid, NexmarkEvent } from "../../lib/index.js";
import type { QueryName } from "./contract.js";
import { HotItems } from "./hot-items.js";
import { DailyStatistics } from "./statistics.js";

export type Emit = (row: unknown) => void;

/** State over all bids. */
export interface Keeper {
  add(bid: Bid, emit: Emit): void;
  end(emit: Emit): void;
  /** What a task that sees only some bids can do ahead; parts are merged in the bids' order. */
  part(bids: readonly Bid[]): unknown;
  merge(part: any, emit: Emit): void;
}

export type Query =
  | { readonly keeps?: (bid: Bid) => boolean; readonly project: (bid: Bid) => unknown }
  | { readonly keeper: () => Keeper };

export function isBid(event: NexmarkEvent): event is Bid {
  return event.kind === "bid";
}

export const queries: Readonly<Record<QueryName, Query>> = {
  q0: {
    project: ({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra }),
  },
  q2: {
    keeps: ({ auction }) => auction % 123 === 0,
    project: ({ auction, price }) => ({ auction, price }),
  },
  q17: { keeper: () => new DailyStatistics() },
  q5: { keeper: () => new HotItems() },
};

/** A query as a loop over batches: what a worker without a library does. */
export class BatchLoop {
  private readonly query: Query;
  private readonly keeper: Keeper | undefined;
  private readonly emit: Emit;

  constructor(query: Query, emit: Emit) {
    this.query = query;
    this.keeper = "keeper" in query ? query.keeper() : undefined;
    this.emit = emit;
  }

  batch(events: readonly NexmarkEvent[]): void {
    const { emit, keeper, query } = this;
    for (const event of events) {
      if (!isBid(event)) continue;
      if (keeper !== undefined) keeper.add(event, emit);
      else if ("project" in query && query.keeps?.(event) !== false) emit(query.project(event));
    }
  }

  end(): void {
    this.keeper?.end(this.emit);
  }
}
