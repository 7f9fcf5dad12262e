import type { LatencyCounter } from "../metrics/latencies.js";
import type { LatencyMarker } from "./latency-marker.js";
import type { Output } from "./outputs.js";

export interface LatencyOptions {
  readonly vertex: number;
  readonly intervalMs: number;
  readonly counter: LatencyCounter;
  readonly wallNow: () => number;
}

/** The markers of one task. */
export class LatencyMarkers {
  private readonly options: LatencyOptions;
  /** By edge: its channels, and which of them had the last marker. */
  private edges: { readonly channels: readonly Output[]; last: number }[] = [];
  private due = Number.NEGATIVE_INFINITY;

  constructor(options: LatencyOptions) {
    this.options = options;
  }

  wire(edges: readonly (readonly Output[])[]): void {
    this.edges = edges.filter(({ length }) => length > 0).map((channels) => ({ channels, last: -1 }));
  }

  /** At a source, once a turn: sends a marker when it is time. */
  turn(steady: number): void {
    if (steady < this.due) return;
    const { vertex, intervalMs, wallNow } = this.options;
    this.due = steady + intervalMs;
    this.send({ source: vertex, at: wallNow() });
  }

  /** A marker has come. */
  take(marker: LatencyMarker): void {
    this.options.counter.add(marker.source, this.options.wallNow() - marker.at);
    this.send(marker);
  }

  /** Each edge gives a marker to one of its channels, in turn: else there would be more of them at every exchange. */
  private send(marker: LatencyMarker): void {
    for (const edge of this.edges) {
      edge.last = (edge.last + 1) % edge.channels.length;
      edge.channels[edge.last]!.latency(marker);
    }
  }
}
