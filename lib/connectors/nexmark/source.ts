import { MillraceError } from "../../base/error.js";
import type {
  ReaderContext,
  SourceDefinition,
  SourcePosition,
  SourceReader,
  Split,
} from "../../source/contract.js";
import { StaticEnumerator } from "../../source/static-enumerator.js";
import { disorder } from "./disorder.js";
import { EPOCH_EVENTS, NexmarkGenerator } from "./generator.js";
import type { NexmarkEvent } from "./records.js";

/** What `nexmarkSource` takes. */
export interface NexmarkOptions {
  /** How many events in all; the stream never ends without it. */
  readonly events?: number;
  /** Events per second of event time: how much time a number of events covers. Default 10,000. */
  readonly rate?: number;
  /** Size of the groups within which events are shuffled, in events; 1 (default) keeps them in order. */
  readonly disorder?: number;
  /** Into how many splits the stream is cut; also the highest parallelism. Default 128. */
  readonly lanes?: number;
}

/** Every S-th epoch of 50 events. */
export interface Lane extends Split {
  /** The place in the stream of its next event: what is given is the event that `disorder` puts there. */
  readonly next: number;
  /** From one of its epochs to the next, in epochs; here because the option may change. */
  readonly step: number;
}

/**
 * The event stream of the Nexmark benchmark: persons, auctions and bids of an auction house, 1 : 3 : 46.
 * The events depend on their ids only, so the stream is the same at any parallelism and in any run.
 *
 * @example
 * env.source("events", nexmarkSource({ events: 100_000 }), {
 *   watermarks: watermarks.boundedOutOfOrderness("4s", (e) => e.dateTime),
 * });
 *
 * Throws OPTION_INVALID. Source: github.com/nexmark/nexmark (proportions, skew, fields).
 */
export function nexmarkSource(options: NexmarkOptions = {}): SourceDefinition<NexmarkEvent, Lane> {
  const settings = {
    events: whole("events", options.events ?? Number.POSITIVE_INFINITY),
    rate: whole("rate", options.rate ?? 10_000),
    disorder: whole("disorder", options.disorder ?? 1),
    lanes: whole("lanes", options.lanes ?? 128),
  };
  const { events, lanes, rate } = settings;
  const isBounded = events !== Number.POSITIVE_INFINITY;
  return {
    kind: "nexmark",
    boundedness: isBounded ? "bounded" : "unbounded",
    replayable: true,
    parallelismMax: lanes,
    description: { events: isBounded ? events : "unbounded", rate, disorder: settings.disorder, lanes },
    createEnumerator: (context) => {
      const all = Array.from({ length: lanes }, (_, i): Lane => {
        return { id: `lane-${i}`, next: i * EPOCH_EVENTS, step: lanes };
      });
      return new StaticEnumerator(all, context, isBounded ? events : undefined);
    },
    createReader: (context) => new NexmarkReader(settings, context),
  };
}

function whole(name: string, value: number): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value > 0)) return value;
  throw new MillraceError("OPTION_INVALID", `nexmarkSource: ${name} is ${value}, not a whole number above 0`);
}

interface OpenLane {
  readonly id: string;
  readonly step: number;
  readonly ordinal: number;
  /** As of a lane; of the lane being read, where its next epoch begins. */
  next: number;
}

class NexmarkReader implements SourceReader<NexmarkEvent, Lane> {
  split = 0;
  consumed = 0;
  private readonly generator: NexmarkGenerator;
  private readonly events: number;
  private readonly group: number;
  private readonly context: ReaderContext;
  /** In the order of their next epochs, the one being read among them: the first is read next. */
  private open: OpenLane[] = [];
  private started = false;
  private ordinals = 0;
  private endedSplits: number[] = [];
  private noMore = false;
  private at = 0;
  private end = 0;

  constructor(settings: Required<NexmarkOptions>, context: ReaderContext) {
    this.generator = new NexmarkGenerator(settings.rate);
    this.events = settings.events;
    this.group = settings.disorder;
    this.context = context;
  }

  start(): void {
    this.started = true;
    this.context.requestSplits();
  }

  addSplits(splits: readonly Lane[]): void {
    for (const { id, next, step } of splits) this.insert({ id, next, step, ordinal: this.ordinals++ });
    if (this.started) this.context.requestSplits();
  }

  noMoreSplits(): void {
    this.noMore = true;
  }

  next(): NexmarkEvent | undefined {
    if (this.at === this.end && !this.nextEpoch()) return undefined;
    this.consumed++;
    const number = this.at++;
    return this.generator.event(this.group === 1 ? number : disorder(number, this.group));
  }

  /** The event's place in the stream. */
  place(): SourcePosition {
    const lane = this.open.find(({ ordinal }) => ordinal === this.split)!;
    return { split: lane.id, position: this.at - 1 };
  }

  takeEndedSplits(): readonly number[] {
    if (this.endedSplits.length === 0) return this.endedSplits;
    const ended = this.endedSplits;
    this.endedSplits = [];
    return ended;
  }

  get ended(): boolean {
    return this.noMore && this.open.length === 0 && this.at === this.end;
  }

  snapshot(): readonly Lane[] {
    const reading = this.at < this.end ? this.split : -1;
    return this.open.map(({ id, next, step, ordinal }) => {
      return { id, next: ordinal === reading ? this.at : next, step };
    });
  }

  async close(): Promise<void> {}

  /** Begins the earliest epoch of this reader's lanes, or goes on in it. */
  private nextEpoch(): boolean {
    for (;;) {
      const lane = this.open.shift();
      if (lane === undefined) return false;
      const first = lane.next;
      if (first >= this.events) {
        this.endedSplits.push(lane.ordinal);
        continue;
      }
      const epoch = first - (first % EPOCH_EVENTS);
      lane.next = epoch + lane.step * EPOCH_EVENTS;
      this.insert(lane);
      this.split = lane.ordinal;
      this.at = first;
      this.end = Math.min(epoch + EPOCH_EVENTS, this.events);
      return true;
    }
  }

  private insert(lane: OpenLane): void {
    let place = this.open.length;
    while (place > 0 && this.open[place - 1]!.next > lane.next) place--;
    this.open.splice(place, 0, lane);
  }
}
