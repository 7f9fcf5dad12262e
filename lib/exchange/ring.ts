// @hot one call per frame; guarded by benchmarks/exchange
/** A single-writer single-reader ring of byte frames in shared memory; see ring-layout.ts. */
import { assert } from "../base/assert.js";
import { CREDIT_BYTES, FRAME_BYTES, FRAME_BYTES_MIN, RING_BYTES } from "../base/limits.js";
import type { Doorbell } from "./doorbell.js";
import {
  bytesBetween,
  CREDIT,
  FRAME_HEADER,
  FRAMES_AT,
  frameSpace,
  HEAD,
  MARK_AT,
  MARK_BYTES,
  MARK_LENGTH,
  MARK_TAIL,
  MARK_VERSION,
  SKIPPED,
  TAIL,
  WRAP,
} from "./ring-layout.js";

/** Views of the ring's memory, for whoever decodes a frame in place. */
export interface RingMemory {
  readonly bytes: Buffer;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
}

export function createRing(capacity: number = RING_BYTES): SharedArrayBuffer {
  assert(capacity >= 1024 && (capacity & (capacity - 1)) === 0, "a ring's capacity is a power of two");
  const memory = new SharedArrayBuffer(FRAMES_AT + capacity);
  new Int32Array(memory)[CREDIT] = Math.min(CREDIT_BYTES, creditMax(capacity));
  return memory;
}

/** A quarter is kept back: a batch that has begun goes on beyond the credit, so that a barrier can overtake it. */
function creditMax(capacity: number): number {
  return capacity - (capacity >> 2);
}

/** About how large frames should be: many fit the ring, and several the credit. */
function frameBytesFor(credit: number, capacity: number): number {
  const most = Math.min(FRAME_BYTES, capacity >> 4);
  return Math.max(Math.min(FRAME_BYTES_MIN, most), Math.min(credit >> 3, most));
}

export class RingWriter {
  private readonly i32: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly capacity: number;
  private readonly peer: Doorbell;
  private tail: number;
  private seenHead: number;
  private skipped: number;
  /** Bytes published since the reader was last rung. */
  private unrung = 0;

  constructor(memory: SharedArrayBuffer, peer: Doorbell) {
    this.i32 = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    this.capacity = memory.byteLength - FRAMES_AT;
    this.peer = peer;
    this.tail = Atomics.load(this.i32, TAIL);
    this.skipped = Atomics.load(this.i32, SKIPPED);
    this.seenHead = Atomics.load(this.i32, HEAD);
  }

  /** About how large frames should be now: the credit says. */
  get frameBytes(): number {
    return frameBytesFor(this.credit, this.capacity);
  }

  /** The largest that `frameBytes` ever is. */
  get frameBytesMax(): number {
    return frameBytesFor(this.capacity, this.capacity);
  }

  /** Bytes that may be in flight. */
  get credit(): number {
    return Math.min(Atomics.load(this.i32, CREDIT), creditMax(this.capacity));
  }

  /** Bytes published and not released yet. */
  get inFlightBytes(): number {
    this.seenHead = Atomics.load(this.i32, HEAD);
    return this.used;
  }

  /** Bytes in flight by the head last seen. */
  private get used(): number {
    return bytesBetween(this.seenHead, this.tail, this.skipped, this.capacity);
  }

  /**
   * Publishes a frame. False: no room or no credit now. An empty ring takes any frame that fits half of it, unless
   * the credit is 0. One frame of the credit is left for the batch that is open when there is no more.
   * Waking a reader costs as much as encoding fifty records, so a sleeping one is woken for several frames
   * together: the writer calls `ring()` when it stops writing for now.
   */
  tryWrite(kind: number, records: number, source: Uint8Array, length: number): boolean {
    return this.write(kind, records, source, length, this.credit);
  }

  /** As `tryWrite`, whatever the credit: false when there is no room. */
  tryWriteBeyond(kind: number, records: number, source: Uint8Array, length: number): boolean {
    return this.write(kind, records, source, length, Number.POSITIVE_INFINITY);
  }

  /** Whether a sender that ran out of credit may go on: not for a few bytes only. */
  get hasCredit(): boolean {
    const { credit } = this;
    if (credit === 0) return false;
    return this.inFlightBytes === 0 || this.hasRoom(2 * frameBytesFor(credit, this.capacity), 0, credit);
  }

  /** Sets the ring's mark behind everything published so far; the reader sees it before it sees all that. */
  mark(content: Uint8Array): void {
    assert(content.length <= MARK_BYTES, "a mark fits its place");
    Atomics.add(this.i32, MARK_VERSION, 1);
    this.bytes.set(content, MARK_AT);
    Atomics.store(this.i32, MARK_LENGTH, content.length);
    Atomics.store(this.i32, MARK_TAIL, this.tail);
    Atomics.add(this.i32, MARK_VERSION, 1);
    this.unrung = 0;
    this.peer.ring();
  }

  private write(kind: number, records: number, source: Uint8Array, length: number, credit: number): boolean {
    const space = frameSpace(length);
    assert(space <= this.capacity >> 1, "a frame fits half the ring");
    const offset = this.tail & (this.capacity - 1);
    const untilEnd = this.capacity - offset;
    const skipped = space > untilEnd || this.mayTurn(offset, space, credit) ? untilEnd : 0;
    if (!this.fits(space, skipped, credit)) {
      this.ring();
      return false;
    }
    if (skipped > 0) {
      this.i32[(FRAMES_AT + offset) >> 2] = WRAP;
      this.skip(skipped);
    } else if (space === untilEnd) this.skip(0);
    const at = FRAMES_AT + (skipped > 0 ? 0 : offset);
    this.i32[at >> 2] = kind;
    this.i32[(at >> 2) + 1] = length;
    this.i32[(at >> 2) + 2] = records;
    this.bytes.set(length === source.length ? source : source.subarray(0, length), at + FRAME_HEADER);
    this.tail = (this.tail + space + skipped) | 0;
    Atomics.store(this.i32, TAIL, this.tail);
    this.unrung += space;
    if (this.unrung >= this.capacity >> 2) this.ring();
    return true;
  }

  /** Wakes the reader if it sleeps and there is something new for it. */
  ring(): void {
    if (this.unrung === 0) return;
    this.unrung = 0;
    this.peer.ring();
  }

  private skip(bytes: number): void {
    this.skipped = bytes;
    Atomics.store(this.i32, SKIPPED, bytes);
  }

  /**
   * Whether the next frame may lie at the begin although there is room up to the end: when all that the credit allows,
   * and what is kept back, fits in front of the oldest frame.
   */
  private mayTurn(offset: number, space: number, credit: number): boolean {
    const { taken } = this;
    return offset - taken >= Math.max(space, credit - taken) + (this.capacity >> 2);
  }

  /** `credit` of infinity: only room is asked for. */
  private fits(space: number, skipped: number, credit: number): boolean {
    if (credit === Number.POSITIVE_INFINITY) {
      if (this.taken + space + skipped > this.capacity) this.seenHead = Atomics.load(this.i32, HEAD);
      return this.taken + space + skipped <= this.capacity;
    }
    const wanted = space + frameBytesFor(credit, this.capacity);
    if (this.hasRoom(wanted, skipped, credit)) return true;
    return (this.inFlightBytes === 0 && credit > 0) || this.hasRoom(wanted, skipped, credit);
  }

  /** Memory that is not free by the head last seen. */
  private get taken(): number {
    return (this.tail - this.seenHead) | 0;
  }

  /** Whether so many bytes more are within the credit, and leave what is kept back. */
  private hasRoom(wanted: number, skipped: number, credit: number): boolean {
    return this.used + wanted <= credit && this.taken + wanted + skipped <= creditMax(this.capacity);
  }
}

export class RingReader {
  /** The oldest frame, after `peek()` answered true. */
  kind = 0;
  records = 0;
  offset = 0;
  length = 0;
  readonly memory: RingMemory;
  private readonly i32: Int32Array;
  private readonly capacity: number;
  private readonly peer: Doorbell;
  private head: number;
  private seenTail: number;
  private seenMark = 0;
  private markTail = 0;

  constructor(memory: SharedArrayBuffer, peer: Doorbell) {
    this.i32 = new Int32Array(memory);
    this.memory = {
      bytes: Buffer.from(memory as unknown as ArrayBuffer),
      i32: this.i32,
      f64: new Float64Array(memory),
      i64: new BigInt64Array(memory),
    };
    this.capacity = memory.byteLength - FRAMES_AT;
    this.peer = peer;
    this.head = Atomics.load(this.i32, HEAD);
    this.seenTail = this.head;
  }

  /** What `setCredit` takes at most. */
  get creditMax(): number {
    return creditMax(this.capacity);
  }

  get credit(): number {
    return Atomics.load(this.i32, CREDIT);
  }

  /** Bytes published and not released yet. */
  get availableBytes(): number {
    this.seenTail = Atomics.load(this.i32, TAIL);
    return bytesBetween(this.head, this.seenTail, Atomics.load(this.i32, SKIPPED), this.capacity);
  }

  /** A mark that was not taken yet; undefined when there is none. One load while there is none. */
  takeMark(): Buffer | undefined {
    const version = Atomics.load(this.i32, MARK_VERSION);
    if (version === this.seenMark || (version & 1) === 1) return undefined;
    const tail = Atomics.load(this.i32, MARK_TAIL);
    const length = Atomics.load(this.i32, MARK_LENGTH);
    const content = Buffer.from(this.memory.bytes.subarray(MARK_AT, MARK_AT + length));
    // It was replaced while it was read: the next look finds the new one.
    if (Atomics.load(this.i32, MARK_VERSION) !== version) return undefined;
    this.seenMark = version;
    this.markTail = tail;
    return content;
  }

  /** Bytes in front of the mark last taken that were not released yet. */
  get bytesBeforeMark(): number {
    return Math.max(0, (this.markTail - this.head) | 0);
  }

  /** Looks at the oldest frame without taking it. */
  peek(): boolean {
    if (this.head === this.seenTail && this.availableBytes === 0) return false;
    let at = FRAMES_AT + (this.head & (this.capacity - 1));
    if (this.i32[at >> 2] === WRAP) {
      this.head = (this.head + this.capacity - (this.head & (this.capacity - 1))) | 0;
      at = FRAMES_AT;
    }
    this.kind = this.i32[at >> 2]!;
    this.length = this.i32[(at >> 2) + 1]!;
    this.records = this.i32[(at >> 2) + 2]!;
    this.offset = at + FRAME_HEADER;
    return true;
  }

  /** Gives the frame's memory back to the writer. */
  release(): void {
    this.head = (this.head + frameSpace(this.length)) | 0;
    Atomics.store(this.i32, HEAD, this.head);
    this.peer.ring();
  }

  /** How many bytes the writer may have in flight; 0: nothing but the batch that it has begun. */
  setCredit(bytes: number): void {
    if (bytes === this.credit) return;
    Atomics.store(this.i32, CREDIT, bytes);
    this.peer.ring();
  }
}
