/**
 * The `heap` backend: state as objects in the thread's memory, the fastest for what fits.
 *
 * Snapshots are taken while the operator goes on: see ledger.ts.
 */
import type {
  AggregatingDescriptor,
  AppendingState,
  BackendContext,
  KeyedState,
  ListDescriptor,
  ListState,
  MapDescriptor,
  MapState,
  ReducingDescriptor,
  StateBackend,
  StateOptions,
  ValueDescriptor,
  ValueState,
} from "../contract.js";
import { KeyScope } from "../key-scope.js";
import { AggregatingHandle, ReducingHandle, ValueHandle } from "../value-states.js";
import type { HeapPart } from "./heap-part.js";
import { HeapList } from "./list-part.js";
import { HeapMap } from "./map-part.js";
import { ValuePart } from "./value-part.js";

/** Keeps keyed state in memory. */
export const heapBackend: StateBackend = {
  name: "heap",
  open: (context) => new HeapState(context),
};

class HeapState implements KeyedState {
  private readonly key = new KeyScope();
  private readonly all: HeapPart[] = [];
  private readonly context: BackendContext;
  private readonly now: () => number;

  constructor(context: BackendContext) {
    this.context = context;
    this.now = () => context.now();
  }

  use(key: unknown, keyGroup: number): void {
    this.key.use(key, keyGroup);
  }

  value<T>(name: string, descriptor: ValueDescriptor<T>): ValueState<T> {
    return new ValueHandle(this.values(name, "value", descriptor));
  }

  reducing<T>(name: string, descriptor: ReducingDescriptor<T>): AppendingState<T, T> {
    return new ReducingHandle(this.values(name, "reducing", descriptor), descriptor);
  }

  aggregating<T, A, R>(name: string, descriptor: AggregatingDescriptor<T, A, R>): AppendingState<T, R> {
    return new AggregatingHandle(this.values(name, "aggregating", descriptor), descriptor);
  }

  list<T>(name: string, descriptor: ListDescriptor<T>): ListState<T> {
    return this.declare(new HeapList<T>(name, descriptor, this.context.groups, this.key, this.now));
  }

  map<K, V>(name: string, descriptor: MapDescriptor<K, V>): MapState<K, V> {
    return this.declare(new HeapMap<K, V>(name, descriptor, this.context.groups, this.key, this.now));
  }

  rest(): void {
    for (const part of this.all) part.rest();
  }

  async close(): Promise<void> {
    this.all.length = 0;
  }

  private values(name: string, kind: string, options: StateOptions): ValuePart {
    return this.declare(new ValuePart(name, kind, options, this.context.groups, this.key, this.now));
  }

  private declare<P extends HeapPart>(part: P): P {
    this.all.push(part);
    this.context.parts.declare(part);
    return part;
  }
}
