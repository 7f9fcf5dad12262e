import { join } from "node:path";
import { open, type RootDatabase, type Transaction } from "lmdb";
import { GONE } from "../entry.js";
import { behind } from "./key-bytes.js";
import type { Unit } from "./unit.js";

/** Address space, not memory or disk: growing a map while a snapshot reads it would not be possible. */
const MAP_BYTES = 2 ** 40;
/** Loaded rows written together: a transaction costs as much as twenty of them. */
const LOADED_ROWS = 512;

export interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * One LMDB environment of one subtask: a file that only this attempt knows. Never synced: after a crash state
 * comes from a checkpoint. Units that changed wait with their states and are written many in one transaction.
 */
export class Environment {
  /** Counts flushes: what was read before may be out of date after the next one. */
  flushes = 0;
  private readonly db: RootDatabase<Buffer, Buffer>;
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
    this.flush();
    return transaction === undefined ? this.db.get(key) : this.db.get(key, { transaction });
  }

  /** The first rows from `start` on that begin with a prefix, in the order of their keys. */
  page(start: Buffer, prefix: Buffer, limit: number): Row[] {
    this.flush();
    return [...this.db.getRange({ start, end: behind(prefix), limit })];
  }

  last(prefix: Buffer): Row | undefined {
    this.flush();
    const rows = this.db.getRange({ start: behind(prefix), end: prefix, reverse: true, limit: 2 });
    return [...rows].find(({ key }) => key.subarray(0, prefix.length).equals(prefix));
  }

  rows(prefix: Buffer, transaction: Transaction): Iterator<Row> {
    return this.db.getRange({ start: prefix, end: behind(prefix), transaction })[Symbol.iterator]();
  }

  count(prefix: Buffer): number {
    this.flush();
    return this.db.getKeysCount({ start: prefix, end: behind(prefix) });
  }

  /** Stores a row of a checkpoint, removes one without a value. */
  load(key: Buffer, value: Buffer | undefined): void {
    this.loaded.push({ key, value });
    if (this.loaded.length >= LOADED_ROWS) this.flush();
  }

  /** Writes units back, in one transaction. */
  store(units: readonly Unit[]): void {
    if (units.length === 0) return;
    this.flush();
    this.db.transactionSync(() => {
      for (const unit of units) this.write(unit);
    });
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

  /** Loaded rows. */
  private flush(): void {
    const { db, loaded } = this;
    if (loaded.length === 0) return;
    this.loaded = [];
    db.transactionSync(() => {
      for (const { key, value } of loaded) {
        if (value === undefined) db.removeSync(key);
        else db.putSync(key, value);
      }
    });
    this.flushes++;
  }

  private write(unit: Unit): void {
    const { owner } = unit;
    unit.dirty = false;
    unit.again = false;
    if (unit.value === GONE) {
      owner.written(unit);
      if (unit.stored) this.db.removeSync(owner.dbKeyOf(unit));
    } else {
      const bytes = owner.bytesOf(unit);
      owner.written(unit);
      this.db.putSync(owner.dbKeyOf(unit), bytes);
    }
    unit.stored = unit.value !== GONE;
    unit.saved = false;
  }
}
