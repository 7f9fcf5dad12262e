// @hot one call per record and window
/**
 * What a window of a key holds, in keyed state: accumulators where everything can be added up at once, else the
 * records. All calls speak of the window selected in the keyed state.
 */
import { MillraceError } from "../base/error.js";
import { refusePromise } from "../base/promise-check.js";
import type { KeyedState, ListState, ValueState } from "../state/contract.js";
import { list, value } from "../state/descriptors.js";
import type { Aggregates } from "./aggregates.js";
import type { Evictor, EvictorContext, Stamped } from "./evictors.js";
import { WindowAccumulators } from "./window-accumulators.js";

/** Takes what a window fires: an aggregate's result, or the records. Leaves the window selected. */
export type Give = (input: unknown) => void;

export interface WindowContents {
  /** `input`: of windows over two streams, which of them. */
  add(record: unknown, timestamp: number, input: 0 | 1): void;
  /** Nothing is given where the window is empty. */
  fire(ctx: EvictorContext, give: Give): void;
  clear(): void;
  /** Takes everything out, for another window to absorb. */
  take(): unknown;
  absorb(taken: unknown): void;
}

/** `aggregates`: what the records are made into; the records themselves where it is missing. */
export function openContents(
  keyed: KeyedState,
  aggregates: Aggregates<any> | undefined,
  evictor: Evictor | undefined,
): WindowContents {
  const accumulators = aggregates === undefined ? undefined : new WindowAccumulators(aggregates);
  if (evictor !== undefined) {
    const input =
      accumulators === undefined ? recordsOf : (kept: readonly Stamped<unknown>[]) => sum(accumulators, kept);
    return new EvictedContents(keyed.list("contents", list<Stamped<unknown>>()), evictor, input);
  }
  if (accumulators === undefined) return new ListedContents(keyed.list("contents", list<unknown>()));
  return new AccumulatedContents(keyed.value("contents", value<unknown[]>()), accumulators);
}

class AccumulatedContents implements WindowContents {
  private readonly state: ValueState<unknown[]>;
  private readonly accumulators: WindowAccumulators;

  constructor(state: ValueState<unknown[]>, accumulators: WindowAccumulators) {
    this.state = state;
    this.accumulators = accumulators;
  }

  add(record: unknown): void {
    const held = this.state.get() ?? this.accumulators.create();
    this.accumulators.add(held, record);
    this.state.update(held);
  }

  fire(_ctx: EvictorContext, give: Give): void {
    const held = this.state.get();
    if (held !== undefined) give(this.accumulators.result(held));
  }

  clear(): void {
    this.state.clear();
  }

  take(): unknown {
    const held = this.state.get();
    this.state.clear();
    return held;
  }

  absorb(taken: unknown[] | undefined): void {
    if (taken === undefined) return;
    const held = this.state.get();
    if (held !== undefined) this.accumulators.merge(held, taken);
    this.state.update(held ?? taken);
  }
}

class ListedContents implements WindowContents {
  private readonly state: ListState<unknown>;

  constructor(state: ListState<unknown>) {
    this.state = state;
  }

  add(record: unknown): void {
    this.state.add(record);
  }

  fire(_ctx: EvictorContext, give: Give): void {
    const held = this.state.get();
    // A copy: the function may pass it on, and the window may get more.
    if (held.length > 0) give(held.slice());
  }

  clear(): void {
    this.state.clear();
  }

  take(): unknown {
    const held = this.state.get().slice();
    this.state.clear();
    return held;
  }

  absorb(taken: unknown[]): void {
    this.state.addAll(taken);
  }
}

export class EvictedContents implements WindowContents {
  protected readonly state: ListState<Stamped<unknown>>;
  private readonly evictor: Evictor;
  private readonly input: (kept: readonly Stamped<unknown>[]) => unknown;

  constructor(
    state: ListState<Stamped<unknown>>,
    evictor: Evictor,
    input: (kept: readonly Stamped<unknown>[]) => unknown,
  ) {
    this.state = state;
    this.evictor = evictor;
    this.input = input;
  }

  add(record: unknown, timestamp: number, _input: 0 | 1): void {
    this.state.add({ record, timestamp });
  }

  fire(ctx: EvictorContext, give: Give): void {
    const held = this.state.get().slice();
    if (held.length === 0) return;
    const { before, after } = this.evictor;
    const counted = before === undefined ? held : checked(before(held, ctx));
    if (counted.length > 0) give(this.input(counted));
    const kept = after === undefined ? counted : checked(after(counted, ctx));
    if (kept.length === 0) this.state.clear();
    else if (kept.length < held.length) this.state.update(kept);
  }

  clear(): void {
    this.state.clear();
  }

  take(): unknown {
    const held = this.state.get().slice();
    this.state.clear();
    return held;
  }

  absorb(taken: Stamped<unknown>[]): void {
    this.state.addAll(taken);
  }
}

function recordsOf(kept: readonly Stamped<unknown>[]): unknown[] {
  return kept.map(({ record }) => record);
}

function sum(accumulators: WindowAccumulators, kept: readonly Stamped<unknown>[]): unknown {
  const held = accumulators.create();
  for (const { record } of kept) accumulators.add(held, record);
  return accumulators.result(held);
}

function checked(kept: readonly Stamped<unknown>[]): readonly Stamped<unknown>[] {
  if (Array.isArray(kept)) return kept;
  refusePromise(kept);
  throw new MillraceError("OPTION_INVALID", `an evictor answered a ${typeof kept}`, {
    hint: "An evictor answers an array of the records to keep, out of those it was given.",
  });
}
