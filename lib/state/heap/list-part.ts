// @hot appending touches the last chunk only
import { CHUNK_ELEMENTS } from "../../base/limits.js";
import type { KeyGroupRange, ListDescriptor, ListState } from "../contract.js";
import { type Chunk, GONE, isGone, latest, ownKey, type PlacedEntry, unexpired } from "../entry.js";
import { canonicalKey } from "../key.js";
import type { KeyScope } from "../key-scope.js";
import type { Cell } from "./cell.js";
import { HeapPart } from "./heap-part.js";
import { KeyTable } from "./key-table.js";

/** A key's list: chunks[i] has number i; the first `live` have content, the rest are gone. */
interface ListCells {
  readonly chunks: Cell[];
  live: number;
}

/** Stands for a chunk that expired before it was saved, or whose turn in loading comes later. */
const LONG_EXPIRED = 1;

/** List state: one cell per chunk. */
export class HeapList<T> extends HeapPart implements ListState<T> {
  private readonly table: KeyTable<ListCells>;

  constructor(
    name: string,
    descriptor: ListDescriptor<T>,
    groups: KeyGroupRange,
    key: KeyScope,
    now: () => number,
  ) {
    super(name, "list", descriptor, key, now);
    this.table = new KeyTable(groups, key);
  }

  get(): readonly T[] {
    const held = this.table.current();
    if (held === undefined || held.live === 0) return [];
    const { chunks, live } = held;
    for (let i = 0; i < live; i++) if (chunks[i]!.packed < this.ledger.frozen) this.ledger.hand(chunks[i]!);
    if (this.expiry.on) {
      const values = this.unexpired(held).values as T[];
      if (this.expiry.onRead) this.update(values);
      return values;
    }
    if (live === 1) return (chunks[0]!.value as Chunk).values as T[];
    const values: T[] = [];
    for (let i = 0; i < live; i++) {
      for (const each of (chunks[i]!.value as Chunk).values) values.push(each as T);
    }
    return values;
  }

  add(value: T): void {
    const held = this.held();
    const stamp = this.expiry.stamp();
    const tail = held.live > 0 ? held.chunks[held.live - 1]! : undefined;
    if (tail !== undefined && (tail.value as Chunk).values.length < CHUNK_ELEMENTS) {
      if (tail.mark !== this.ledger.epoch) this.ledger.touch(tail);
      const { values, stamps } = tail.value as Chunk;
      values.push(value);
      stamps?.push(stamp);
      if (stamp > tail.stamp) tail.stamp = stamp;
    } else {
      this.place(held, held.live, [value], this.expiry.on ? [stamp] : undefined);
    }
  }

  addAll(values: readonly T[]): void {
    for (const each of values) this.add(each);
  }

  update(values: readonly T[]): void {
    const stamps = this.expiry.on ? new Array<number>(values.length).fill(this.expiry.stamp()) : undefined;
    this.replace(this.held(), values, stamps);
  }

  clear(): void {
    const held = this.table.current();
    if (held !== undefined) this.shorten(held, 0);
  }

  load(entry: any, stamp: number, keyGroup: number): void {
    this.key.forget();
    const map = this.table.mapOf(keyGroup);
    const gone = isGone(entry);
    const key = gone ? entry.gone : (entry as PlacedEntry).key;
    const canonical = canonicalKey(key);
    const at = entry.at as number;
    let held = map.get(canonical);
    if (held === undefined) {
      held = { chunks: [], live: 0 };
      map.set(canonical, held);
    }
    const { chunks } = held;
    const blank = (i: number) => {
      if (chunks[i] !== undefined) this.ledger.discard(chunks[i]);
      const chunk: Chunk = { values: [], stamps: this.expiry.on ? [] : undefined };
      chunks[i] = this.ledger.loaded(key, i, keyGroup, chunk, LONG_EXPIRED);
    };
    for (let i = chunks.length; i < at; i++) blank(i);
    blank(at);
    if (!gone && !this.expiry.expired(stamp)) {
      const { value, stamps } = entry as PlacedEntry;
      const values = value as unknown[];
      const own = this.expiry.on ? (stamps ?? values.map(() => this.expiry.loaded(0))) : undefined;
      const chunk: Chunk = { values: Array.from(values), stamps: own && Array.from(own) };
      const cell = this.ledger.loaded(key, at, keyGroup, chunk, this.expiry.loaded(stamp));
      chunks[at] = cell;
      if (cell.stamp !== stamp) this.ledger.touch(cell);
    }
    while (chunks.at(-1)?.stamp === LONG_EXPIRED) chunks.pop();
    held.live = chunks.length;
    if (chunks.length === 0) map.delete(canonical);
  }

  *cells(): Generator<Cell, void> {
    for (const { chunks } of this.table.values()) yield* chunks;
  }

  remove(cell: Cell): void {
    const map = this.table.mapOf(cell.group);
    const owner = canonicalKey(cell.key);
    const held = map.get(owner);
    if (held === undefined) return;
    const { chunks } = held;
    for (let last = chunks.at(-1); last?.value === GONE && last.mark !== this.ledger.epoch; ) {
      chunks.pop();
      last = chunks.at(-1);
    }
    if (chunks.length > 0) return;
    map.delete(owner);
    this.key.forget();
  }

  entryOf({ key, at, value }: Cell): PlacedEntry {
    const { values, stamps } = value as Chunk;
    return stamps === undefined ? { key, at, value: values } : { key, at, value: values, stamps };
  }

  goneOf({ key, at }: Cell): unknown {
    return { gone: key, at };
  }

  /**
   * Expired chunks stay until the last one has expired, or half of them: the list is written anew then, which
   * costs no more than its elements did.
   */
  protected expire(cell: Cell): void {
    const map = this.table.mapOf(cell.group);
    const owner = canonicalKey(cell.key);
    const held = map.get(owner)!;
    if (cell.at !== held.live - 1 && cell.at !== held.live >> 1) return;
    const { values, stamps } = this.unexpired(held);
    this.key.forget();
    if (values.length > 0) this.replace(held, values, stamps);
    else {
      for (const each of held.chunks) this.ledger.discard(each);
      map.delete(owner);
    }
  }

  private held(): ListCells {
    let held = this.table.current();
    if (held === undefined) {
      held = { chunks: [], live: 0 };
      this.table.put(held);
    }
    return held;
  }

  private unexpired({ chunks, live }: ListCells): { values: unknown[]; stamps: number[] } {
    return unexpired(
      chunks.slice(0, live).map(({ value }) => value as Chunk),
      this.expiry,
    );
  }

  private replace(held: ListCells, values: readonly unknown[], stamps: readonly number[] | undefined): void {
    let i = 0;
    for (let from = 0; from < values.length; from += CHUNK_ELEMENTS) {
      const to = from + CHUNK_ELEMENTS;
      this.place(held, i++, values.slice(from, to), stamps?.slice(from, to));
    }
    this.shorten(held, i);
  }

  /** Gives chunk i a content; the chunks before it have one. */
  private place(held: ListCells, i: number, values: unknown[], stamps: number[] | undefined): void {
    const chunk: Chunk = { values, stamps };
    const stamp = latest(stamps);
    const cell = held.chunks[i];
    if (cell === undefined) {
      const first = held.chunks[0];
      const key = first === undefined ? ownKey(this.key.key) : first.key;
      held.chunks.push(this.ledger.born(key, i, first?.group ?? this.key.group, chunk, stamp));
    } else {
      if (cell.mark !== this.ledger.epoch) this.ledger.touch(cell);
      cell.value = chunk;
      cell.stamp = stamp;
    }
    if (i >= held.live) held.live = i + 1;
  }

  /** Chunks from `live` on are gone. Those nobody has heard of are always the last. */
  private shorten(held: ListCells, live: number): void {
    const { chunks } = held;
    for (let i = held.live - 1; i >= live; i--) if (this.ledger.kill(chunks[i]!)) chunks.pop();
    held.live = Math.min(held.live, live);
    if (chunks.length === 0) this.table.drop();
  }
}
