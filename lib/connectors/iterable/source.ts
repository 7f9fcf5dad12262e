import type { SourceDefinition } from "../../source/contract.js";
import { IterableEnumerator } from "./enumerator.js";
import { ItemReader, type IterableSplit } from "./item-reader.js";
import { assertJson } from "./position.js";

/** What an iterable source's factory is given. */
export interface IterableContext {
  /** Aborted when the job stops: end a request that waits. */
  readonly signal: AbortSignal;
}

/** Makes the records of an iterable source; called in the worker thread. */
export type IterableFactory<T> = (context: IterableContext) => Iterable<T> | AsyncIterable<T>;

/** What the factory of an iterable source with positions is given. */
export interface PositionedContext<P> extends IterableContext {
  /** Where to go on: `start`, or after a failure the position that came with the last record of the checkpoint. */
  readonly position: P;
}

/** A record and where to go on behind it: what `position` is if this record was the last one. */
export type Positioned<T, P> = readonly [record: T, position: P];

/** Makes the records of an iterable source with their positions; called in the worker thread. */
export type PositionedFactory<T, P> = (
  context: PositionedContext<P>,
) => Iterable<Positioned<T, P>> | AsyncIterable<Positioned<T, P>>;

/** What `iterableSource` takes besides the factory. */
export interface IterableOptions<P> {
  /**
   * The position of the first start: a number, a text, an object; any JSON. Giving it says that the iterable
   * gives pairs of record and position, and so can go on where a checkpoint was taken.
   */
  readonly start: P;
}

/**
 * Reads an Iterable or AsyncIterable: an array, a generator, an event emitter, a paged API. The factory is
 * called in the worker thread. Runs with parallelism 1.
 *
 * Without `start` a job that goes on from a checkpoint calls the factory anew: an array is given again from its
 * begin, a live feed goes on with what comes then; such a source is not for exactly-once. With `start` the
 * iterable gives pairs `[record, position]`, and the factory begins behind the `position` it is given. The last one is
 * what a hybrid source hands on.
 *
 * @example
 * env.source("numbers", iterableSource(() => [1, 2, 3]));
 * env.source("ticks", iterableSource(({ signal }) => setInterval(1000, "tick", { signal })));
 * // Gives [row, number of the next row].
 * env.source("rows", iterableSource(({ position, signal }) => rowsFrom(position, signal), { start: 0 }));
 *
 * Throws POSITION_INVALID.
 */
export function iterableSource<T>(factory: IterableFactory<T>): SourceDefinition<T, IterableSplit>;
export function iterableSource<T, P>(
  factory: PositionedFactory<T, P>,
  options: IterableOptions<P>,
): SourceDefinition<T, IterableSplit>;
export function iterableSource<T>(
  factory: IterableFactory<unknown> | PositionedFactory<unknown, unknown>,
  options?: IterableOptions<unknown>,
): SourceDefinition<T, IterableSplit> {
  const positioned = options !== undefined;
  if (positioned) assertJson(options.start);
  const first: IterableSplit = positioned ? { id: "iterable", position: options.start } : { id: "iterable" };
  return {
    kind: "iterable",
    boundedness: "bounded",
    replayable: positioned,
    parallelismMax: 1,
    description: positioned ? { start: options.start } : {},
    createEnumerator: (context) => new IterableEnumerator(first, context),
    createReader: (context) => {
      const open = ({ position }: IterableSplit) => {
        const { signal } = context;
        return (factory as PositionedFactory<unknown, unknown>)({ position, signal });
      };
      return new ItemReader<T>(open, positioned, context);
    },
  };
}
