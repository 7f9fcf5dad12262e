/** Ways to bring records from one thread to another: each a sending and a receiving half. */
import type { MessagePort } from "node:worker_threads";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/umd/node-adapter.js";
import { Packr } from "msgpackr";
import { FRAME_BYTES } from "../../lib/base/limits.js";
import type { FrameSink } from "../../lib/codec/contract.js";
import { createRecordReader } from "../../lib/codec/record-reader.js";
import { createRecordWriter } from "../../lib/codec/record-writer.js";
import { END, FrameSender, type RingMemories, receiveFrames } from "./frames.js";
import { POOL } from "./records.js";

export interface Ends {
  readonly port: MessagePort;
  readonly memories: RingMemories;
}

/** The records to send, again and again. */
type Pool = readonly unknown[];
type Take = (record: unknown) => void;

/** One half of a carrier lives as long as its thread, as the channels of a job do. */
export interface Carrier {
  send(ends: Ends, records: number, pool: Pool): Promise<void>;
  receive(ends: Ends, records: number, take: Take): Promise<void>;
}

const BATCH = 256;
const CALL = 1000;
/** Batches on their way before the sender waits for a word from the receiver. */
const AHEAD = 32;

const endpoint = nodeEndpoint as unknown as (port: MessagePort) => Comlink.Endpoint;
const structures = () =>
  new Packr({ structuredClone: false, bundleStrings: true, useRecords: true } as object);

/** `frameBytes`: of our codec; default: the engine's. */
export const carriers: Readonly<Record<string, (frameBytes?: number) => Carrier>> = {
  "ring + generated codec": generated,
  "ring + msgpackr": packedInRing,
  "postMessage batches": () =>
    overPort(
      (rows) => [rows, []],
      (message) => message as unknown[],
    ),
  "transferred buffers + msgpackr": transferred,
  "comlink calls": () => ({
    async send({ port }, records, pool) {
      const remote = Comlink.wrap<{ take(rows: unknown[]): void }>(endpoint(port));
      for (let i = 0; i < records; i += CALL) await remote.take(batch(pool, i, records, CALL));
    },
    async receive({ port }, records, take) {
      await new Promise<void>((resolve) => {
        let taken = 0;
        const all = (rows: unknown[]) => {
          for (const row of rows) take(row);
          taken += rows.length;
          if (taken === records) setImmediate(resolve);
        };
        Comlink.expose({ take: all }, endpoint(port));
      });
    },
  }),
};

function generated(frameBytes = FRAME_BYTES): Carrier {
  let sender: FrameSender;
  let taker: Take;
  const frame: FrameSink["frame"] = (kind, bytes, length, count) => {
    sender.send(kind, bytes, length, count);
  };
  const writer = createRecordWriter({ frame }, { frameBytes });
  const reader = createRecordReader((record) => taker(record), { level: 0 });
  return {
    async send({ memories }, records, pool) {
      sender = new FrameSender(memories);
      for (let i = 0; i < records; i++) {
        writer.write(pool[i & (POOL - 1)], i, i & 127);
        if (sender.blocked) await sender.drain();
      }
      writer.flush();
      sender.send(END, Buffer.alloc(8), 0, 0);
      await sender.drain();
    },
    async receive({ memories }, _records, take) {
      taker = take;
      await receiveFrames(memories, ({ kind, memory, offset, length }) => {
        reader.open(kind as 1, memory, offset, length);
        while (reader.remaining > 0) reader.drain(1 << 20);
      });
    },
  };
}

function packedInRing(): Carrier {
  const packr = structures();
  return {
    async send({ memories }, records, pool) {
      const sender = new FrameSender(memories);
      for (let i = 0; i < records; i += BATCH) {
        const bytes = packr.pack(batch(pool, i, records));
        sender.send(2, bytes, bytes.length, BATCH);
        if (sender.blocked) await sender.drain();
      }
      sender.send(END, Buffer.alloc(8), 0, 0);
      await sender.drain();
    },
    async receive({ memories }, _records, take) {
      await receiveFrames(memories, ({ memory, offset, length }) => {
        const rows = packr.unpack(Buffer.from(memory.bytes.subarray(offset, offset + length))) as unknown[];
        for (const row of rows) take(row);
      });
    },
  };
}

function batch(pool: Pool, first: number, records: number, size = BATCH): unknown[] {
  const rows: unknown[] = [];
  for (let i = first; i < first + size && i < records; i++) rows.push(pool[i & (POOL - 1)]);
  return rows;
}

function transferred(): Carrier {
  const [sending, receiving] = [structures(), structures()];
  return overPort(
    (rows) => {
      const packed = sending.pack(rows);
      const bytes = new Uint8Array(packed.length);
      bytes.set(packed);
      return [bytes, [bytes.buffer]];
    },
    (message) => receiving.unpack(Buffer.from((message as Uint8Array).buffer)) as unknown[],
  );
}

/** Batches by postMessage, a bounded number ahead of the receiver. */
function overPort(
  pack: (rows: unknown[]) => [message: unknown, transfer: ArrayBuffer[]],
  unpack: (message: unknown) => unknown[],
): Carrier {
  return {
    async send({ port }, records, pool) {
      let ahead = 0;
      let resume: (() => void) | undefined;
      port.on("message", () => {
        ahead--;
        resume?.();
      });
      for (let i = 0; i < records; i += BATCH) {
        const [message, transfer] = pack(batch(pool, i, records));
        port.postMessage(message, transfer);
        ahead++;
        while (ahead >= AHEAD) {
          await new Promise<void>((resolve) => {
            resume = resolve;
          });
        }
      }
    },
    async receive({ port }, records, take) {
      await new Promise<void>((resolve) => {
        let taken = 0;
        port.on("message", (message) => {
          const rows = unpack(message);
          for (const row of rows) take(row);
          taken += rows.length;
          port.postMessage(0);
          if (taken === records) resolve();
        });
      });
    },
  };
}
