/** Queries as pipelines of node:stream in object mode: a chunk is a record, or a batch of records. */
import { Readable, Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Bid, Digest, NexmarkEvent } from "../../lib/index.js";
import { BATCH_RECORDS, type Request } from "./contract.js";
import { Events } from "./events.js";
import { isBid, type Keeper, type Query } from "./queries.js";
import { Rows } from "./rows.js";

export async function runStream(query: Query, request: Request): Promise<Digest | undefined> {
  const rows = new Rows(request);
  const events = new Events(request.events);
  const source = sourceOf(() => events.one());
  const stages =
    "keeper" in query
      ? [filtering(isBid), keeping(query.keeper())]
      : [filtering(isBid), ...(query.keeps ? [filtering(query.keeps)] : []), mapping(query.project)];
  await pipeline([source, ...stages, sinkInto(rows.emit)]);
  return rows.digest;
}

export async function runStreamBatches(query: Query, request: Request): Promise<Digest | undefined> {
  const rows = new Rows(request);
  const events = new Events(request.events);
  const source = sourceOf(() => events.batch(BATCH_RECORDS));
  const bids = mapping((batch: NexmarkEvent[]) => batch.filter(isBid));
  const stages = "keeper" in query ? [bids, keepingBatches(query.keeper())] : [bids, ...selecting(query)];
  const emitAll = (batch: unknown[]) => {
    for (const row of batch) rows.emit(row);
  };
  await pipeline([source, ...stages, sinkInto(emitAll)]);
  return rows.digest;
}

function selecting({ keeps, project }: Extract<Query, { project: any }>): Transform[] {
  const kept = keeps === undefined ? [] : [mapping((batch: Bid[]) => batch.filter(keeps))];
  return [...kept, mapping((batch: Bid[]) => batch.map(project))];
}

function sourceOf(next: () => unknown): Readable {
  return new Readable({
    objectMode: true,
    read() {
      for (;;) {
        const chunk = next();
        if (!this.push(chunk ?? null) || chunk === undefined) return;
      }
    },
  });
}

function filtering(predicate: (record: any) => boolean): Transform {
  return new Transform({
    objectMode: true,
    transform(record, _encoding, done) {
      if (predicate(record)) done(null, record);
      else done();
    },
  });
}

function mapping(transform: (chunk: any) => unknown): Transform {
  return new Transform({
    objectMode: true,
    transform(chunk, _encoding, done) {
      done(null, transform(chunk));
    },
  });
}

function keeping(keeper: Keeper): Transform {
  return new Transform({
    objectMode: true,
    transform(bid: Bid, _encoding, done) {
      keeper.add(bid, (row) => this.push(row));
      done();
    },
    flush(done) {
      keeper.end((row) => this.push(row));
      done();
    },
  });
}

function keepingBatches(keeper: Keeper): Transform {
  return new Transform({
    objectMode: true,
    transform(bids: Bid[], _encoding, done) {
      const rows: unknown[] = [];
      for (const bid of bids) keeper.add(bid, (row) => rows.push(row));
      if (rows.length > 0) done(null, rows);
      else done();
    },
    flush(done) {
      const rows: unknown[] = [];
      keeper.end((row) => rows.push(row));
      done(null, rows);
    },
  });
}

function sinkInto(take: (chunk: any) => void): Writable {
  return new Writable({
    objectMode: true,
    write(chunk, _encoding, done) {
      take(chunk);
      done();
    },
  });
}
