/**
 * State: what an operator remembers between records, and how it gets into checkpoints and back.
 *
 * A *part* is a named piece of an operator's state. Operators declare their parts when they are built;
 * between building and opening the runtime loads what a checkpoint holds under the same name. At a barrier
 * the runtime freezes every part; a frozen part writes its *entries* as they were at that moment, in slices,
 * while the operator goes on.
 *
 * Invariants
 * - `freeze` takes no longer than copying what cannot be tracked (a few ms); no entry is written twice.
 * - An entry is a plain record that any codec carries; its `stamp` is a number of the part's own meaning.
 * - Entries of keyed parts carry their key group; `load` is given only groups this subtask owns. Entries of
 *   split parts are dealt out over the subtasks, of union parts given to all, of broadcast parts are those of
 *   one subtask, equal in all.
 * - A delta holds what changed since the freeze before; `load` is given full entries first, deltas in order.
 *
 * Called by: operators (declare, use), runtime (freeze, load). May import: base, codec.
 */

export type StateScope = "keyed" | "split" | "union" | "broadcast";

/**
 * Takes the entries of a frozen part. The value is the operator's own and may change after the call: it is
 * encoded or copied at once.
 */
export interface EntrySink {
  entry(value: unknown, stamp: number, keyGroup: number): void;
}

/** What is known of a part's contents beyond its name; compared when it is restored. JSON. */
export interface StateSchema {
  /** "value", "list", "map", "timers", "panes", ... Another kind is never loaded. */
  readonly kind: string;
  /** Declared types, where there are any; a difference is shown to the user. */
  readonly types?: Readonly<Record<string, string>>;
}

/** A named piece of an operator's state. */
export interface StatePart {
  readonly name: string;
  readonly scope: StateScope;
  readonly schema: StateSchema;
  /**
   * Freezes the part as of now: entries go to the sink, at the latest when `pack` has answered true.
   * `delta`: only what changed since the last freeze; a part that cannot tell writes everything and says so
   * in the answer. A freeze before the last one is packed finishes that one first.
   */
  freeze(wanted: "full" | "delta", sink: EntrySink): FrozenPart;
  /** Takes one restored entry, to keep: no text in it may be a slice of a batch. */
  load(value: any, stamp: number, keyGroup: number): void;
}

/** A part as it was at its freeze, on its way into a checkpoint. */
export interface FrozenPart {
  readonly kind: "full" | "delta";
  /** Writes entries until `timeIsUp`; true when all are written. */
  pack(timeIsUp: () => boolean): boolean;
  /**
   * Nobody wants it, packed or not: what is not written yet is forgotten. If it was the last freeze the next
   * one is full; a delta frozen since then builds on nothing and is of no use either.
   */
  release(): void;
}

/** Where an operator declares its parts; each name once. */
export interface StateParts {
  declare(part: StatePart): void;
}

/** The key groups that a subtask owns: first to last, both included. */
export interface KeyGroupRange {
  readonly first: number;
  readonly last: number;
}

/** What a backend is told about the operator whose keyed state it keeps. */
export interface BackendContext {
  readonly job: string;
  readonly operator: string;
  readonly subtask: number;
  readonly maxParallelism: number;
  readonly groups: KeyGroupRange;
  /** A folder of this attempt's own, for backends that keep state on disk; removed afterwards. */
  readonly directory: string;
  /**
   * How many bytes of memory the state may take now, where the slot's profile gives it some: its part of that.
   * Absent: as many as the backend likes.
   */
  readonly memoryBytes?: () => number;
  /** Wall time in ms, for time-to-live. */
  now(): number;
  readonly parts: StateParts;
}

/** Keyed state of one operator in one subtask. All handles speak of the key last given to `use`. */
export interface KeyedState {
  /** Selects the key. `keyGroup` is the key's, computed by the caller (see key.ts). */
  use(key: unknown, keyGroup: number): void;
  value<T>(name: string, descriptor: ValueDescriptor<T>): ValueState<T>;
  list<T>(name: string, descriptor: ListDescriptor<T>): ListState<T>;
  map<K, V>(name: string, descriptor: MapDescriptor<K, V>): MapState<K, V>;
  reducing<T>(name: string, descriptor: ReducingDescriptor<T>): AppendingState<T, T>;
  aggregating<T, A, R>(name: string, descriptor: AggregatingDescriptor<T, A, R>): AppendingState<T, R>;
  /** Called once a turn while the task rests: expiry, write-back. */
  rest(steady: number): void;
  close(): Promise<void>;
}

/** A state backend: `heap`, `lmdb` or a user's own module that exports one as `default`. */
export interface StateBackend {
  readonly name: string;
  open(context: BackendContext): KeyedState;
}

/** Options every keyed descriptor takes. */
export interface StateOptions {
  /** Entries not written (or read, by `ttlRefresh`) for this long are gone, ms. */
  readonly ttlMs?: number;
  readonly ttlRefresh?: "write" | "read-write";
  /** Declared types of the contents, by field (see schema.ts); compared when the state is restored. */
  readonly types?: Readonly<Record<string, string>>;
}

export interface ValueDescriptor<T> extends StateOptions {
  readonly kind: "value";
  readonly type?: T;
}
export interface ListDescriptor<T> extends StateOptions {
  readonly kind: "list";
  readonly type?: T;
}
export interface MapDescriptor<K, V> extends StateOptions {
  readonly kind: "map";
  readonly type?: readonly [K, V];
}
export interface ReducingDescriptor<T> extends StateOptions {
  readonly kind: "reducing";
  readonly reduce: (left: T, right: T) => T;
}
export interface AggregatingDescriptor<T, A, R> extends StateOptions {
  readonly kind: "aggregating";
  readonly create: () => A;
  readonly add: (accumulator: A, record: T) => A;
  readonly result: (accumulator: A) => R;
}

/** Operator state: a list per subtask, dealt out anew over the subtasks when it is restored. */
export interface SplitListDescriptor<T> {
  readonly kind: "split-list";
  readonly type?: T;
  readonly types?: Readonly<Record<string, string>>;
}
/** Operator state: a list per subtask; every subtask is given the lists of all when it is restored. */
export interface UnionListDescriptor<T> {
  readonly kind: "union-list";
  readonly type?: T;
  readonly types?: Readonly<Record<string, string>>;
}
/** Operator state: a map that is equal in all subtasks. */
export interface BroadcastDescriptor<K, V> {
  readonly kind: "broadcast";
  readonly type?: readonly [K, V];
  readonly types?: Readonly<Record<string, string>>;
}

/** One value per key. A value changed in place counts only after `update`. */
export interface ValueState<T> {
  get(): T | undefined;
  /** `undefined` clears. */
  update(value: T): void;
  clear(): void;
}
/** Values in the order they were added. */
export interface ListState<T> {
  /** To be read before the next change: it may be the state's own array. */
  get(): readonly T[];
  add(value: T): void;
  addAll(values: readonly T[]): void;
  update(values: readonly T[]): void;
  clear(): void;
}
/** A map per key; each entry is written and checkpointed by itself. The order of entries is the backend's. */
export interface MapState<K, V> {
  get(key: K): V | undefined;
  has(key: K): boolean;
  set(key: K, value: V): void;
  delete(key: K): void;
  entries(): IterableIterator<[K, V]>;
  keys(): IterableIterator<K>;
  values(): IterableIterator<V>;
  readonly size: number;
  clear(): void;
}
/** Values folded into one as they are added. */
export interface AppendingState<T, R> {
  get(): R | undefined;
  add(value: T): void;
  clear(): void;
}
