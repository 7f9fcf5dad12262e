/**
 * How long latency markers were on their way, counted per subtask and source in shared memory as the rounds of the
 * hosts' loops are (round-times.ts). Single writer of a row: the slot that runs the subtask.
 */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import { createRoundTimes, RoundCounter, RoundTimes } from "./round-times.js";

/** How long records take from a source to an operator, ms, to an eighth, by markers that travel among them. */
export interface Latency {
  /** Markers that have come. */
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** The option `latencyTracking` of a run. Throws OPTION_INVALID. */
export function latencyOption(interval: Duration | undefined): { latencyIntervalMs?: number } {
  if (interval === undefined) return {};
  const latencyIntervalMs = durationMs(interval, "latencyTracking");
  if (latencyIntervalMs > 0) return { latencyIntervalMs };
  throw new MillraceError("OPTION_INVALID", `latencyTracking: ${interval} is not above zero`);
}

/** `sources`: numbers of sources are below it. */
export function createLatencies(rows: number, sources: number): SharedArrayBuffer {
  return createRoundTimes(rows * sources);
}

/** One subtask's row. */
export class LatencyCounter {
  private readonly counters: readonly RoundCounter[];

  constructor(memory: SharedArrayBuffer, row: number, sources: number) {
    this.counters = Array.from(
      { length: sources },
      (_, source) => new RoundCounter(memory, row * sources + source),
    );
  }

  add(source: number, ms: number): void {
    this.counters[source]!.add(Math.max(0, ms));
  }
}

/** The sources of which markers have come to a subtask, by name; `sources` are the vertices. */
export function latenciesOf(
  memory: SharedArrayBuffer,
  row: number,
  sources: readonly { readonly operators: readonly { readonly name: string }[] }[],
): Readonly<Record<string, Latency>> {
  const found = sources.map(({ operators }, source) => {
    const times = RoundTimes.read(memory, row * sources.length + source);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => times.quantile(share)) as [
      number,
      number,
      number,
    ];
    return [operators[0]!.name, { count: times.count, p50, p95, p99, max: times.longest }] as const;
  });
  return Object.fromEntries(found.filter(([, { count }]) => count > 0));
}
