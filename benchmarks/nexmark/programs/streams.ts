/** What every query begins with. */
import type {
  Auction,
  Bid,
  DataStream,
  Environment,
  NexmarkEvent,
  Person,
  SinkDefinition,
} from "../../../lib/index.js";

/** Adds a query to a job: what it answers goes to a sink of the name "out". */
export type QueryProgram = (
  events: DataStream<NexmarkEvent>,
  sink: SinkDefinition<any>,
  env: Environment,
) => void;

export function bidsOf(events: DataStream<NexmarkEvent>): DataStream<Bid> {
  return events.filter((event): event is Bid => event.kind === "bid");
}

export function auctionsOf(events: DataStream<NexmarkEvent>): DataStream<Auction> {
  return events.filter((event): event is Auction => event.kind === "auction");
}

export function personsOf(events: DataStream<NexmarkEvent>): DataStream<Person> {
  return events.filter((event): event is Person => event.kind === "person");
}
