// @hot
import type { KeyGroupRange, StateOptions } from "../contract.js";
import { GONE, isGone, ownKey, type ValueEntry } from "../entry.js";
import { canonicalKey } from "../key.js";
import type { KeyScope } from "../key-scope.js";
import type { ValueStore } from "../value-states.js";
import type { Cell } from "./cell.js";
import { HeapPart } from "./heap-part.js";
import { KeyTable } from "./key-table.js";

/** One cell per key: what value, reducing and aggregating state are made of. */
export class ValuePart extends HeapPart implements ValueStore {
  private readonly table: KeyTable<Cell>;
  /** Used again for every entry: a snapshot allocates nothing per cell. */
  private readonly entry: { key: unknown; value: unknown } = { key: undefined, value: undefined };

  constructor(
    name: string,
    kind: string,
    options: StateOptions,
    groups: KeyGroupRange,
    key: KeyScope,
    now: () => number,
  ) {
    super(name, kind, options, key, now);
    this.table = new KeyTable(groups, key);
  }

  /** The value of the key in hand, to be handed out; GONE where there is none. */
  read(): unknown {
    const cell = this.table.current();
    if (cell === undefined || cell.value === GONE) return GONE;
    if (cell.stamp !== 0 && this.expiry.expired(cell.stamp)) {
      this.expire(cell);
      return GONE;
    }
    if (cell.packed < this.ledger.frozen) this.ledger.hand(cell);
    if (this.expiry.onRead) {
      if (cell.mark !== this.ledger.epoch) this.ledger.touch(cell);
      cell.stamp = this.expiry.stamp();
    }
    return cell.value;
  }

  put(value: unknown): void {
    const cell = this.table.current();
    if (cell === undefined) {
      const { key, group } = this.key;
      this.table.put(this.ledger.born(ownKey(key), undefined, group, value, this.expiry.stamp()));
      return;
    }
    if (cell.mark !== this.ledger.epoch) this.ledger.touch(cell);
    cell.value = value;
    if (this.expiry.on) cell.stamp = this.expiry.stamp();
  }

  clear(): void {
    const cell = this.table.current();
    if (cell === undefined || cell.value === GONE) return;
    if (this.ledger.kill(cell)) this.table.drop();
  }

  load(entry: any, stamp: number, keyGroup: number): void {
    this.key.forget();
    const gone = isGone(entry);
    const canonical = canonicalKey(gone ? entry.gone : (entry as ValueEntry).key);
    const map = this.table.mapOf(keyGroup);
    const before = map.get(canonical);
    if (before !== undefined) {
      this.ledger.discard(before);
      map.delete(canonical);
    }
    if (gone || this.expiry.expired(stamp)) return;
    const { key, value } = entry as ValueEntry;
    const cell = this.ledger.loaded(key, undefined, keyGroup, value, this.expiry.loaded(stamp));
    map.set(canonical, cell);
    if (cell.stamp !== stamp) this.ledger.touch(cell);
  }

  cells(): Iterator<Cell> {
    return this.table.values();
  }

  remove(cell: Cell): void {
    this.table.mapOf(cell.group).delete(canonicalKey(cell.key));
    this.key.forget();
  }

  entryOf({ key, value }: Cell): ValueEntry {
    const { entry } = this;
    entry.key = key;
    entry.value = value;
    return entry;
  }

  goneOf({ key }: Cell): unknown {
    return { gone: key };
  }

  protected expire(cell: Cell): void {
    this.ledger.discard(cell);
    this.remove(cell);
  }
}
