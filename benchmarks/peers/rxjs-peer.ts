import { filter, lastValueFrom, map, Observable, tap } from "rxjs";
import type { Bid, Digest, NexmarkEvent } from "../../lib/index.js";
import type { Request } from "./contract.js";
import { Events } from "./events.js";
import { isBid, type Keeper, type Query } from "./queries.js";
import { Rows } from "./rows.js";

/** A query as an rxjs pipe. */
export async function runRxjs(query: Query, request: Request): Promise<Digest | undefined> {
  const rows = new Rows(request);
  const bids = eventsOf(request.events).pipe(filter(isBid));
  const out = "keeper" in query ? keep(bids, query.keeper()) : select(bids, query);
  await lastValueFrom(out.pipe(tap(rows.emit)), { defaultValue: undefined });
  return rows.digest;
}

function eventsOf(count: number): Observable<NexmarkEvent> {
  return new Observable((subscriber) => {
    const events = new Events(count);
    for (let event = events.one(); event !== undefined; event = events.one()) subscriber.next(event);
    subscriber.complete();
  });
}

function select(bids: Observable<Bid>, { keeps, project }: Extract<Query, { project: any }>) {
  return (keeps === undefined ? bids : bids.pipe(filter(keeps))).pipe(map(project));
}

function keep(bids: Observable<Bid>, keeper: Keeper): Observable<unknown> {
  return new Observable((subscriber) => {
    const emit = (row: unknown) => subscriber.next(row);
    return bids.subscribe({
      next: (bid) => keeper.add(bid, emit),
      error: (error) => subscriber.error(error),
      complete() {
        keeper.end(emit);
        subscriber.complete();
      },
    });
  });
}
