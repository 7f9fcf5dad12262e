/** The methods of streams for which keys do not matter: what becomes of records, and how they are spread. */
import type { Partitioner } from "../graph/stream-graph.js";
import type { WatermarkStrategy } from "../time/watermarks.js";
import * as added from "./added-operators.js";
import type { AsyncMapOptions } from "./async-options.js";
import type { AsyncMapping, Expansion, Mapping, Predicate } from "./function-objects.js";
import type { NewOperator } from "./graph-builder.js";
import { type BatchOptions, batch } from "./queue-functions.js";
import type { RecordOptions } from "./stream-options.js";
import type { OutputKind, OutputOf } from "./stream-site.js";

/** What a stream of records of type T can do; `D` is the kind of streams that are not an operator's output. */
export abstract class RecordMethods<T, O extends OutputKind, D extends OutputKind> {
  /** @internal */
  abstract append<R>(operator: NewOperator): OutputOf<O, R>;
  protected abstract spread(partitioner: Partitioner): OutputOf<D, T>;

  /**
   * One record in, one out. This and its like take a closure, or an object with `open` and `close` (`MapFunction`).
   * The options: a name, and what becomes of a record on which the function throws.
   * @example lines.map((line) => JSON.parse(line) as Event, { onError: deadLetter("bad-events") })
   */
  map<R>(transform: Mapping<T, R>, options?: string | RecordOptions): OutputOf<O, R> {
    return this.append(added.map(transform, options));
  }

  /** Keeps the records for which the predicate holds; a type guard narrows the stream. */
  filter<S extends T>(
    predicate: (record: T) => record is S,
    options?: string | RecordOptions,
  ): OutputOf<O, S>;
  filter(predicate: Predicate<T>, options?: string | RecordOptions): OutputOf<O, T>;
  filter(predicate: Predicate<T>, options?: string | RecordOptions): OutputOf<O, T> {
    return this.append(added.filter(predicate, options));
  }

  /** One record in, any number out: an array, a generator or another iterable. */
  flatMap<R>(expand: Expansion<T, R>, options?: string | RecordOptions): OutputOf<O, R> {
    return this.append(added.flatMap(expand, options));
  }

  /**
   * One record in, one out, by way of a promise; many are under way at a time. Those whose results were not emitted
   * are part of a checkpoint and are asked for again after a restore: the function may see a record twice. The end
   * of the input waits for all. Throws OPTION_INVALID for options that cannot be.
   * @example
   * urls.asyncMap((url, { signal }) => fetch(url, { signal }).then((r) => r.json() as Promise<Page>), {
   *   order: "unordered", capacity: 100, timeout: "5s", retry: { attempts: 3, delay: "200ms", backoff: 2 },
   * })
   */
  asyncMap<R>(request: AsyncMapping<T, R>, options: AsyncMapOptions = {}): OutputOf<O, R> {
    return this.append(added.asyncMap(request, options));
  }

  /**
   * The fields named, of every record.
   * @example bids.project("auction", "price")
   */
  project<F extends keyof T & string>(...fields: readonly F[]): OutputOf<O, Pick<T, F>> {
    return this.append(added.project(fields));
  }

  /**
   * Arrays of records: when there are `size` of them or `time` after the first, by the clock unless said otherwise;
   * what is left at the end of the input, too. Each subtask gathers its own, where the records are: nothing is
   * exchanged. The open batch is part of checkpoints. Every record is in one batch; which others are in it may change
   * when the job goes on with another parallelism. For batches of a key: `keyBy` before.
   * @example events.batchBy({ size: 500, time: "2s" }).asyncMap((batch) => insert(batch))
   */
  batchBy(options: BatchOptions): OutputOf<O, T[]> {
    return this.append(batch(options));
  }

  /**
   * Gives records new timestamps and the stream watermarks of its own, as Flink's method of this name; for streams of
   * which a source cannot tell the time, as it lies in what records are made into. Event time from before is
   * forgotten, but for its end. Each subtask makes its watermarks of the records that it is given; those of a
   * punctuated strategy go on when its turn ends. Idleness and alignment belong to sources: OPTION_INVALID.
   * @example
   * lines.map((line) => JSON.parse(line) as Order)
   *   .assignTimestampsAndWatermarks(watermarks.boundedOutOfOrderness("5s", (order) => order.at))
   */
  assignTimestampsAndWatermarks(strategy: WatermarkStrategy<T>): OutputOf<O, T> {
    return this.append(added.assignTimestamps(strategy));
  }

  /** To all subtasks in turn. */
  rebalance(): OutputOf<D, T> {
    return this.spread("rebalance");
  }

  /** In turn to the subtasks nearest to each upstream subtask. */
  rescale(): OutputOf<D, T> {
    return this.spread("rescale");
  }

  /** To a random subtask (seeded). */
  shuffle(): OutputOf<D, T> {
    return this.spread("shuffle");
  }

  /** To the same subtask of the next operator; needs equal parallelism. */
  forward(): OutputOf<D, T> {
    return this.spread("forward");
  }

  /** Everything to the first subtask. */
  global(): OutputOf<D, T> {
    return this.spread("global");
  }
}
