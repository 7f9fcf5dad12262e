/**
 * The `lmdb` backend: state larger than memory, in a memory-mapped file per subtask, with the objects in use
 * kept live and written back later.
 *
 * A snapshot reads from a transaction that sees the file as it was at the freeze; while it is open the file
 * cannot reuse the pages it sees. Values are carried by msgpackr (codec/packed.ts): -0 comes back as 0.
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
import { Environment } from "./environment.js";
import { LmdbList } from "./list-part.js";
import type { LmdbPart } from "./lmdb-part.js";
import { LmdbMap } from "./map-part.js";
import { LmdbValue } from "./value-part.js";

/** Keeps keyed state on disk. */
export const lmdbBackend: StateBackend = {
  name: "lmdb",
  open: (context) => new LmdbState(context),
};

class LmdbState implements KeyedState {
  private readonly key = new KeyScope();
  private readonly all: LmdbPart<any>[] = [];
  private readonly context: BackendContext;
  private readonly environment: Environment;

  constructor(context: BackendContext) {
    const { memoryBytes } = context;
    const equalParts = () => memoryBytes!() / Math.max(1, this.all.length);
    this.context = memoryBytes === undefined ? context : { ...context, memoryBytes: equalParts };
    this.environment = new Environment(context.directory);
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
    const { context, environment, key } = this;
    const number = this.all.length;
    return this.declare(new LmdbList<T>(name, "list", descriptor, number, context, environment, key));
  }

  map<K, V>(name: string, descriptor: MapDescriptor<K, V>): MapState<K, V> {
    const { context, environment, key } = this;
    const number = this.all.length;
    return this.declare(new LmdbMap<K, V>(name, "map", descriptor, number, context, environment, key));
  }

  rest(): void {
    for (const part of this.all) part.rest();
  }

  async close(): Promise<void> {
    for (const part of this.all) part.close();
    await this.environment.close();
  }

  private values(name: string, kind: string, options: StateOptions): LmdbValue {
    const { context, environment, key } = this;
    return this.declare(new LmdbValue(name, kind, options, this.all.length, context, environment, key));
  }

  private declare<P extends LmdbPart<any>>(part: P): P {
    this.all.push(part);
    this.context.parts.declare(part);
    return part;
  }
}
