// @hot
import type { StateOptions } from "./contract.js";

/** Time to live of one state: stamps are the wall ms at which something is gone, 0 for never. */
export class Expiry {
  /** Whether anything expires. */
  readonly on: boolean;
  /** Whether reading makes the time begin anew. */
  readonly onRead: boolean;
  private readonly ttlMs: number;
  private readonly now: () => number;

  constructor({ ttlMs, ttlRefresh }: StateOptions, now: () => number) {
    this.ttlMs = ttlMs ?? 0;
    this.on = this.ttlMs > 0;
    this.onRead = this.on && ttlRefresh === "read-write";
    this.now = now;
  }

  /** The stamp of what is written now. */
  stamp(): number {
    return this.on ? this.now() + this.ttlMs : 0;
  }

  /** Of a loaded stamp: what was saved without a time to live begins to live now, and the other way round. */
  loaded(stamp: number): number {
    return stamp === 0 || !this.on ? this.stamp() : stamp;
  }

  expired(stamp: number): boolean {
    return stamp !== 0 && stamp <= this.now();
  }
}
