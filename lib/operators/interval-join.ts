// @hot one call per record, one emit per match
/**
 * Interval join: a record of the first stream meets every record of the second with the same key whose timestamp
 * lies in [timestamp + lower, timestamp + upper] (Flink's semantics: a record before the watermark is late and
 * dropped; a result has the later of the two timestamps).
 *
 * State: per side and key a map from a millisecond to the records of it. A timer removes a millisecond as soon as
 * no record that is not late can meet it. Its time says which milliseconds of both sides it is for.
 */
import { MillraceError } from "../base/error.js";
import { refusePromise } from "../base/promise-check.js";
import type { MapState } from "../state/contract.js";
import { map } from "../state/descriptors.js";
import { refuseUnstamped } from "../time/windows.js";
import type { AnyFunction, OperatorContext, OperatorLogic } from "./contract.js";
import { type KeyedFunctions, KeyedOperator } from "./keyed-operator.js";

export interface IntervalJoinSpec {
  readonly keys: readonly [AnyFunction, AnyFunction];
  /** (first, second) => result. */
  readonly join: AnyFunction;
  /** Whole ms, both included. */
  readonly lower: number;
  readonly upper: number;
}

/** A record with its timestamp, ms. */
interface Timed {
  readonly t: number;
  readonly r: unknown;
}

type Side = MapState<number, readonly Timed[]>;

/** Two keyed streams: results of records that are near each other in time. */
export function intervalJoinLogic(spec: IntervalJoinSpec): OperatorLogic {
  const { keys, join, lower, upper } = spec;
  if (!Number.isInteger(lower) || !Number.isInteger(upper) || lower > upper) {
    throw new MillraceError("OPTION_INVALID", `interval join from ${lower} to ${upper} ms holds nothing`, {
      hint: "lower is at most upper (below it where a bound is exclusive), both in whole ms.",
    });
  }
  return {
    functions: [...keys, join],
    retains: true,
    create: (context) => new IntervalJoin(context, spec),
  };
}

class IntervalJoin extends KeyedOperator {
  private readonly spec: IntervalJoinSpec;
  private readonly firsts: Side;
  private readonly seconds: Side;
  /** Matches of the record in hand that are still to be emitted. */
  private readonly matches: Timed[] = [];
  private at = 0;
  private hand: Timed = { t: Number.NaN, r: undefined };
  private handIsFirst = true;

  constructor(context: OperatorContext, spec: IntervalJoinSpec) {
    const drop = { timer: (time: number) => this.drop(time) } satisfies KeyedFunctions;
    super(context, drop, { firsts: map<number, Timed[]>(), seconds: map<number, Timed[]>() });
    this.spec = spec;
    this.firsts = this.scope.state.firsts as Side;
    this.seconds = this.scope.state.seconds as Side;
  }

  element(record: unknown, timestamp: number): void {
    this.meet(record, timestamp, true);
  }

  second(record: unknown, timestamp: number): void {
    this.meet(record, timestamp, false);
  }

  override proceed(): boolean {
    return this.give() && super.proceed();
  }

  private meet(record: unknown, timestamp: number, isFirst: boolean): void {
    if (Number.isNaN(timestamp)) refuseUnstamped();
    if (timestamp < this.scope.watermark) {
      this.context.counters.lateRecordsDropped++;
      return;
    }
    const { keys, lower, upper } = this.spec;
    this.select(isFirst ? keys[0](record) : keys[1](record), timestamp);
    const hand = { t: timestamp, r: record };
    this.keep(hand, isFirst ? this.firsts : this.seconds, isFirst ? upper : -lower);
    if (isFirst) this.find(this.seconds, timestamp + lower, timestamp + upper);
    else this.find(this.firsts, timestamp - upper, timestamp - lower);
    this.hand = hand;
    this.handIsFirst = isFirst;
    this.give();
  }

  /** Until a record `reach` after it can only be late. */
  private keep(hand: Timed, side: Side, reach: number): void {
    const millisecond = Math.ceil(hand.t);
    const until = millisecond + (reach < 0 ? reach + 1 : reach);
    // Whatever it could meet is late already.
    if (reach < 0 && until <= this.scope.watermark) return;
    const known = side.get(millisecond);
    side.set(millisecond, known === undefined ? [hand] : known.concat(hand));
    this.scope.timers.eventTime(until);
  }

  private drop(time: number): void {
    const { lower, upper } = this.spec;
    this.firsts.delete(upper < 0 ? time - upper - 1 : time - upper);
    this.seconds.delete(lower > 0 ? time + lower - 1 : time + lower);
  }

  /** The records from `from` to `to`, earlier ones first, equal ones as they came. */
  private find(side: Side, from: number, to: number): void {
    const { matches } = this;
    const size = side.size;
    if (size === 0) return;
    const last = Math.ceil(to);
    if (last - from < size) {
      for (let millisecond = Math.ceil(from); millisecond <= last; millisecond++) {
        const found = side.get(millisecond);
        if (found !== undefined) take(matches, found, from, to);
      }
    } else for (const found of side.values()) take(matches, found, from, to);
    if (matches.length > 1) matches.sort(byTime);
  }

  /** Emits until the gate says to suspend inside the record in hand. */
  private give(): boolean {
    const { matches, hand, handIsFirst, context, spec } = this;
    if (matches.length === 0) return true;
    const { join } = spec;
    const { gate, out } = context;
    while (this.at < matches.length) {
      if (gate.level > 1) return false;
      const match = matches[this.at++]!;
      const result: unknown = handIsFirst ? join(hand.r, match.r) : join(match.r, hand.r);
      refusePromise(result);
      out(result, Math.max(match.t, hand.t));
    }
    matches.length = 0;
    this.at = 0;
    return true;
  }
}

function take(matches: Timed[], found: readonly Timed[], from: number, to: number): void {
  for (let i = 0; i < found.length; i++) {
    const each = found[i]!;
    if (each.t >= from && each.t <= to) matches.push(each);
  }
}

function byTime(one: Timed, other: Timed): number {
  return one.t - other.t;
}
