import type { MapState } from "../contract.js";
import type { PlacedEntry } from "../entry.js";
import { type CanonicalKey, canonicalKey } from "../key.js";
import { keyBytes, keyText } from "./key-bytes.js";
import { LmdbPart } from "./lmdb-part.js";
import { decodeUnit, type StoredUnit, type Unit } from "./unit.js";

/** Entries read at once when a map is gone through. */
const PAGE = 256;

/** Map state: one unit per entry, in the order of their bytes. */
export class LmdbMap<K, V> extends LmdbPart<string> implements MapState<K, V> {
  get(key: K): V | undefined {
    const unit = this.unit(this.idOf(this.key.canonical, key), key);
    return this.lives(unit) ? (this.hand(unit) as V) : undefined;
  }

  has(key: K): boolean {
    return this.lives(this.unit(this.idOf(this.key.canonical, key), key));
  }

  set(key: K, value: V): void {
    this.write(this.unit(this.idOf(this.key.canonical, key), key), value);
  }

  delete(key: K): void {
    this.remove(this.unit(this.idOf(this.key.canonical, key), key));
  }

  *entries(): IterableIterator<[K, V]> {
    for (const unit of this.liveUnits()) yield [unit.at as K, this.hand(unit) as V];
  }

  *keys(): IterableIterator<K> {
    for (const unit of this.liveUnits()) yield unit.at as K;
  }

  *values(): IterableIterator<V> {
    for (const unit of this.liveUnits()) yield this.hand(unit) as V;
  }

  /** Counts: not for every record. */
  get size(): number {
    if (!this.expiry.on) {
      this.flush();
      return this.environment.count(this.prefix());
    }
    let size = 0;
    for (const _ of this.liveUnits()) size++;
    return size;
  }

  clear(): void {
    for (const unit of this.liveUnits()) this.remove(unit);
  }

  protected below(at: unknown): Buffer {
    return keyBytes(canonicalKey(at));
  }

  protected idOf(key: CanonicalKey, at: unknown): string {
    const text = keyText(key);
    return `${text.length} ${text}${keyText(canonicalKey(at))}`;
  }

  protected contentOf({ value }: PlacedEntry): unknown {
    return value;
  }

  protected entryOf({ key, at, value }: StoredUnit): unknown {
    return { key, at, value };
  }

  protected goneOf(key: unknown, at: unknown): unknown {
    return { gone: key, at };
  }

  private hand(unit: Unit): unknown {
    if (this.expiry.onRead) this.write(unit, unit.value);
    return unit.value;
  }

  /** Page by page, so that what changes on the way is seen and nothing is kept open. */
  private *liveUnits(): Generator<Unit, void> {
    const { group } = this.key;
    const prefix = this.prefix();
    let from = prefix;
    for (;;) {
      this.flush();
      const rows = this.environment.page(from, prefix, PAGE);
      const { flushes } = this.environment;
      for (const { key, value } of rows) {
        const bytes = this.environment.flushes === flushes ? value : this.environment.get(key);
        if (bytes === undefined) continue;
        const unit = this.liveOf(decodeUnit(bytes), group, bytes.length);
        if (this.lives(unit)) yield unit;
      }
      if (rows.length < PAGE) return;
      from = Buffer.concat([rows.at(-1)!.key, Buffer.of(0)]);
    }
  }
}
