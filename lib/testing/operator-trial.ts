/**
 * One physical operator driven through every variation that it knows of: what our own tests of operators run on. Each
 * call goes through all of them, and every look at what came out compares them with the plain one.
 */
import { MillraceError } from "../base/error.js";
import { copyOf, freeze } from "../base/plain-data.js";
import type { OperatorLogic } from "../operators/contract.js";
import { codecLoop } from "./codec-loop.js";
import { compareAll } from "./expectation.js";
import { Bench, type Saved } from "./operator-bench.js";
import type { Row } from "./rows.js";
import { printRow } from "./rows.js";
import { VARIATIONS, type Variation, type VariationName } from "./variations.js";

/** An operator alone has no chain to be taken out of. */
const ALONE = VARIATIONS.filter(({ carry, unchained }) => carry !== undefined || unchained !== true);

export interface TrialOptions {
  /** Variations that are left out, where what is tested is not what they try. */
  readonly without?: readonly VariationName[];
}

export class OperatorTrial {
  private readonly trials: readonly VariedOperator[];
  private readonly steps: string[] = [];
  private taken = 0;

  /** `make` is called for every attempt of every variation. */
  constructor(make: () => OperatorLogic, { without = [] }: TrialOptions = {}) {
    const variations = ALONE.filter(({ name }) => !without.includes(name));
    this.trials = variations.map((variation) => new VariedOperator(make, variation));
  }

  /** A record of the first input or of the second (1). */
  push(record: unknown, at = Number.NaN, input = 0): this {
    return this.step(`push(${printRow(record)})`, (trial) => trial.push(record, at, input));
  }

  advanceWatermark(watermark: number): this {
    return this.step(`advanceWatermark(${watermark})`, (trial) => trial.advance(watermark));
  }

  /** Wall time is `wall`, ms. */
  setClock(wall: number): this {
    return this.step(`setClock(${wall})`, (trial) => trial.tick(wall));
  }

  end(): this {
    return this.step("end()", (trial) => trial.end());
  }

  /** What has come out since it was last asked. */
  take(): unknown[] {
    return this.takeRows().map(({ record }) => record);
  }

  /** What has come out since it was last asked, with event times. */
  takeRows(): readonly Row[] {
    this.compare();
    const { rows } = this.trials[0]!;
    const fresh = rows.slice(this.taken);
    this.taken = rows.length;
    return fresh;
  }

  /** Event times of all that has come out. */
  get times(): readonly number[] {
    this.compare();
    return this.trials[0]!.rows.map(({ timestamp }) => timestamp);
  }

  /** All that went into side outputs: tag, record, event time. */
  get sides(): readonly (readonly [string, unknown, number])[] {
    this.compare();
    return this.trials[0]!.sides.map(({ record, timestamp }) => [
      ...(record as [string, unknown]),
      timestamp,
    ]);
  }

  get lateRecordsDropped(): number {
    this.compare();
    return this.trials[0]!.late;
  }

  /** The attempt that runs in the plain variation: for a look at its state. */
  get plain(): Bench {
    return this.trials[0]!.bench;
  }

  private compare(): void {
    const { trials, steps } = this;
    const views: [string, (trial: VariedOperator) => readonly Row[]][] = [
      ["the output", ({ rows }) => rows],
      ["the side outputs", ({ sides }) => sides],
      [
        "the number of late records",
        ({ late }) => [{ record: late, timestamp: Number.NaN, step: steps.length }],
      ],
    ];
    for (const [of, view] of views) {
      const all = trials.map((trial) => ({ variation: trial.variation, rows: view(trial) }));
      compareAll({ of, swaps: false, by: ({ record, timestamp }) => [record, timestamp] }, all, steps);
    }
  }

  private step(what: string, take: (trial: VariedOperator) => void): this {
    this.steps.push(what);
    for (const trial of this.trials) {
      try {
        take(trial);
      } catch (error) {
        // The plain variation fails as it would without all this.
        if (trial === this.trials[0]) throw error;
        const { code, message } = MillraceError.is(error)
          ? error
          : { code: "INTERNAL" as const, message: String(error) };
        const where = `variation "${trial.variation.name}", at step ${this.steps.length}, ${what}`;
        throw new MillraceError(code, `${message} (${where})`, { cause: error });
      }
    }
    return this;
  }
}

/** An operator in one variation. */
class VariedOperator {
  readonly variation: Variation;
  readonly rows: Row[] = [];
  /** The record is the tag and what was given. */
  readonly sides: Row[] = [];
  bench: Bench;
  private readonly make: () => OperatorLogic;
  private readonly carry: (record: unknown) => unknown;
  private watermark = Number.NEGATIVE_INFINITY;
  /** What the running attempt went on from. */
  private base: Saved = {};
  private lateBefore = 0;
  /** Came when a restarted attempt was told the watermark again: see JobRun. */
  private early: [Row[], Row][] = [];
  private steps = 0;

  constructor(make: () => OperatorLogic, variation: Variation) {
    const { carry } = variation;
    this.make = make;
    this.variation = variation;
    this.carry = carry === "freeze" ? freeze : carry === "codec" ? codecLoop("operator") : (record) => record;
    this.bench = this.attempt();
    if (variation.restores === true) this.base = this.bench.freeze()();
  }

  get late(): number {
    return this.lateBefore + this.bench.counters.lateRecordsDropped;
  }

  push(record: unknown, at: number, input: number): void {
    const given = this.carry(copyOf(record));
    const { operator } = this.bench;
    this.element(() => (input === 0 ? operator.element(given, at, 0) : operator.second!(given, at, 0)));
  }

  advance(watermark: number): void {
    this.watermark = Math.max(watermark, this.watermark);
    this.giveEarly();
    this.element(() => this.bench.advance(watermark));
  }

  tick(wall: number): void {
    this.element(() => this.bench.tick(wall));
  }

  end(): void {
    this.giveEarly();
    this.bench.advance(Number.POSITIVE_INFINITY);
    this.bench.finish();
    this.gather();
  }

  private element(take: () => void): void {
    take();
    this.bench.settle();
    this.gather();
    if (this.variation.restores === true) this.restart();
    this.steps++;
  }

  private gather(isEarly = false): void {
    const { bench } = this;
    const { times } = bench;
    const give = (list: Row[], record: unknown, timestamp: number) => {
      const row = { record: copyOf(record), timestamp, step: this.steps };
      if (isEarly) this.early.push([list, row]);
      else list.push(row);
    };
    bench.rows.splice(0).forEach((record, i) => {
      give(this.rows, record, times[i]!);
    });
    times.length = 0;
    for (const [tag, record, timestamp] of bench.sides.splice(0)) give(this.sides, [tag, record], timestamp);
    if (this.variation.tiny !== true) return;
    bench.gate.level = 0;
    bench.credit = 1;
  }

  private giveEarly(): void {
    for (const [list, row] of this.early.splice(0)) list.push({ ...row, step: this.steps });
  }

  private attempt(): Bench {
    const bench = new Bench(this.make());
    bench.carry = this.carry;
    bench.closed = 2;
    if (this.variation.tiny === true) {
      bench.refill = 1;
      bench.credit = 1;
      bench.refuses = true;
    }
    return bench;
  }

  /** Another attempt goes on from a snapshot, which is the last one and what has changed since. */
  private restart(): void {
    const { bench } = this;
    const saved = bench.freezeSince(this.base);
    this.lateBefore = this.late;
    this.bench = this.attempt().load(saved);
    this.bench.wall = bench.wall;
    this.bench.steady = bench.steady;
    this.base = this.bench.freeze()();
    if (this.watermark === Number.NEGATIVE_INFINITY) return;
    this.bench.advance(this.watermark);
    this.gather(true);
  }
}
