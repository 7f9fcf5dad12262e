// @hot ~1 us to register or to fire among a million of as many keys; guarded by test/time/timers.test.ts
/**
 * Timers in order of time, one per (key, time): a binary heap over timer ids, an index that finds a timer by
 * key and time, and everything in typed arrays, so that a million timers are a handful of objects.
 *
 * Keys are numbers here (see timers.ts). Timers of equal time fire in the order they were registered: `order`
 * grows with every registration, is part of a checkpoint, and tells a frozen part and a delta what is new.
 *
 * Invariants
 * - `heapTime[p]` is `time[heap[p]]`; `place[id]` is p for a live timer, below 0 for a free id.
 * - `onRemove` is called before a timer goes, with its arrays still telling what it was.
 */
import { fmix32 } from "../base/hash.js";
import { hashDouble } from "../state/key.js";

const FIRST_TIMERS = 64;
const GOLDEN = 0x9e3779b1;

export class TimerQueue {
  /** By timer id. */
  time = new Float64Array(FIRST_TIMERS);
  order = new Float64Array(FIRST_TIMERS);
  key = new Int32Array(FIRST_TIMERS);
  /** Live timers; ids are below `used`. */
  size = 0;
  used = 0;
  /** The order of the next timer. */
  nextOrder = 0;
  /** Told of every timer that goes, where somebody keeps books of them. */
  onRemove: ((id: number) => void) | undefined;
  private place = new Int32Array(FIRST_TIMERS);
  private heap = new Int32Array(FIRST_TIMERS);
  private heapTime = new Float64Array(FIRST_TIMERS);
  /** Open addressing with linear probing, at most half full: id + 1, or 0. */
  private index = new Int32Array(FIRST_TIMERS * 2);
  private mask = FIRST_TIMERS * 2 - 1;
  private firstFree = -1;

  /** The time of the earliest timer; NaN, which no comparison holds for, when there is none. */
  next(): number {
    return this.size === 0 ? Number.NaN : this.heapTime[0]!;
  }

  /** The id of the earliest timer. */
  first(): number {
    return this.heap[0]!;
  }

  isLive(id: number): boolean {
    return this.place[id]! >= 0;
  }

  /** The id of a timer, or -1. */
  find(key: number, time: number): number {
    let at = this.home(key, time);
    for (;;) {
      const id = this.index[at]! - 1;
      if (id < 0 || (this.time[id] === time && this.key[id] === key)) return id;
      at = (at + 1) & this.mask;
    }
  }

  /** Adds a timer that is not there yet. */
  add(key: number, time: number, order: number): void {
    let id = this.firstFree;
    if (id >= 0) this.firstFree = -2 - this.place[id]!;
    else {
      id = this.used++;
      if (id === this.time.length) this.grow();
    }
    this.time[id] = time;
    this.key[id] = key;
    this.order[id] = order;
    if (order >= this.nextOrder) this.nextOrder = order + 1;
    this.enter(id);
    this.rise(this.size++, id, time);
  }

  /** Removes a live timer. */
  remove(id: number): void {
    this.onRemove?.(id);
    this.leave(id);
    const hole = this.place[id]!;
    this.place[id] = -2 - this.firstFree;
    this.firstFree = id;
    const last = this.heap[--this.size]!;
    if (last === id) return;
    const time = this.time[last]!;
    if (hole > 0 && this.isBefore(last, time, (hole - 1) >> 1)) this.rise(hole, last, time);
    else this.sink(hole, last, time);
  }

  private isBefore(id: number, time: number, position: number): boolean {
    const other = this.heapTime[position]!;
    return time < other || (time === other && this.order[id]! < this.order[this.heap[position]!]!);
  }

  /** Puts a timer at a position or above, moving what is later down. */
  private rise(from: number, id: number, time: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(id, time, parent)) break;
      this.put(at, this.heap[parent]!, this.heapTime[parent]!);
      at = parent;
    }
    this.put(at, id, time);
  }

  /** Puts a timer at a position or below, moving what is earlier up. */
  private sink(from: number, id: number, time: number): void {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      const right = child + 1;
      if (right < this.size && this.isBefore(this.heap[right]!, this.heapTime[right]!, child)) child = right;
      if (this.isBefore(id, time, child)) break;
      this.put(at, this.heap[child]!, this.heapTime[child]!);
      at = child;
    }
    this.put(at, id, time);
  }

  private put(position: number, id: number, time: number): void {
    this.heap[position] = id;
    this.heapTime[position] = time;
    this.place[id] = position;
  }

  private home(key: number, time: number): number {
    return fmix32(hashDouble(time) + Math.imul(key, GOLDEN)) & this.mask;
  }

  private enter(id: number): void {
    let at = this.home(this.key[id]!, this.time[id]!);
    while (this.index[at] !== 0) at = (at + 1) & this.mask;
    this.index[at] = id + 1;
  }

  /** Takes a timer out of the index and closes the gap, so that no probe ends too early. */
  private leave(id: number): void {
    const { index, mask } = this;
    let gap = this.home(this.key[id]!, this.time[id]!);
    while (index[gap] !== id + 1) gap = (gap + 1) & mask;
    for (let at = (gap + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const other = index[at]! - 1;
      const home = this.home(this.key[other]!, this.time[other]!);
      // It may move into the gap only if its home is not between the gap and where it is.
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      index[gap] = other + 1;
      gap = at;
    }
    index[gap] = 0;
  }

  private grow(): void {
    const room = this.time.length * 2;
    this.time = larger(this.time, new Float64Array(room));
    this.order = larger(this.order, new Float64Array(room));
    this.heapTime = larger(this.heapTime, new Float64Array(room));
    this.key = larger(this.key, new Int32Array(room));
    this.place = larger(this.place, new Int32Array(room));
    this.heap = larger(this.heap, new Int32Array(room));
    this.index = new Int32Array(room * 2);
    this.mask = room * 2 - 1;
    for (let i = 0; i < this.size; i++) this.enter(this.heap[i]!);
  }
}

function larger<A extends Float64Array | Int32Array>(old: A, made: A): A {
  made.set(old);
  return made;
}
