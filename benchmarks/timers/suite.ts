/**
 * Timers of a keyed process function, the operator alone over the heap backend: what it costs to register one for each
 * record and to fire them all, in event and processing time; and how long a full snapshot of a million of them, packed
 * in slices between the records, holds them up: the least of the runs, as a busy machine only adds to it. ns are of CPU
 * time, medians of runs in one process. Target: below 1 us each.
 */
import { SNAPSHOT_SLICE_MS } from "../../lib/base/limits.js";
import { EntryWriter } from "../../lib/checkpoint/entries.js";
import type { Operator, OperatorContext } from "../../lib/operators/contract.js";
import { keyedProcessLogic } from "../../lib/operators/keyed-process.js";
import type { KeyedProcessContext } from "../../lib/operators/process-context.js";
import type { StatePart } from "../../lib/state/contract.js";
import { median, quantile, rounded } from "../measure.js";
import { Report } from "../report.js";

export interface TimerSuiteOptions {
  readonly timers: number;
  readonly pairs: number;
  readonly json: boolean;
}

interface Row {
  readonly key: number | string;
  /** When its timer fires. */
  readonly due: number;
}

type Domain = "event" | "processing";
/** Times that come in order, as "a minute after the record", and in none. */
type Order = "ascending" | "shuffled";

interface Case {
  readonly domain: Domain;
  readonly order: Order;
  readonly keys: number;
  readonly kind: "integer" | "text";
}

/** Records between two slices of a snapshot: a turn's worth. */
const TURN_RECORDS = 512;

export async function timers({ timers: count, pairs, json }: TimerSuiteOptions): Promise<void> {
  const report = new Report(json);
  const base = { order: "ascending", keys: count, kind: "integer" } as const;
  const cases: readonly Case[] = [
    { ...base, domain: "event" },
    { ...base, domain: "event", order: "shuffled" },
    { ...base, domain: "event", kind: "text" },
    { ...base, domain: "event", order: "shuffled", keys: Math.ceil(count / 100) },
    { ...base, domain: "processing" },
    { ...base, domain: "processing", order: "shuffled" },
  ];
  for (const each of cases)
    report.row({ row: "register and fire", timers: count, ...each, ...cost(each, count, pairs) });
  for (const order of ["ascending", "shuffled"] as const) {
    const each: Case = { ...base, domain: "event", order };
    report.row({ row: "snapshot", timers: count, ...each, ...stalls(each, count, pairs) });
  }
}

function cost(each: Case, count: number, runs: number) {
  const rows = rowsOf(each, count);
  const bare: number[] = [];
  const register: number[] = [];
  const fire: number[] = [];
  // The first run warms the code up.
  for (let run = 0; run <= runs; run++) {
    const without = new Run(each.domain, false);
    const alone = nsOf(() => without.give(rows));
    const { given, fired, number } = playThrough(each, rows);
    if (number !== count) throw new Error(`${number} of ${count} timers have fired`);
    if (run === 0) continue;
    bare.push(alone / count);
    register.push(given / count);
    fire.push(fired / count);
  }
  const ns = (values: readonly number[]) => rounded(median(values), 0);
  return {
    "ns a record without": ns(bare),
    "ns a register": ns(register),
    "ns a fire": ns(fire),
    "register + fire, us": rounded((median(register) + median(fire)) / 1000),
  };
}

function playThrough({ domain }: Case, rows: readonly Row[]) {
  const run = new Run(domain, true);
  const given = nsOf(() => run.give(rows));
  const fired = nsOf(() => run.fireAll());
  return { given, fired, number: run.fired };
}

/** A full snapshot while more records come and some timers fire: the longest that it holds them up at once. */
function stalls(each: Case, count: number, runs: number) {
  const rows = rowsOf(each, count);
  const freeze: number[] = [];
  const longest: number[] = [];
  const usual: number[] = [];
  const packing: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const playing = new Run(each.domain, true);
    playing.give(rows);
    const begun = performance.now();
    const writer = new EntryWriter("bench");
    const frozen = playing.part.freeze("full", writer);
    const froze = performance.now() - begun;
    const slices: number[] = [];
    let work = 0;
    for (let turn = 0, done = false; !done; turn++) {
      const from = performance.now();
      const cpu = nsOf(() => {
        done = frozen.pack(() => performance.now() - from >= SNAPSHOT_SLICE_MS);
      });
      // The collector's other threads count as CPU, other processes as time: neither is more than the truth by both.
      slices.push(Math.min(performance.now() - from, cpu / 1e6));
      work += slices.at(-1)!;
      playing.turn(turn, count);
    }
    if (writer.entries !== count) throw new Error(`the snapshot has ${writer.entries} of ${count} timers`);
    if (run === 0) continue;
    freeze.push(froze);
    longest.push(Math.max(...slices));
    usual.push(quantile(slices, 0.95));
    packing.push(work);
  }
  return {
    "ms to freeze": rounded(Math.min(...freeze), 3),
    "longest slice, ms": rounded(Math.min(...longest)),
    "p95 slice, ms": rounded(Math.min(...usual)),
    "ns of packing a timer": rounded((Math.min(...packing) * 1e6) / count, 0),
  };
}

function rowsOf({ order, keys, kind }: Case, count: number): Row[] {
  return Array.from({ length: count }, (_, i): Row => {
    // A prime that shares no factor with the number of timers: each time comes once.
    const due = order === "ascending" ? i : (i * 7_368_787) % count;
    const key = (i * 31) % keys;
    return { key: kind === "integer" ? key : `user-${key}`, due };
  });
}

/** A keyed process function that registers a timer for each record, and counts those that fire. */
class Run {
  fired = 0;
  readonly part: StatePart;
  private readonly operator: Operator;
  private readonly parts: StatePart[] = [];
  private wall = Number.NEGATIVE_INFINITY;

  constructor(domain: Domain, registers: boolean) {
    const element = registers
      ? domain === "event"
        ? (row: Row, ctx: KeyedProcessContext<unknown>) => ctx.timers.eventTime(row.due)
        : (row: Row, ctx: KeyedProcessContext<unknown>) => ctx.timers.processingTime(row.due)
      : () => undefined;
    const logic = keyedProcessLogic({
      key: (row: Row) => row.key,
      state: {},
      functions: { element, timer: () => void this.fired++ },
    });
    const context = {
      maxParallelism: 128,
      parallelism: 1,
      subtask: 0,
      gate: { level: 0 },
      counters: { lateRecordsDropped: 0 },
      out() {},
      wake() {},
      lifecycle: () => ({}),
      now: () => performance.now(),
      wallNow: () => this.wall,
      parts: { declare: (part: StatePart) => this.parts.push(part) },
    };
    this.operator = logic.create!(context as unknown as OperatorContext);
    this.part = this.parts[0]!;
  }

  give(rows: readonly Row[]): void {
    const { operator } = this;
    for (const row of rows) operator.element(row, row.due, 0);
  }

  /** Event time and the clock come to their ends, in as many turns as that takes. */
  fireAll(): void {
    const { operator } = this;
    while (!operator.advance!(Number.POSITIVE_INFINITY));
    this.wall = Number.POSITIVE_INFINITY;
    const before = () => this.fired;
    for (let was = -1; was !== before(); ) {
      was = before();
      operator.rest!(0);
      operator.proceed!();
    }
  }

  /** What goes on beside a snapshot: new timers behind all others, and the first ones fire. */
  turn(number: number, count: number): void {
    for (let i = 0; i < TURN_RECORDS; i++) {
      const due = count + number * TURN_RECORDS + i;
      this.operator.element({ key: due, due }, due, 0);
    }
    this.operator.advance!((number + 1) * TURN_RECORDS);
  }
}

/** Of CPU time: the machine may be busy with other things. */
function nsOf(what: () => void): number {
  const begun = process.cpuUsage();
  what();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) * 1000;
}
