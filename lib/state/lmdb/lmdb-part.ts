import type { Transaction } from "lmdb";
import { CHANGES_MAX, DIRTY_UNITS_MAX } from "../../base/limits.js";
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
import { GONE, isGone, ownCanonical, ownKey } from "../entry.js";
import { Expiry } from "../expiry.js";
import { type CanonicalKey, canonicalKey } from "../key.js";
import type { KeyScope } from "../key-scope.js";
import { schemaOf } from "../schema.js";
import { DirtyUnits } from "./dirty-units.js";
import type { Environment } from "./environment.js";
import { groupPrefix, keyPrefix } from "./key-bytes.js";
import { type Change, LmdbPacking } from "./packing.js";
import { decodeUnit, encodeUnit, type StoredUnit, Unit, type UnitOwner } from "./unit.js";
import { UnitCache } from "./unit-cache.js";

/** Rows looked at per turn for expiry. */
const EXPIRY_STRIDE = 16;
/** Units written back together: a transaction costs as much as twenty of them. */
const WRITE_BACK = 1024;

/** What a freeze of a state is made of. */
interface Frozen<I> {
  readonly full: boolean;
  /** The epoch that ended with it. */
  readonly epoch: number;
  readonly sink: EntrySink;
  readonly changes: ReadonlyMap<I, Change>;
  /** Those that were still to be written at the freeze and have been packed. */
  readonly seen: Set<I>;
}

/** The part of its budget that a state's live units have; changes remembered for a delta have the rest. */
const LIVE_SHARE = 3 / 4;
/** What a change remembered takes. */
const CHANGE_BYTES = 200;

/** One state in an environment: its cache, what changed since the last freeze, its time to live. */
export abstract class LmdbPart<I extends CanonicalKey> implements StatePart, UnitOwner {
  readonly name: string;
  readonly scope = "keyed";
  readonly schema: StateSchema;
  protected readonly environment: Environment;
  protected readonly key: KeyScope;
  protected readonly expiry: Expiry;
  protected readonly cache: UnitCache<I>;
  private readonly dirty: DirtyUnits;
  /** How many units may wait to be written when a turn has ended. */
  protected readonly window: number = 0;
  /** Freezes so far. */
  private epoch = 0;
  /** The number of the state in keys. */
  private readonly number: number;
  private readonly groups: KeyGroupRange;
  private readonly where: string;
  /** Bytes of memory that this state may take, where the slot's profile says so. */
  private readonly budget: (() => number) | undefined;
  /** What was changed and written since the last freeze. */
  private changes = new Map<I, Change>();
  private based = false;
  /** The freeze that is being packed, and the last one, packed or not. */
  private packing: LmdbPacking | undefined;
  private frozen: Frozen<I> | undefined;
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
    this.budget = context.memoryBytes;
    this.cache = new UnitCache(context.groups, this.budget && (() => this.budget!() * LIVE_SHARE));
    this.dirty = new DirtyUnits(context.groups);
    this.sweepGroup = context.groups.first;
  }

  freeze(wanted: "full" | "delta", sink: EntrySink): FrozenPart {
    this.packing?.pack(() => false);
    // A unit in hand may be wanted from now on.
    this.key.forget();
    const transaction = this.environment.snapshot();
    const { changes, epoch } = this;
    this.changes = new Map();
    this.epoch++;
    const full = wanted === "full" || !this.based;
    this.based = true;
    const unwritten = this.dirty.all();
    const frozen: Frozen<I> = { full, epoch, sink, changes, seen: new Set() };
    this.frozen = frozen;
    const packing = new LmdbPacking({
      full,
      ended: () => {
        transaction.done();
        this.packing = undefined;
        this.frozen = undefined;
      },
      givenUp: () => this.giveUp(packing),
      steps: this.steps(frozen, unwritten, transaction),
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
    const dbKey = this.dbKey(keyGroup, key, entry.at);
    if (gone || this.expiry.expired(stamp)) {
      this.environment.load(dbKey, undefined);
      return;
    }
    const own = this.expiry.loaded(stamp);
    const stored = { key, at: entry.at, value: this.contentOf(entry), stamp: own };
    this.environment.load(dbKey, encodeUnit(stored));
    if (own === stamp) return;
    this.note(this.idOf(canonicalKey(key), entry.at), { key, at: entry.at, group: keyGroup, existed: true });
  }

  /** Writes back, and looks at some more rows for expiry; those still to be written are looked at afterwards. */
  rest(): void {
    const { dirty } = this;
    const isDue = this.expiry.on && this.expiry.expired(dirty.next?.stamp ?? 0);
    if (isDue || dirty.size >= this.waiting + WRITE_BACK) this.environment.store(dirty.take(WRITE_BACK));
    if (!this.expiry.on) return;
    // Units come and go here; one that is in hand may be among them.
    this.key.forget();
    const prefix = groupPrefix(this.sweepGroup, this.number);
    const rows = this.environment.page(this.sweepFrom ?? prefix, prefix, EXPIRY_STRIDE);
    for (const { value } of rows) {
      const stored = decodeUnit(value);
      if (this.expiry.expired(stored.stamp)) this.lives(this.liveOf(stored, this.sweepGroup, value.length));
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

  dbKeyOf({ group, key, at }: Unit): Buffer {
    return this.dbKey(group, key, at);
  }

  bytesOf(unit: Unit): Buffer {
    checkCarriable(unit.value, this.where, "state");
    const bytes = encodeUnit(unit);
    this.cache.sized(bytes.length);
    return bytes;
  }

  written(unit: Unit): void {
    // Whether it existed at the freeze is not to be told any more once it is written.
    if (this.wants(unit)) this.settle(unit);
    const { id, key, at, group, stored, saved, changedIn } = unit;
    if (!this.based || changedIn !== this.epoch) return;
    this.note(id as I, { key, at, group, existed: stored || saved });
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
    const { group } = this.key;
    const cached = this.cache.get(group, id);
    if (cached !== undefined) {
      if (this.frozen !== undefined && this.wants(cached)) this.settle(cached);
      return cached;
    }
    const below = this.below(at);
    const bytes = this.environment.get(
      below.length === 0 ? this.prefix() : Buffer.concat([this.prefix(), below]),
    );
    if (bytes !== undefined) return this.cached(decodeUnit(bytes), group, bytes.length);
    const unit = new Unit(this, ownCanonical(id), ownKey(this.key.key), ownKey(at), group);
    this.cache.add(unit);
    return unit;
  }

  /** The unit of a stored row that the cache does not have. */
  private cached({ key, at, value, stamp }: StoredUnit, group: number, bytes: number): Unit {
    const unit = new Unit(this, this.idOf(canonicalKey(key), at), key, at, group);
    unit.value = value;
    unit.stamp = stamp;
    unit.stored = true;
    this.cache.sized(bytes);
    this.cache.add(unit);
    return unit;
  }

  /** What the cache has of a stored row, which may be newer. */
  protected liveOf(stored: StoredUnit, group: number, bytes: number): Unit {
    const unit = this.cache.get(group, this.idOf(canonicalKey(stored.key), stored.at));
    if (unit !== undefined && this.wants(unit)) this.settle(unit);
    return unit ?? this.cached(stored, group, bytes);
  }

  /** Writes back everything: what is read from the environment next is as it is now. */
  protected flush(): void {
    this.environment.store(this.dirty.takeAll());
  }

  /** Whether a unit has content now. */
  protected lives(unit: Unit): boolean {
    if (unit.value === GONE) return false;
    if (unit.stamp === 0 || !this.expiry.expired(unit.stamp)) return true;
    this.remove(unit);
    return false;
  }

  protected write(unit: Unit, value: unknown, stamp = this.expiry.stamp()): void {
    unit.value = value;
    unit.stamp = stamp;
    unit.changedIn = this.epoch;
    this.dirty.add(unit, this.epoch);
    if (this.dirty.size >= this.waiting + DIRTY_UNITS_MAX)
      this.environment.store(this.dirty.take(WRITE_BACK));
  }

  private get waiting(): number {
    return this.expiry.on ? 0 : Math.min(this.window, this.cache.max >> 1);
  }

  protected remove(unit: Unit): void {
    if (unit.value !== GONE) this.write(unit, GONE, 0);
  }

  private note(id: I, change: Change): void {
    if (this.changes.has(id)) return;
    this.changes.set(id, change);
    const { budget } = this;
    const most = budget === undefined ? CHANGES_MAX : (budget() * (1 - LIVE_SHARE)) / CHANGE_BYTES;
    if (this.changes.size < most) return;
    this.changes.clear();
    this.based = false;
  }

  private dbKey(group: number, key: unknown, at: unknown): Buffer {
    const prefix = keyPrefix(group, this.number, canonicalKey(key));
    const below = this.below(at);
    return below.length === 0 ? prefix : Buffer.concat([prefix, below]);
  }

  private *steps(
    frozen: Frozen<I>,
    unwritten: readonly (readonly Unit[])[],
    transaction: Transaction,
  ): Generator<void, void> {
    for (const group of unwritten) {
      for (const unit of group) if (unit.packedIn !== this.epoch) yield this.settle(unit);
    }
    yield* frozen.full ? this.storedUnits(frozen, transaction) : this.changedUnits(frozen, transaction);
  }

  /** Whether a unit was dirty at the freeze and is not packed yet: it has not changed since then. */
  private wants({ packedIn, dirtySince, dirty }: Unit): boolean {
    const { epoch } = this;
    return this.frozen !== undefined && dirty && dirtySince < epoch && packedIn !== epoch;
  }

  /** Before a unit that a snapshot wants may change or is written: packs it. */
  private settle(unit: Unit): void {
    unit.packedIn = this.epoch;
    const { full, epoch, sink, changes, seen } = this.frozen!;
    // Unchanged since the freeze before: the delta's base has it.
    if (!full && unit.changedIn !== epoch) return;
    const id = unit.id as I;
    seen.add(id);
    const { key, at, group, stamp } = unit;
    if (unit.value !== GONE) {
      checkCarriable(unit.value, this.where, "state");
      if (!this.expiry.expired(stamp)) sink.entry(this.entryOf(unit), stamp, group);
      unit.saved = !unit.stored;
      return;
    }
    const existed = changes.get(id)?.existed ?? (unit.stored || unit.saved);
    if (!full && existed) sink.entry(this.goneOf(key, at), 0, group);
    unit.saved = false;
  }

  private *storedUnits({ seen, sink }: Frozen<I>, transaction: Transaction): Generator<void, void> {
    for (let group = this.groups.first; group <= this.groups.last; group++) {
      const rows = this.environment.rows(groupPrefix(group, this.number), transaction);
      for (let row = rows.next(); row.done !== true; row = rows.next()) {
        yield this.packStored(row.value.value, group, sink, seen);
      }
    }
  }

  private *changedUnits(frozen: Frozen<I>, transaction: Transaction): Generator<void, void> {
    const { changes, sink, seen } = frozen;
    for (const [id, { key, at, group, existed }] of changes) {
      if (seen.has(id)) continue;
      const bytes = this.environment.get(this.dbKey(group, key, at), transaction);
      if (bytes !== undefined) yield this.packStored(bytes, group, sink, undefined);
      else if (existed) yield sink.entry(this.goneOf(key, at), 0, group);
    }
  }

  private packStored(bytes: Buffer, group: number, sink: EntrySink, seen: ReadonlySet<I> | undefined): void {
    const stored = decodeUnit(bytes);
    if (this.expiry.expired(stored.stamp)) return;
    if (seen !== undefined && seen.size > 0 && seen.has(this.idOf(canonicalKey(stored.key), stored.at)))
      return;
    sink.entry(this.entryOf(stored), stored.stamp, group);
  }

  /** If it was the last freeze, the next one has nothing to build on. */
  private giveUp(packing: LmdbPacking): void {
    if (this.last !== packing) return;
    this.based = false;
    this.changes.clear();
  }
}
