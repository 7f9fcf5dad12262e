// @hot
import { settled } from "../base/promise-check.js";
import type { AggregatingDescriptor, AppendingState, ReducingDescriptor, ValueState } from "./contract.js";
import { GONE } from "./entry.js";

/** One content per key, as a backend keeps it; GONE where there is none. */
export interface ValueStore {
  /** The content of the key in hand, to be handed out. */
  read(): unknown;
  put(value: unknown): void;
  clear(): void;
}

export class ValueHandle<T> implements ValueState<T> {
  private readonly store: ValueStore;

  constructor(store: ValueStore) {
    this.store = store;
  }

  get(): T | undefined {
    const value = this.store.read();
    return value === GONE ? undefined : (value as T);
  }

  update(value: T): void {
    if (value === undefined) this.store.clear();
    else this.store.put(value);
  }

  clear(): void {
    this.store.clear();
  }
}

export class ReducingHandle<T> implements AppendingState<T, T> {
  private readonly store: ValueStore;
  private readonly reduce: ReducingDescriptor<T>["reduce"];

  constructor(store: ValueStore, { reduce }: ReducingDescriptor<T>) {
    this.store = store;
    this.reduce = reduce;
  }

  get(): T | undefined {
    const value = this.store.read();
    return value === GONE ? undefined : (value as T);
  }

  add(value: T): void {
    const held = this.store.read();
    const { reduce } = this;
    this.store.put(held === GONE ? value : settled(reduce(held as T, value)));
  }

  clear(): void {
    this.store.clear();
  }
}

export class AggregatingHandle<T, A, R> implements AppendingState<T, R> {
  private readonly store: ValueStore;
  private readonly descriptor: AggregatingDescriptor<T, A, R>;

  constructor(store: ValueStore, descriptor: AggregatingDescriptor<T, A, R>) {
    this.store = store;
    this.descriptor = descriptor;
  }

  get(): R | undefined {
    const held = this.store.read();
    return held === GONE ? undefined : this.descriptor.result(held as A);
  }

  add(value: T): void {
    const held = this.store.read();
    const accumulator = held === GONE ? this.descriptor.create() : (held as A);
    this.store.put(settled(this.descriptor.add(accumulator, value)));
  }

  clear(): void {
    this.store.clear();
  }
}
