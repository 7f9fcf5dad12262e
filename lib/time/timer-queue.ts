// @hot below 1 us to register and to fire among a million of as many keys; guarded by benchmarks/timers
/**
 * Timers in order of time, one per (key, time): a heap, an index that finds a timer by key and time, and the timers'
 * own fields, in typed arrays, so that a million timers are a handful of objects. What is touched together lies
 * together: among a million timers every place that is not in the cache costs as much as a dozen comparisons.
 *
 * Timers of equal time fire in the order they were registered: `order` grows with every registration, is part of a
 * checkpoint, and tells a frozen part and a delta what is new.
 *
 * Invariants
 * - The heap has four children a node, with time and order beside the id: sifting looks at nothing else.
 * - A removed timer leaves the index at once, and the heap when it comes to the top or when the dead outnumber the
 *   living. The top is never dead. An id is given again only when it is in neither.
 * - `onRemove` is called before a timer goes, with its fields still telling what it was.
 */
import { fmix32 } from "../base/hash.js";
import { type CanonicalKey, hashDouble, hashKey } from "../state/key.js";
import { TimerIndex } from "./timer-index.js";

const FIRST_TIMERS = 64;
const GOLDEN = 0x9e3779b1;
/** Doubles of a timer's fields: time, order, then as integers its hash, its key group and whether it is live. */
const FIELDS = 4;
const INTS = FIELDS * 2;
const HASH = 4;
const GROUP = 5;
const LIVE = 6;
/** Dead timers that may stay in the heap however few are live. */
const DEAD_MIN = 64;

export class TimerQueue {
  /** Live timers; ids are below `used`. */
  size = 0;
  used = 0;
  /** The order of the next timer. */
  nextOrder = 0;
  /** Told of every timer that goes, where somebody keeps books of them. */
  onRemove: ((id: number) => void) | undefined;
  private readonly keys: unknown[] = [];
  private readonly canonicals: CanonicalKey[] = [];
  private fields = new Float64Array(FIRST_TIMERS * FIELDS);
  private ints = new Int32Array(this.fields.buffer);
  private readonly free: number[] = [];
  private readonly index = new TimerIndex(FIRST_TIMERS);
  private heapTime = new Float64Array(FIRST_TIMERS);
  private heapOrder = new Float64Array(FIRST_TIMERS);
  private heapId = new Int32Array(FIRST_TIMERS);
  /** Timers in the heap, dead ones among them. */
  private heaped = 0;

  /** The time of the earliest timer; NaN, which no comparison holds for, when there is none. */
  next(): number {
    return this.heaped === 0 ? Number.NaN : this.heapTime[0]!;
  }

  /** The id of the earliest timer. */
  first(): number {
    return this.heapId[0]!;
  }

  isLive(id: number): boolean {
    return this.ints[id * INTS + LIVE] === 1;
  }

  timeOf(id: number): number {
    return this.fields[id * FIELDS]!;
  }

  orderOf(id: number): number {
    return this.fields[id * FIELDS + 1]!;
  }

  groupOf(id: number): number {
    return this.ints[id * INTS + GROUP]!;
  }

  keyOf(id: number): unknown {
    return this.keys[id];
  }

  canonicalOf(id: number): CanonicalKey {
    return this.canonicals[id];
  }

  /** What `find` and `add` want to know of a key and a time. */
  hashOf(canonical: CanonicalKey, time: number): number {
    return fmix32(hashDouble(time) + Math.imul(hashKey(canonical), GOLDEN));
  }

  /** The id of a timer, or -1. */
  find(canonical: CanonicalKey, time: number, hash: number): number {
    const { index } = this;
    for (let at = index.first(hash); ; at = index.after(at)) {
      const id = index.at(at, hash);
      if (id === TimerIndex.NONE) return -1;
      if (id === TimerIndex.OTHER || this.fields[id * FIELDS] !== time) continue;
      const known = this.canonicals[id];
      if (known === canonical || Object.is(known, canonical)) return id;
    }
  }

  /** Adds a timer that is not there yet. */
  add(key: unknown, canonical: CanonicalKey, group: number, time: number, hash: number, order: number): void {
    const { free } = this;
    const id = free.length > 0 ? free.pop()! : this.used++;
    if (id * FIELDS === this.fields.length) this.grow();
    this.fields[id * FIELDS] = time;
    this.fields[id * FIELDS + 1] = order;
    this.ints[id * INTS + HASH] = hash;
    this.ints[id * INTS + GROUP] = group;
    this.ints[id * INTS + LIVE] = 1;
    this.keys[id] = key;
    this.canonicals[id] = canonical;
    if (order >= this.nextOrder) this.nextOrder = order + 1;
    this.index.add(hash, id);
    this.size++;
    this.rise(this.heaped++, time, order, id);
  }

  /** Removes a live timer. */
  remove(id: number): void {
    this.onRemove?.(id);
    this.index.remove(this.ints[id * INTS + HASH]!, id);
    this.ints[id * INTS + LIVE] = 0;
    this.keys[id] = undefined;
    this.canonicals[id] = undefined;
    this.size--;
    while (this.heaped > 0 && this.ints[this.heapId[0]! * INTS + LIVE] === 0) this.dropFirst();
    if (this.heaped > 2 * this.size + DEAD_MIN) this.dropDead();
  }

  /** Puts a timer at a position or above, moving what is later down. */
  private rise(from: number, time: number, order: number, id: number): void {
    const { heapTime, heapOrder } = this;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const other = heapTime[parent]!;
      if (time > other || (time === other && order > heapOrder[parent]!)) break;
      this.move(parent, at);
      at = parent;
    }
    heapTime[at] = time;
    heapOrder[at] = order;
    this.heapId[at] = id;
  }

  /** Moves the earliest child up, again and again, until a place is empty that has none; answers that place. */
  private sinkHole(from: number): number {
    const { heapTime, heapOrder, heaped } = this;
    let hole = from;
    for (let child = 4 * hole + 1; child < heaped; child = 4 * hole + 1) {
      let best = child;
      let least = heapTime[child]!;
      const end = Math.min(child + 4, heaped);
      for (let other = child + 1; other < end; other++) {
        const time = heapTime[other]!;
        if (time < least || (time === least && heapOrder[other]! < heapOrder[best]!)) {
          best = other;
          least = time;
        }
      }
      this.move(best, hole);
      hole = best;
    }
    return hole;
  }

  /** The last one takes the place that the first leaves: it is late as a rule, so it rises from below. */
  private dropFirst(): void {
    this.free.push(this.heapId[0]!);
    const last = --this.heaped;
    if (last === 0) return;
    const time = this.heapTime[last]!;
    const order = this.heapOrder[last]!;
    const id = this.heapId[last]!;
    this.rise(this.sinkHole(0), time, order, id);
  }

  /** Puts the living together and makes a heap of them again. */
  private dropDead(): void {
    let living = 0;
    for (let at = 0; at < this.heaped; at++) {
      if (this.isLive(this.heapId[at]!)) this.move(at, living++);
      else this.free.push(this.heapId[at]!);
    }
    this.heaped = 0;
    // In place: each takes a position at or before its own.
    for (let at = 0; at < living; at++) {
      this.rise(this.heaped++, this.heapTime[at]!, this.heapOrder[at]!, this.heapId[at]!);
    }
  }

  private move(from: number, to: number): void {
    this.heapTime[to] = this.heapTime[from]!;
    this.heapOrder[to] = this.heapOrder[from]!;
    this.heapId[to] = this.heapId[from]!;
  }

  private grow(): void {
    const room = (this.fields.length / FIELDS) * 2;
    this.fields = larger(this.fields, new Float64Array(room * FIELDS));
    this.ints = new Int32Array(this.fields.buffer);
    this.heapTime = larger(this.heapTime, new Float64Array(room));
    this.heapOrder = larger(this.heapOrder, new Float64Array(room));
    this.heapId = larger(this.heapId, new Int32Array(room));
  }
}

function larger<A extends Float64Array | Int32Array>(old: A, made: A): A {
  made.set(old);
  return made;
}
