/** A small program whose rows are known beforehand, whatever the order in which things happen. */
import type { Environment } from "../../api/environment.js";
import type { DataStream, Operator } from "../../api/streams.js";
import type { SinkDefinition } from "../../sink/contract.js";
import { watermarks } from "../../time/watermarks.js";
import type { Abilities, Hook, SimPlan } from "../plan.js";
import { DISORDER_MS, type ReplayOptions, recordsOf, type SimRecord } from "../replay-source.js";

/** What a topology is built with. */
export interface Kit {
  readonly plan: SimPlan;
  readonly env: Environment;
  /** `group`: of slots, where it is not the default. */
  source(options: ReplayOptions, group?: string, strategy?: typeof WATERMARKS): DataStream<SimRecord>;
  /**
   * Sources one after the other as one; all but the first are made when the one before has ended, and every second one
   * tells event time in a way of its own.
   */
  chain(name: string, sources: readonly ReplayOptions[]): DataStream<SimRecord>;
  sink(name: string): SinkDefinition<any>;
  /** A user's function is called: it may throw. */
  hook(hook: Hook): void;
  /** A service takes its time to answer. */
  answer(): Promise<void>;
}

/** Committed rows by sink. */
export type Rows = Readonly<Record<string, readonly any[]>>;

export interface Topology {
  readonly name: string;
  readonly abilities: Abilities;
  readonly sinks: readonly string[];
  sources(plan: SimPlan): readonly ReplayOptions[];
  build(kit: Kit): void;
  /** Of a topology without memory: what one record leads to. */
  readonly rowsOf?: (record: SimRecord) => Rows;
  /** Of others: what is wrong with the rows. */
  readonly check?: (rows: Rows, plan: SimPlan) => string[];
}

export const WATERMARKS = watermarks.boundedOutOfOrderness<SimRecord>(DISORDER_MS + 1, ({ time }) => time);

/** Lags further behind than it has to. */
export const LAGGING = watermarks.boundedOutOfOrderness<SimRecord>(DISORDER_MS + 90, ({ time }) => time);

/** As `WATERMARKS`; the sources of a topology keep together. */
export const ALIGNED = watermarks.boundedOutOfOrderness<SimRecord>(DISORDER_MS + 1, ({ time }) => time, {
  alignment: { group: "sources", maxDrift: 100, updateInterval: 7 },
});

/** A source as the plan says; `share` of its records. */
export function source(plan: SimPlan, name: string, share = 1): ReplayOptions {
  return { name, splits: plan.splits, records: Math.max(1, Math.floor(plan.records * share)) };
}

/** In slots of its own, where the plan wants that. */
export function apart<T>(kit: Kit, operator: Operator<T>): Operator<T> {
  return kit.plan.spread ? operator.slotSharingGroup("apart") : operator;
}

/** All records of a topology's sources. */
export function allRecords(topology: Pick<Topology, "sources">, plan: SimPlan): SimRecord[] {
  return topology.sources(plan).flatMap(recordsOf);
}

/** Rows that are missing or too many, the first few of them. */
export function differences(
  what: string,
  actual: readonly unknown[],
  expected: readonly unknown[],
): string[] {
  const counts = new Map<string, number>();
  const count = (rows: readonly unknown[], by: number) => {
    for (const row of rows) {
      const text = JSON.stringify(row);
      counts.set(text, (counts.get(text) ?? 0) + by);
    }
  };
  count(expected, -1);
  count(actual, 1);
  const wrong = [...counts].filter(([, excess]) => excess !== 0);
  const shown = wrong.slice(0, 3).map(([row, excess]) => `${excess > 0 ? `+${excess}` : excess} ${row}`);
  return wrong.length === 0 ? [] : [`${what}: ${wrong.length} rows differ: ${shown.join("; ")}`];
}

/** Groups by a text and sums. */
export function sumBy<T>(rows: readonly T[], key: (row: T) => string, of: (row: T) => number) {
  const sums = new Map<string, number>();
  for (const row of rows) sums.set(key(row), (sums.get(key(row)) ?? 0) + of(row));
  return sums;
}
