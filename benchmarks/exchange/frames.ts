/** Frames through a ring between two threads: what the engine's channels do, without the engine. */
import { Doorbell } from "../../lib/exchange/doorbell.js";
import { RingReader, RingWriter } from "../../lib/exchange/ring.js";

export interface RingMemories {
  readonly ring: SharedArrayBuffer;
  readonly senderBell: SharedArrayBuffer;
  readonly receiverBell: SharedArrayBuffer;
}

/** Frame kind that ends a run. */
export const END = 19;

/** As the engine's hosts: a spin, a few turns of the event loop, then sleep. */
const SPINS = 200;
const TURNS = 8;

async function rest(bell: Doorbell, ready: () => boolean): Promise<void> {
  for (let i = 0; i < SPINS; i++) if (ready()) return;
  for (let i = 0; i < TURNS; i++) {
    await new Promise(setImmediate);
    if (ready()) return;
  }
  const rung = bell.sleep();
  if (!ready() && rung !== undefined) await rung;
  bell.awake();
}

export class FrameSender {
  private readonly writer: RingWriter;
  private readonly bell: Doorbell;
  private waiting: { kind: number; records: number; bytes: Buffer }[] = [];

  constructor({ ring, senderBell, receiverBell }: RingMemories) {
    this.writer = new RingWriter(ring, new Doorbell(receiverBell));
    this.bell = new Doorbell(senderBell);
  }

  get blocked(): boolean {
    return this.waiting.length > 0;
  }

  send(kind: number, bytes: Buffer, length: number, records: number): void {
    if (this.waiting.length === 0 && this.writer.tryWrite(kind, records, bytes, length)) return;
    this.waiting.push({ kind, records, bytes: Buffer.from(bytes.subarray(0, length)) });
  }

  async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      const { kind, records, bytes } = this.waiting[0]!;
      if (this.writer.tryWrite(kind, records, bytes, bytes.length)) this.waiting.shift();
      else await rest(this.bell, () => this.writer.inFlightBytes === 0);
    }
    this.writer.ring();
  }
}

/** Calls back for each frame until the end. */
export async function receiveFrames(
  { ring, senderBell, receiverBell }: RingMemories,
  frame: (reader: RingReader) => void,
): Promise<void> {
  const reader = new RingReader(ring, new Doorbell(senderBell));
  const bell = new Doorbell(receiverBell);
  for (;;) {
    if (!reader.peek()) {
      await rest(bell, () => reader.availableBytes > 0);
      continue;
    }
    if (reader.kind === END) {
      reader.release();
      return;
    }
    frame(reader);
    reader.release();
  }
}
