/** Two threads, batches of events from one to the other by structured clone, with credit. */
import type { MessagePort } from "node:worker_threads";
import type { Digest, NexmarkEvent } from "../../lib/index.js";
import { BATCH_RECORDS, type Request } from "./contract.js";
import { Events } from "./events.js";
import { BatchLoop, type Query } from "./queries.js";
import { Rows } from "./rows.js";

/** Batches in flight. */
const CREDIT = 32;
/** Credit goes back in lots: a message each way per batch would measure messages. */
const LOT = 8;

export async function generate(port: MessagePort, { events }: Request): Promise<undefined> {
  const source = new Events(events);
  await new Promise<void>((resolve) => {
    let credit = CREDIT;
    const pump = () => {
      while (credit-- > 0) {
        const batch = source.batch(BATCH_RECORDS);
        port.postMessage(batch);
        if (batch !== undefined) continue;
        port.off("message", more);
        resolve();
        return;
      }
      credit = 0;
    };
    const more = (message: unknown) => {
      if (message === LOT) {
        credit += LOT;
        pump();
      }
    };
    port.on("message", more);
    pump();
  });
}

/** Listens from the start: a batch may come before the request does. */
export function consumer(query: Query, port: MessagePort): (request: Request) => Promise<Digest | undefined> {
  const early: (NexmarkEvent[] | undefined)[] = [];
  let take: (batch: NexmarkEvent[] | undefined) => void = (batch) => early.push(batch);
  port.on("message", (batch: NexmarkEvent[] | undefined) => take(batch));
  return (request) =>
    new Promise((resolve) => {
      const rows = new Rows(request);
      const loop = new BatchLoop(query, rows.emit);
      let taken = 0;
      take = (batch) => {
        if (batch !== undefined) {
          loop.batch(batch);
          if (++taken % LOT === 0) port.postMessage(LOT);
          return;
        }
        loop.end();
        take = (each) => early.push(each);
        resolve(rows.digest);
      };
      for (const batch of early.splice(0)) take(batch);
    });
}
