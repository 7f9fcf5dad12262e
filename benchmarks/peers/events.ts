import { NexmarkGenerator } from "../../lib/connectors/nexmark/generator.js";
import type { NexmarkEvent } from "../../lib/index.js";
import { RATE } from "./contract.js";

/** Hands out the events in order, one by one or in batches; undefined after the last. */
export class Events {
  private readonly generator = new NexmarkGenerator(RATE);
  private readonly events: number;
  private next = 0;

  constructor(events: number) {
    this.events = events;
  }

  one(): NexmarkEvent | undefined {
    return this.next < this.events ? this.generator.event(this.next++) : undefined;
  }

  batch(size: number): NexmarkEvent[] | undefined {
    if (this.next === this.events) return undefined;
    const batch: NexmarkEvent[] = [];
    const end = Math.min(this.next + size, this.events);
    while (this.next < end) batch.push(this.generator.event(this.next++));
    return batch;
  }
}
