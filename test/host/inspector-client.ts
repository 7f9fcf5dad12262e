/** A debugger in miniature: speaks the inspector protocol over a WebSocket, which Node 20 has no client for. */
import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { request } from "node:http";
import type { Socket } from "node:net";

const TEXT = 1;
const FINAL = 0x80;
const MASKED = 0x80;

/** A text frame of a client: masked, as the protocol demands. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const head = payload.length < 126 ? Buffer.alloc(2) : Buffer.alloc(4);
  head[0] = FINAL | TEXT;
  head[1] = MASKED | Math.min(payload.length, 126);
  if (payload.length >= 126) head.writeUInt16BE(payload.length, 2);
  for (let i = 0; i < payload.length; i++) payload[i]! ^= mask[i % 4]!;
  return Buffer.concat([head, mask, payload]);
}

/** The first whole frame of what came: its text and its length. */
function readFrame(bytes: Buffer): { text: string; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const size =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + size) return undefined;
  return { text: bytes.toString("utf8", start, start + size), length: start + size };
}

type Message = { id?: number; method?: string; params?: any; result?: any; error?: { message: string } };

/** One connection: `send` a command, `once` or `on` a notification by its method's name. */
export class InspectorClient extends EventEmitter {
  private readonly socket: Socket;
  private readonly answers = new Map<number, (message: Message) => void>();
  private received: Buffer;
  private lastId = 0;

  private constructor(socket: Socket, head: Buffer) {
    super();
    this.socket = socket;
    this.received = head;
    socket.on("data", (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.read();
    });
    // The process at the other end may go first.
    socket.on("error", () => undefined);
    this.read();
  }

  /** Connects to the address that `node --inspect` prints. */
  static connect(address: string): Promise<InspectorClient> {
    return new Promise((resolve, reject) => {
      const upgrade = request(address.replace("ws:", "http:"), {
        headers: {
          Connection: "Upgrade",
          Upgrade: "websocket",
          "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
        },
      });
      upgrade.on("upgrade", (_, socket: Socket, head) => resolve(new InspectorClient(socket, head)));
      upgrade.on("error", reject);
      upgrade.end();
    });
  }

  send(method: string, params: object = {}): Promise<any> {
    const id = ++this.lastId;
    this.socket.write(frameOf(JSON.stringify({ id, method, params })));
    return new Promise((resolve, reject) => {
      this.answers.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      });
    });
  }

  /** The parameters of the next notification of that name that fits. */
  next<T>(method: string, fits: (params: T) => boolean = () => true): Promise<T> {
    return new Promise((resolve) => {
      const look = (params: T) => {
        if (!fits(params)) return;
        this.off(method, look);
        resolve(params);
      };
      this.on(method, look);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private read(): void {
    for (;;) {
      const frame = readFrame(this.received);
      if (frame === undefined) return;
      this.received = this.received.subarray(frame.length);
      if (frame.text === "") continue;
      const message = JSON.parse(frame.text) as Message;
      if (message.id !== undefined) {
        this.answers.get(message.id)?.(message);
        this.answers.delete(message.id);
      } else this.emit(message.method!, message.params);
    }
  }
}
