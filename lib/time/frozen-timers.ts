/**
 * What a checkpoint holds of a timer queue: a cursor over the timer ids. Nothing is copied: a timer that goes
 * before the cursor has come to it is written at that moment, and one that is newer than the freeze is known
 * by its order.
 */
import type { EntrySink } from "../state/contract.js";
import type { TimerQueue } from "./timer-queue.js";

/** A timer in a checkpoint; the entry's stamp is its time. */
export interface TimerEntry {
  readonly key: unknown;
  /** Tells which of two timers of the same key and time it was, and who fires first among equals. */
  readonly order: number;
  readonly processing: boolean;
  /** In a delta: it fired or was deleted. */
  readonly gone: boolean;
}

/** Timers that went since the last freeze and were in it. */
export class GoneTimers {
  readonly keys: unknown[] = [];
  readonly groups: number[] = [];
  readonly times: number[] = [];
  readonly orders: number[] = [];

  add(key: unknown, group: number, time: number, order: number): void {
    this.keys.push(key);
    this.groups.push(group);
    this.times.push(time);
    this.orders.push(order);
  }
}

export interface FrozenQueueOptions {
  readonly queue: TimerQueue;
  readonly processing: boolean;
  readonly sink: EntrySink;
  /** Timers of a lower order are in an earlier checkpoint. */
  readonly since: number;
  /** Of a delta: what went. */
  readonly gone: GoneTimers | undefined;
}

/** How many timers are looked at between two looks at the time. */
const STRIDE = 256;

export class FrozenQueue {
  private readonly options: FrozenQueueOptions;
  /** Ids from here on, with orders from `since` to before `until`, are not written yet. */
  private id = 0;
  private goneAt = 0;
  private readonly end: number;
  private readonly until: number;

  constructor(options: FrozenQueueOptions) {
    this.options = options;
    this.end = options.queue.used;
    this.until = options.queue.nextOrder;
  }

  /** A timer is about to go. */
  leaving(id: number): void {
    if (id >= this.id && this.isMine(id)) this.write(id);
  }

  pack(timeIsUp: () => boolean): boolean {
    while (this.id < this.end) {
      const stop = Math.min(this.id + STRIDE, this.end);
      for (; this.id < stop; this.id++) {
        if (this.options.queue.isLive(this.id) && this.isMine(this.id)) this.write(this.id);
      }
      if (timeIsUp()) return false;
    }
    const { gone, processing, sink } = this.options;
    if (gone === undefined) return true;
    while (this.goneAt < gone.times.length) {
      const stop = Math.min(this.goneAt + STRIDE, gone.times.length);
      for (let i = this.goneAt; i < stop; i++) {
        const entry: TimerEntry = { key: gone.keys[i], order: gone.orders[i]!, processing, gone: true };
        sink.entry(entry, gone.times[i]!, gone.groups[i]!);
      }
      this.goneAt = stop;
      if (timeIsUp()) return false;
    }
    return true;
  }

  private isMine(id: number): boolean {
    const order = this.options.queue.orderOf(id);
    return order >= this.options.since && order < this.until;
  }

  private write(id: number): void {
    const { queue, processing, sink } = this.options;
    const entry: TimerEntry = { key: queue.keyOf(id), order: queue.orderOf(id), processing, gone: false };
    sink.entry(entry, queue.timeOf(id), queue.groupOf(id));
  }
}
