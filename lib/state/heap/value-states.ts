// @hot
import type { AggregatingDescriptor, AppendingState, ReducingDescriptor, ValueState } from "../contract.js";
import { GONE } from "./cell.js";
import type { ValuePart } from "./value-part.js";

export class HeapValue<T> implements ValueState<T> {
  private readonly part: ValuePart;

  constructor(part: ValuePart) {
    this.part = part;
  }

  get(): T | undefined {
    const value = this.part.read();
    return value === GONE ? undefined : (value as T);
  }

  update(value: T): void {
    if (value === undefined) this.part.clear();
    else this.part.write(value);
  }

  clear(): void {
    this.part.clear();
  }
}

export class HeapReducing<T> implements AppendingState<T, T> {
  private readonly part: ValuePart;
  private readonly reduce: ReducingDescriptor<T>["reduce"];

  constructor(part: ValuePart, { reduce }: ReducingDescriptor<T>) {
    this.part = part;
    this.reduce = reduce;
  }

  get(): T | undefined {
    const value = this.part.read();
    return value === GONE ? undefined : (value as T);
  }

  add(value: T): void {
    const held = this.part.read();
    const { reduce } = this;
    this.part.write(held === GONE ? value : reduce(held as T, value));
  }

  clear(): void {
    this.part.clear();
  }
}

export class HeapAggregating<T, A, R> implements AppendingState<T, R> {
  private readonly part: ValuePart;
  private readonly descriptor: AggregatingDescriptor<T, A, R>;

  constructor(part: ValuePart, descriptor: AggregatingDescriptor<T, A, R>) {
    this.part = part;
    this.descriptor = descriptor;
  }

  get(): R | undefined {
    const held = this.part.read();
    return held === GONE ? undefined : this.descriptor.result(held as A);
  }

  add(value: T): void {
    const held = this.part.read();
    this.part.write(this.descriptor.add(held === GONE ? this.descriptor.create() : (held as A), value));
  }

  clear(): void {
    this.part.clear();
  }
}
