/**
 * What one reader fetches before it is asked for: ranges of its splits, in the order in which it will read them,
 * several at a time. So latency is waited for once, not for each range and object, and memory is bounded.
 *
 * A range is *planned* when its split is given to the reader, *held* from its request until it is taken. Ranges that
 * nobody planned are fetched when they are asked for.
 */
import type { FileContent } from "../../../formats/contract.js";

/** Bytes of one request: at 20 ms a request and 8 of them, 400 MB a second. */
const RANGE_BYTES = 1024 * 1024;
/** Ranges that are on their way or wait to be taken. */
const HELD_MAX = 8;
/** Behind what was planned: the rest of a line, as a rule. */
const BEHIND_BYTES = 64 * 1024;
/** Of an object's end, where formats with a footer begin. It is kept for the next part of the same object. */
const TAIL_BYTES = 512 * 1024;

/** An object as it was when it was found. */
export interface ObjectPart {
  readonly id: string;
  readonly path: string;
  readonly size: number;
  readonly etag: string;
}

/** Bytes of an object from one position to another; fails when there are fewer. */
export type Fetch = (object: ObjectPart, begin: number, end: number) => Promise<Uint8Array>;

interface Range {
  readonly object: ObjectPart;
  readonly begin: number;
  readonly end: number;
  bytes: Promise<Uint8Array> | undefined;
}

export class ReadAhead {
  private readonly fetch: Fetch;
  private readonly rangeBytes: number;
  /** In order; those that are held come first. */
  private ranges: Range[] = [];
  private tail:
    | { readonly path: string; readonly begin: number; readonly bytes: Promise<Uint8Array> }
    | undefined;

  constructor(fetch: Fetch, rangeBytes = RANGE_BYTES) {
    this.fetch = fetch;
    this.rangeBytes = rangeBytes;
  }

  /** The part's bytes will be read, from `begin` to `end`, behind what was planned before. */
  plan(object: ObjectPart, begin: number, end: number): void {
    for (let at = begin; at < end; at += this.rangeBytes) {
      this.ranges.push({ object, begin: at, end: Math.min(at + this.rangeBytes, end), bytes: undefined });
    }
    this.hold();
  }

  contentOf(object: ObjectPart): FileContent {
    return {
      stream: (begin, likelyEnd) => this.stream(object, begin, likelyEnd),
      slice: (begin, end) => this.slice(object, begin, end),
    };
  }

  /** What is held is let go; requests that are on their way come to nothing. */
  close(): void {
    this.ranges = [];
  }

  private async *stream(object: ObjectPart, begin: number, likelyEnd: number): AsyncGenerator<Buffer> {
    try {
      for (let at = begin; at < object.size; ) {
        const bytes = await this.take(object, at, likelyEnd);
        at += bytes.length;
        yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      }
    } finally {
      this.ranges = this.ranges.filter((range) => range.object.id !== object.id);
      this.hold();
    }
  }

  private take(object: ObjectPart, begin: number, likelyEnd: number): Promise<Uint8Array> {
    const at = this.ranges.findIndex((range) => range.object.id === object.id && range.begin === begin);
    if (at >= 0) {
      const [range] = this.ranges.splice(at, 1);
      const bytes = range!.bytes ?? this.fetch(object, begin, range!.end);
      this.hold();
      return bytes;
    }
    const end = begin < likelyEnd ? Math.min(begin + this.rangeBytes, likelyEnd) : begin + BEHIND_BYTES;
    return this.fetch(object, begin, Math.min(end, object.size));
  }

  private async slice(object: ObjectPart, begin: number, end: number): Promise<Uint8Array> {
    const { path, size } = object;
    if (end === size && end - begin <= TAIL_BYTES && this.tail?.path !== path) {
      const from = Math.max(0, size - TAIL_BYTES);
      this.tail = { path, begin: from, bytes: this.fetch(object, from, size) };
      this.tail.bytes.catch(() => {
        this.tail = undefined;
      });
    }
    if (this.tail?.path !== path || begin < this.tail.begin) return this.fetch(object, begin, end);
    const { begin: from, bytes } = this.tail;
    return (await bytes).subarray(begin - from, end - from);
  }

  private hold(): void {
    for (const range of this.ranges.slice(0, HELD_MAX)) {
      if (range.bytes !== undefined) continue;
      range.bytes = this.fetch(range.object, range.begin, range.end);
      // Told to whoever takes it; a failure of what nobody takes is none.
      range.bytes.catch(() => undefined);
    }
  }
}
