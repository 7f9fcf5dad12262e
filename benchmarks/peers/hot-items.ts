import { SLIDE_MS, WINDOW_MS } from "../../fixtures/nexmark/queries.js";
import type { Bid } from "../../lib/index.js";
import type { Emit, Keeper } from "./queries.js";

type Slice = readonly [start: number, counts: Map<number, number>];

/**
 * The auctions with the most bids of each sliding window: q5. Counts are kept per slice of 2 s, a window is
 * five of them; events come in order, so the next slice ends the one before.
 */
export class HotItems implements Keeper {
  private readonly slices = new Map<number, Map<number, number>>();
  private current = Number.NaN;
  private counts = new Map<number, number>();

  add({ auction, dateTime }: Bid, emit: Emit): void {
    const slice = sliceOf(dateTime);
    if (slice !== this.current) this.open(slice, emit);
    this.counts.set(auction, (this.counts.get(auction) ?? 0) + 1);
  }

  end(emit: Emit): void {
    this.close(this.current + WINDOW_MS, emit);
  }

  part(bids: readonly Bid[]): Slice[] {
    const slices = new Map<number, Map<number, number>>();
    for (const { auction, dateTime } of bids) {
      const slice = sliceOf(dateTime);
      const counts = slices.get(slice) ?? new Map<number, number>();
      slices.set(slice, counts);
      counts.set(auction, (counts.get(auction) ?? 0) + 1);
    }
    return [...slices];
  }

  merge(part: Slice[], emit: Emit): void {
    for (const [slice, counts] of part) {
      if (slice !== this.current) this.open(slice, emit);
      for (const [auction, num] of counts) this.counts.set(auction, (this.counts.get(auction) ?? 0) + num);
    }
  }

  private open(slice: number, emit: Emit): void {
    this.close(slice, emit);
    this.current = slice;
    this.counts = new Map();
    this.slices.set(slice, this.counts);
  }

  /** Ends the windows up to `time`, none before the first event. */
  private close(time: number, emit: Emit): void {
    for (let end = this.current + SLIDE_MS; end <= time; end += SLIDE_MS)
      this.emitWindow(end - WINDOW_MS, emit);
  }

  private emitWindow(start: number, emit: Emit): void {
    const sums = new Map<number, number>();
    for (let slice = start; slice < start + WINDOW_MS; slice += SLIDE_MS) {
      for (const [auction, num] of this.slices.get(slice) ?? []) {
        sums.set(auction, (sums.get(auction) ?? 0) + num);
      }
    }
    let most = 0;
    for (const num of sums.values()) if (num > most) most = num;
    for (const [auction, num] of sums) if (num === most) emit({ auction, num });
    this.slices.delete(start);
  }
}

function sliceOf(dateTime: number): number {
  return dateTime - (dateTime % SLIDE_MS);
}
