import { join } from "node:path";
import { open, type RootDatabase, type Transaction } from "lmdb";
import { DIRTY_UNITS_MAX } from "../../base/limits.js";
import { GONE } from "../entry.js";
import { behind } from "./key-bytes.js";
import { encodeUnit, type Unit } from "./unit.js";

/** Address space, not memory or disk: growing a map while a snapshot reads it would not be possible. */
const MAP_BYTES = 2 ** 40;
/** Units written back together: a transaction costs as much as twenty of them. */
const FLUSH_UNITS = 512;

export interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * One LMDB environment of one subtask: a file that only this attempt knows. Never synced: after a crash state
 * comes from a checkpoint. Units that changed wait here and are written in one transaction.
 */
export class Environment {
  /** Counts flushes: what was read before may be out of date after the next one. */
  flushes = 0;
  private readonly db: RootDatabase<Buffer, Buffer>;
  private dirty: Unit[] = [];
  /** Rows of a checkpoint on their way in; removed where there is no value. */
  private loaded: { readonly key: Buffer; readonly value: Buffer | undefined }[] = [];

  constructor(directory: string) {
    this.db = open<Buffer, Buffer>({
      path: join(directory, "state.mdb"),
      noSubdir: true,
      keyEncoding: "binary",
      encoding: "binary",
      mapSize: MAP_BYTES,
      noSync: true,
      overlappingSync: false,
      noMemInit: true,
    });
  }

  get(key: Buffer, transaction?: Transaction): Buffer | undefined {
    if (this.loaded.length > 0) this.flush();
    return transaction === undefined ? this.db.get(key) : this.db.get(key, { transaction });
  }

  /** The first rows from `start` on that begin with a prefix, in the order of their keys. */
  page(start: Buffer, prefix: Buffer, limit: number): Row[] {
    return [...this.db.getRange({ start, end: behind(prefix), limit })];
  }

  last(prefix: Buffer): Row | undefined {
    const rows = this.db.getRange({ start: behind(prefix), end: prefix, reverse: true, limit: 2 });
    return [...rows].find(({ key }) => key.subarray(0, prefix.length).equals(prefix));
  }

  rows(prefix: Buffer, transaction: Transaction): Iterator<Row> {
    return this.db.getRange({ start: prefix, end: behind(prefix), transaction })[Symbol.iterator]();
  }

  count(prefix: Buffer): number {
    return this.db.getKeysCount({ start: prefix, end: behind(prefix) });
  }

  /** The unit changed. */
  changed(unit: Unit): void {
    if (unit.dirty) return;
    unit.dirty = true;
    this.dirty.push(unit);
  }

  /** Stores a row of a checkpoint, removes one without a value. */
  load(key: Buffer, value: Buffer | undefined): void {
    this.loaded.push({ key, value });
    if (this.loaded.length >= FLUSH_UNITS) this.flush();
  }

  /** Between turns: a hot key is written once for many changes. */
  rest(): void {
    if (this.dirty.length >= FLUSH_UNITS) this.flush();
  }

  /** Before a unit more may become dirty. */
  room(): void {
    if (this.dirty.length >= DIRTY_UNITS_MAX) this.flush();
  }

  flush(): void {
    const { db, dirty, loaded } = this;
    if (dirty.length + loaded.length === 0) return;
    db.transactionSync(() => {
      for (const { key, value } of loaded) {
        if (value === undefined) db.removeSync(key);
        else db.putSync(key, value);
      }
      for (const unit of dirty) this.write(unit);
    });
    this.dirty = [];
    this.loaded = [];
    this.flushes++;
  }

  /** What the environment holds now, whatever is written later; end it with `done()`. */
  snapshot(): Transaction {
    this.flush();
    this.db.resetReadTxn();
    return this.db.useReadTransaction();
  }

  async close(): Promise<void> {
    await this.db.close();
  }

  private write(unit: Unit): void {
    unit.dirty = false;
    if (unit.value === GONE) {
      if (!unit.stored) return;
      unit.owner.written(unit);
      this.db.removeSync(unit.dbKey);
      unit.stored = false;
    } else {
      unit.owner.check(unit);
      unit.owner.written(unit);
      this.db.putSync(unit.dbKey, encodeUnit(unit));
      unit.stored = true;
    }
  }
}
