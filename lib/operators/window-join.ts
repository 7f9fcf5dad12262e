// @hot one call per pair
/**
 * What windows over two inputs give out: joined pairs, or whatever a function makes of both sides. The windows
 * themselves are window-operator.ts.
 */
import type { Window } from "../time/windows.js";
import type { AnyFunction } from "./contract.js";
import type { PairedRecords } from "./paired-contents.js";
import type { ResultSpec } from "./window-results.js";

/** An inner join: `join(first, second, place)` for every record of the first input with every one of the second. */
export function joinedPairs(join: AnyFunction): ResultSpec {
  return {
    kind: "rows",
    rows: (held: PairedRecords, place) => new JoinedPairs(held, join, place),
    functions: [join],
  };
}

/** `group(firsts, seconds, place)`: any iterable, also where one side is empty. */
export function groupedSides(group: AnyFunction): ResultSpec {
  return {
    kind: "rows",
    rows: ({ first, second }: PairedRecords, place) => group(first, second, place),
    functions: [group],
  };
}

/** Joins as it is asked: a window of very many pairs is never held as rows. One step object for all of them. */
class JoinedPairs implements IterableIterator<unknown> {
  private readonly held: PairedRecords;
  private readonly join: AnyFunction;
  private readonly place: { key: unknown; window: Window };
  private readonly step: { done: boolean; value: unknown } = { done: false, value: undefined };
  /** The pair in hand. */
  private first = 0;
  private second = -1;

  constructor(held: PairedRecords, join: AnyFunction, place: { key: unknown; window: Window }) {
    this.held = held;
    this.join = join;
    this.place = place;
  }

  get inHand(): { first: unknown; second: unknown } {
    const { first, second } = this.held;
    return { first: first[this.first], second: second[this.second] };
  }

  next(): IteratorResult<unknown> {
    const { step } = this;
    const { first, second } = this.held;
    if (++this.second >= second.length) {
      this.second = 0;
      // Nothing is left either where there is nothing to join with.
      this.first = second.length === 0 ? first.length : this.first + 1;
    }
    step.done = this.first >= first.length;
    step.value = step.done ? undefined : this.join(first[this.first], second[this.second], this.place);
    return step as IteratorResult<unknown>;
  }

  [Symbol.iterator](): this {
    return this;
  }
}
