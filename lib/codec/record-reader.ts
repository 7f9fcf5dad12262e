import { codeName } from "../base/code-name.js";
import type { Gate } from "../base/gate.js";
import {
  BATCH_HEADER,
  ENCODING,
  FRAGMENT_HEADER,
  PACKED_BYTES,
  ROWS,
  STRING_BYTES,
  STRINGS_AT,
} from "./batch-layout.js";
import { type Accept, FrameKind, type FrameMemory, frameMemory, type RecordReader } from "./contract.js";
import { type NativeText, ownString } from "./own-string.js";
import { unpack } from "./packed.js";
import { type DrainCode, readerSource } from "./read-code.js";
import type { Shape } from "./shape.js";
import { TextPieces } from "./text-pieces.js";

/** `retained`: whoever takes the records keeps them, so that no text may keep its batch's alive. */
export function createRecordReader(accept: Accept, gate: Gate, retained = false): RecordReader {
  return new BatchReader(accept, gate, retained);
}

class BatchReader implements RecordReader {
  private code: DrainCode;
  private readonly name = codeName("read");
  private version = 0;
  private whole: FrameMemory | undefined;

  private readonly accept: Accept;
  private readonly gate: Gate;
  private readonly pieces: TextPieces | undefined;
  private redirected: Accept | undefined;
  private through = false;

  constructor(accept: Accept, gate: Gate, retained: boolean) {
    this.accept = accept;
    this.gate = gate;
    if (retained) this.pieces = new TextPieces();
    this.code = this.compile([]);
  }

  get remaining(): number {
    return this.code.remaining();
  }

  drain(limit: number): number {
    return this.code.drain(limit);
  }

  redirect(accept: Accept | undefined, through = false): void {
    this.redirected = accept;
    this.through = through;
    this.code.redirect(accept, through);
  }

  open(kind: FrameKind, memory: FrameMemory, offset: number, length: number): void {
    if (kind === FrameKind.BATCH) this.openBatch(memory, offset);
    else if (kind === FrameKind.SCHEMA) this.learn(memory.bytes.subarray(offset, offset + length));
    else this.gather(memory.bytes.subarray(offset, offset + length));
  }

  private openBatch(memory: FrameMemory, offset: number): void {
    const { bytes, i32 } = memory;
    const at = offset >> 2;
    const begin = offset + i32[at + STRINGS_AT]!;
    const end = begin + i32[at + STRING_BYTES]!;
    const native = bytes as unknown as NativeText;
    const isWide = i32[at + ENCODING] !== 0;
    let text = "";
    if (this.pieces !== undefined) this.pieces.open(native, begin, end - begin, isWide);
    else if (end > begin) text = isWide ? native.ucs2Slice(begin, end) : native.latin1Slice(begin, end);
    const packedBytes = i32[at + PACKED_BYTES]!;
    const packed = packedBytes > 0 ? unpack(bytes.subarray(end, end + packedBytes)) : [];
    this.code.open(memory, offset + BATCH_HEADER, i32[at + ROWS]!, text, packed);
  }

  private learn(json: Buffer): void {
    this.code = this.compile(JSON.parse(json.toString()) as Shape[]);
  }

  private gather(fragment: Buffer): void {
    const [kind, length, at] = [fragment.readInt32LE(0), fragment.readInt32LE(4), fragment.readInt32LE(8)];
    this.whole ??= frameMemory(new ArrayBuffer((length + 7) & ~7));
    this.whole.bytes.set(fragment.subarray(FRAGMENT_HEADER), at);
    if (at + fragment.length - FRAGMENT_HEADER < length) return;
    const { whole } = this;
    this.whole = undefined;
    this.open(kind as FrameKind, whole, 0, length);
  }

  private compile(shapes: readonly Shape[]): DrainCode {
    const source = `${readerSource(shapes)}\n//# sourceURL=${this.name}/${this.version++}`;
    const { pieces } = this;
    const cut =
      pieces === undefined ? part : (_text: string, begin: number, end: number) => pieces.cut(begin, end);
    const make = new Function("accept", "gate", "own", "cut", source);
    const code = make(this.accept, this.gate, ownString, cut) as DrainCode;
    code.redirect(this.redirected, this.through);
    return code;
  }
}

function part(text: string, begin: number, end: number): string {
  return text.substring(begin, end);
}
