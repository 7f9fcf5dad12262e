// @hot
import type { KeyGroupRange, MapDescriptor, MapState } from "../contract.js";
import { GONE, isGone, ownCanonical, ownKey, type PlacedEntry } from "../entry.js";
import { type CanonicalKey, canonicalKey } from "../key.js";
import type { KeyScope } from "../key-scope.js";
import type { Cell } from "./cell.js";
import { HeapPart } from "./heap-part.js";
import { KeyTable } from "./key-table.js";

/** A key's map: its cells, and how many of them have content. */
interface MapCells {
  readonly cells: Map<CanonicalKey, Cell>;
  live: number;
}

/** Map state: one cell per entry. */
export class HeapMap<K, V> extends HeapPart implements MapState<K, V> {
  private readonly table: KeyTable<MapCells>;
  /** Used again for every entry: a snapshot allocates nothing per cell. */
  private readonly entry = {
    key: undefined as unknown,
    at: undefined as unknown,
    value: undefined as unknown,
  };

  constructor(
    name: string,
    descriptor: MapDescriptor<K, V>,
    groups: KeyGroupRange,
    key: KeyScope,
    now: () => number,
  ) {
    super(name, "map", descriptor, key, now);
    this.table = new KeyTable(groups, key);
  }

  get(key: K): V | undefined {
    const cell = this.cellOf(key);
    return cell === undefined ? undefined : (this.hand(cell) as V);
  }

  has(key: K): boolean {
    return this.cellOf(key) !== undefined;
  }

  set(key: K, value: V): void {
    const canonical = canonicalKey(key);
    let held = this.table.current();
    if (held === undefined) {
      held = { cells: new Map(), live: 0 };
      this.table.put(held);
    }
    const cell = held.cells.get(canonical);
    if (cell === undefined) {
      const first = held.cells.values().next().value;
      const owner = first === undefined ? ownKey(this.key.key) : first.key;
      const fresh = this.ledger.born(owner, ownKey(key), this.key.group, value, this.expiry.stamp());
      held.cells.set(ownCanonical(canonical), fresh);
      held.live++;
      return;
    }
    if (cell.mark !== this.ledger.epoch) this.ledger.touch(cell);
    if (cell.value === GONE) held.live++;
    cell.value = value;
    if (this.expiry.on) cell.stamp = this.expiry.stamp();
  }

  delete(key: K): void {
    const cell = this.cellOf(key);
    if (cell !== undefined) this.kill(this.table.current()!, canonicalKey(key), cell);
  }

  *entries(): IterableIterator<[K, V]> {
    for (const cell of this.liveCells()) yield [cell.at as K, this.hand(cell) as V];
  }

  *keys(): IterableIterator<K> {
    for (const cell of this.liveCells()) yield cell.at as K;
  }

  *values(): IterableIterator<V> {
    for (const cell of this.liveCells()) yield this.hand(cell) as V;
  }

  get size(): number {
    if (!this.expiry.on) return this.table.current()?.live ?? 0;
    let size = 0;
    for (const _ of this.liveCells()) size++;
    return size;
  }

  clear(): void {
    const held = this.table.current();
    if (held === undefined) return;
    for (const [canonical, cell] of held.cells) if (cell.value !== GONE) this.kill(held, canonical, cell);
  }

  load(entry: any, stamp: number, keyGroup: number): void {
    this.key.forget();
    const owner = canonicalKey(isGone(entry) ? entry.gone : entry.key);
    const map = this.table.mapOf(keyGroup);
    let held = map.get(owner);
    const canonical = canonicalKey(entry.at);
    const before = held?.cells.get(canonical);
    if (held !== undefined && before !== undefined) {
      this.ledger.discard(before);
      held.cells.delete(canonical);
      held.live--;
    }
    if (isGone(entry) || this.expiry.expired(stamp)) {
      if (held?.cells.size === 0) map.delete(owner);
      return;
    }
    if (held === undefined) {
      held = { cells: new Map(), live: 0 };
      map.set(owner, held);
    }
    const { key, at, value } = entry as PlacedEntry;
    const cell = this.ledger.loaded(key, at, keyGroup, value, this.expiry.loaded(stamp));
    held.cells.set(canonical, cell);
    held.live++;
    if (cell.stamp !== stamp) this.ledger.touch(cell);
  }

  cells(): Iterator<Cell> {
    return new Cells(this.table.values());
  }

  remove(cell: Cell): void {
    const map = this.table.mapOf(cell.group);
    const owner = canonicalKey(cell.key);
    const held = map.get(owner)!;
    held.cells.delete(canonicalKey(cell.at));
    if (held.cells.size > 0) return;
    map.delete(owner);
    this.key.forget();
  }

  entryOf({ key, at, value }: Cell): PlacedEntry {
    const { entry } = this;
    entry.key = key;
    entry.at = at;
    entry.value = value;
    return entry;
  }

  goneOf({ key, at }: Cell): unknown {
    return { gone: key, at };
  }

  protected expire(cell: Cell): void {
    this.table.mapOf(cell.group).get(canonicalKey(cell.key))!.live--;
    this.ledger.discard(cell);
    this.remove(cell);
  }

  /** The entry's cell, if it has content. */
  private cellOf(key: K): Cell | undefined {
    const cell = this.table.current()?.cells.get(canonicalKey(key));
    return cell === undefined || !this.lives(cell) ? undefined : cell;
  }

  private lives(cell: Cell): boolean {
    if (cell.value === GONE) return false;
    if (cell.stamp === 0 || !this.expiry.expired(cell.stamp)) return true;
    this.expire(cell);
    return false;
  }

  private hand(cell: Cell): unknown {
    if (cell.packed < this.ledger.frozen) this.ledger.hand(cell);
    if (this.expiry.onRead) {
      if (cell.mark !== this.ledger.epoch) this.ledger.touch(cell);
      cell.stamp = this.expiry.stamp();
    }
    return cell.value;
  }

  private *liveCells(): Generator<Cell, void> {
    const held = this.table.current();
    if (held === undefined) return;
    for (const cell of held.cells.values()) if (this.lives(cell)) yield cell;
  }

  private kill(held: MapCells, canonical: CanonicalKey, cell: Cell): void {
    held.live--;
    if (!this.ledger.kill(cell)) return;
    held.cells.delete(canonical);
    if (held.cells.size === 0) this.table.drop();
  }
}

/** A generator that delegates to the maps' iterators takes three times as long. */
class Cells implements Iterator<Cell, undefined> {
  private readonly maps: Iterator<MapCells, undefined>;
  private inner: Iterator<Cell, undefined> | undefined;

  constructor(maps: Iterator<MapCells, undefined>) {
    this.maps = maps;
  }

  next(): IteratorResult<Cell, undefined> {
    for (;;) {
      const step = this.inner?.next();
      if (step !== undefined && step.done !== true) return step;
      const map = this.maps.next();
      if (map.done === true) return map;
      this.inner = map.value.cells.values();
    }
  }
}
