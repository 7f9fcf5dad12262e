import type { Transaction } from "lmdb";
import { CHANGES_MAX, LIVE_UNITS_MAX } from "../../base/limits.js";
import { checkCarriable } from "../../codec/infer-type.js";
import type {
  BackendContext,
  EntrySink,
  FrozenPart,
  KeyGroupRange,
  StateOptions,
  StatePart,
  StateSchema,
} from "../contract.js";
import { GONE, isGone, ownKey } from "../entry.js";
import { Expiry } from "../expiry.js";
import { type CanonicalKey, canonicalKey } from "../key.js";
import type { KeyScope } from "../key-scope.js";
import { schemaOf } from "../schema.js";
import type { Environment } from "./environment.js";
import { Generations } from "./generations.js";
import { groupPrefix, keyPrefix } from "./key-bytes.js";
import { type Change, LmdbPacking } from "./packing.js";
import { decodeUnit, encodeUnit, type StoredUnit, stampOf, Unit, type UnitOwner } from "./unit.js";

/** Rows looked at per turn for expiry. */
const EXPIRY_STRIDE = 16;

/** One state in an environment: its cache, what changed since the last freeze, its time to live. */
export abstract class LmdbPart<I extends CanonicalKey> implements StatePart, UnitOwner {
  readonly name: string;
  readonly scope = "keyed";
  readonly schema: StateSchema;
  protected readonly environment: Environment;
  protected readonly key: KeyScope;
  protected readonly expiry: Expiry;
  protected readonly cache: Generations<I, Unit>;
  /** The number of the state in keys. */
  private readonly number: number;
  private readonly groups: KeyGroupRange;
  private readonly where: string;
  private changes = new Map<string, Change>();
  private based = false;
  /** The freeze that is being packed, and the last one, packed or not. */
  private packing: LmdbPacking | undefined;
  private last: LmdbPacking | undefined;
  private sweepGroup: number;
  private sweepFrom: Buffer | undefined;
  private prefixSerial = -1;
  private prefixNow: Buffer = Buffer.alloc(0);

  constructor(
    name: string,
    kind: string,
    options: StateOptions,
    number: number,
    context: BackendContext,
    environment: Environment,
    key: KeyScope,
  ) {
    this.name = name;
    this.schema = schemaOf(kind, options);
    this.number = number;
    this.groups = context.groups;
    this.where = `${context.operator} (state ${name})`;
    this.environment = environment;
    this.key = key;
    this.expiry = new Expiry(options, () => context.now());
    this.cache = new Generations(LIVE_UNITS_MAX, () => {
      environment.flush();
      key.forget();
    });
    this.sweepGroup = context.groups.first;
  }

  freeze(wanted: "full" | "delta", sink: EntrySink): FrozenPart {
    this.packing?.pack(() => false);
    const transaction = this.environment.snapshot();
    const { changes } = this;
    this.changes = new Map();
    const full = wanted === "full" || !this.based;
    this.based = true;
    const packing = new LmdbPacking({
      full,
      ended: () => {
        transaction.done();
        this.packing = undefined;
      },
      givenUp: () => this.giveUp(packing),
      steps: full ? this.allUnits(transaction, sink) : this.changedUnits(changes, transaction, sink),
    });
    this.packing = packing;
    this.last = packing;
    return packing;
  }

  load(entry: any, stamp: number, keyGroup: number): void {
    this.based = true;
    this.key.forget();
    this.cache.clear();
    const gone = isGone(entry);
    const key = gone ? entry.gone : entry.key;
    const prefix = keyPrefix(keyGroup, this.number, canonicalKey(key));
    const dbKey = Buffer.concat([prefix, this.below(entry.at)]);
    if (gone || this.expiry.expired(stamp)) {
      this.environment.load(dbKey, undefined);
      return;
    }
    const own = this.expiry.loaded(stamp);
    const stored = { key, at: entry.at, value: this.contentOf(entry), stamp: own };
    this.environment.load(dbKey, encodeUnit(stored));
    if (own !== stamp) this.note({ dbKey, key, at: entry.at, group: keyGroup, existed: true });
  }

  /** Looks at some more rows for expiry. Those still to be written are looked at afterwards. */
  rest(): void {
    if (!this.expiry.on) return;
    const prefix = groupPrefix(this.sweepGroup, this.number);
    const rows = this.environment.page(this.sweepFrom ?? prefix, prefix, EXPIRY_STRIDE);
    for (const { key, value } of rows) {
      if (this.expiry.expired(stampOf(value))) this.expireStored(key, decodeUnit(value), this.sweepGroup);
    }
    if (rows.length === EXPIRY_STRIDE) {
      this.sweepFrom = Buffer.concat([rows.at(-1)!.key, Buffer.of(0)]);
    } else {
      this.sweepFrom = undefined;
      this.sweepGroup = this.sweepGroup === this.groups.last ? this.groups.first : this.sweepGroup + 1;
    }
  }

  close(): void {
    this.packing?.release();
  }

  check({ value }: Unit): void {
    checkCarriable(value, this.where, "state");
  }

  written({ dbKey, key, at, group, stored }: Unit): void {
    if (this.based) this.note({ dbKey, key, at, group, existed: stored });
  }

  /** Bytes of a unit's key below its key. */
  protected abstract below(at: unknown): Buffer;
  /** How the cache knows a unit. */
  protected abstract idOf(key: CanonicalKey, at: unknown): I;
  /** What is stored of a loaded entry. */
  protected abstract contentOf(entry: any): unknown;
  /** What a snapshot says of a stored unit. */
  protected abstract entryOf(stored: StoredUnit): unknown;
  protected abstract goneOf(key: unknown, at: unknown): unknown;

  /** What all keys of the key in hand begin with. */
  protected prefix(): Buffer {
    const { key } = this;
    if (this.prefixSerial !== key.serial) {
      this.prefixSerial = key.serial;
      this.prefixNow = keyPrefix(key.group, this.number, key.canonical);
    }
    return this.prefixNow;
  }

  /** The unit of the key in hand, from cache or environment. */
  protected unit(id: I, at: unknown): Unit {
    const cached = this.cache.get(id);
    if (cached !== undefined) return cached;
    const dbKey = Buffer.concat([this.prefix(), this.below(at)]);
    const bytes = this.environment.get(dbKey);
    const unit =
      bytes === undefined
        ? new Unit(this, dbKey, ownKey(this.key.key), ownKey(at), this.key.group)
        : this.unitOf(dbKey, decodeUnit(bytes), this.key.group);
    this.cache.set(id, unit);
    return unit;
  }

  protected unitOf(dbKey: Buffer, { key, at, value, stamp }: StoredUnit, group: number): Unit {
    const unit = new Unit(this, dbKey, key, at, group);
    unit.value = value;
    unit.stamp = stamp;
    unit.stored = true;
    return unit;
  }

  /** Whether a unit has content now. */
  protected lives(unit: Unit): boolean {
    if (unit.value === GONE) return false;
    if (unit.stamp === 0 || !this.expiry.expired(unit.stamp)) return true;
    this.remove(unit);
    return false;
  }

  protected write(unit: Unit, value: unknown, stamp = this.expiry.stamp()): void {
    this.environment.room();
    unit.value = value;
    unit.stamp = stamp;
    this.environment.changed(unit);
  }

  protected remove(unit: Unit): void {
    if (unit.value !== GONE) this.write(unit, GONE, 0);
  }

  /** A stored unit has expired; what the cache has of it may be newer. */
  protected expireStored(dbKey: Buffer, stored: StoredUnit, group: number): void {
    const id = this.idOf(canonicalKey(stored.key), stored.at);
    let unit = this.cache.get(id);
    if (unit === undefined) {
      unit = this.unitOf(dbKey, stored, group);
      this.cache.set(id, unit);
    }
    this.lives(unit);
  }

  private note(change: Change): void {
    const id = change.dbKey.toString("latin1");
    if (this.changes.has(id)) return;
    this.changes.set(id, change);
    if (this.changes.size < CHANGES_MAX) return;
    this.changes.clear();
    this.based = false;
  }

  private *allUnits(transaction: Transaction, sink: EntrySink): Generator<void, void> {
    for (let group = this.groups.first; group <= this.groups.last; group++) {
      const rows = this.environment.rows(groupPrefix(group, this.number), transaction);
      for (let row = rows.next(); row.done !== true; row = rows.next()) {
        const { value } = row.value;
        yield this.packStored(value, group, sink);
      }
    }
  }

  private *changedUnits(
    changes: ReadonlyMap<string, Change>,
    transaction: Transaction,
    sink: EntrySink,
  ): Generator<void, void> {
    for (const { dbKey, key, at, group, existed } of changes.values()) {
      const bytes = this.environment.get(dbKey, transaction);
      if (bytes !== undefined) yield this.packStored(bytes, group, sink);
      else if (existed) yield sink.entry(this.goneOf(key, at), 0, group);
    }
  }

  private packStored(bytes: Buffer, group: number, sink: EntrySink): void {
    const stamp = stampOf(bytes);
    if (!this.expiry.expired(stamp)) sink.entry(this.entryOf(decodeUnit(bytes)), stamp, group);
  }

  /** If it was the last freeze, the next one has nothing to build on. */
  private giveUp(packing: LmdbPacking): void {
    if (this.last !== packing) return;
    this.based = false;
    this.changes.clear();
  }
}
