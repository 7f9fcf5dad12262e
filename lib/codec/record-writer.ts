import { codeName } from "../base/code-name.js";
import { MillraceError } from "../base/error.js";
import { FRAME_BYTES, RECORD_BYTES_MAX, SHAPE_CHANGES_MAX, SHAPES_MAX } from "../base/limits.js";
import {
  BATCH_HEADER,
  ENCODING,
  FRAGMENT_HEADER,
  PACKED_BYTES,
  ROWS,
  STRING_BYTES,
  STRINGS_AT,
} from "./batch-layout.js";
import { FrameKind, type FrameMemory, type FrameSink, frameMemory, type RecordWriter } from "./contract.js";
import { checkCarriable, inferType } from "./infer-type.js";
import { type NativeText, ownString } from "./own-string.js";
import { pack } from "./packed.js";
import { mergeTypes, type RecordType } from "./record-type.js";
import type { Shape } from "./shape.js";
import { Attempt, type BatchCode, writerSource } from "./write-code.js";

export interface RecordWriterOptions {
  /** About how many bytes a frame should have at most. Only a single record makes a larger one. */
  readonly frameBytes?: number;
  /** Who sends, for errors. */
  readonly where?: string;
  /** Whoever reads keeps records: see OperatorLogic.retains. */
  readonly retained?: boolean;
  /** Shapes known beforehand; others are learned all the same. */
  readonly types?: readonly RecordType[];
}

/** msgpackr's bytes for one value until the first batch tells better. */
const PACKED_COST = 256;
/** utf8Write needs this much beyond one byte a character, so that cut text cannot look like whole ASCII. */
const TEXT_SLACK = 16;

export function createRecordWriter(sink: FrameSink, options: RecordWriterOptions = {}): RecordWriter {
  return new BatchWriter(sink, options);
}

class BatchWriter implements RecordWriter {
  write: (record: unknown, timestamp: number, keyGroup: number) => void;
  /** Of the largest frames wanted; larger ones are cut. */
  private readonly frameBytesMax: number;
  private frameBytes: number;
  private readonly where: string;
  private readonly retained: boolean;
  private shapes: Shape[];
  private changes = 0;
  private readonly name = codeName("write");
  private version = 0;
  private packedCost = PACKED_COST;
  private limit: number;
  private memory: FrameMemory;
  private code: BatchCode;

  private readonly sink: FrameSink;

  constructor(sink: FrameSink, options: RecordWriterOptions) {
    this.sink = sink;
    this.frameBytesMax = options.frameBytes ?? FRAME_BYTES;
    this.frameBytes = this.frameBytesMax;
    this.where = options.where ?? "a channel";
    this.retained = options.retained ?? false;
    this.limit = this.frameBytes;
    this.memory = frameMemory(new ArrayBuffer(scratchBytes(this.limit)));
    this.shapes = (options.types ?? []).map((type) => ({ type, plain: [] }));
    this.code = this.compile();
    this.write = this.code.write;
    if (this.shapes.length > 0) this.announce();
  }

  get pending(): number {
    return this.code.rows();
  }

  flush(): void {
    if (this.code.rows() === 0) return;
    this.send();
    this.code.clear(this.packedCost);
    if (this.limit !== this.frameBytes || this.memory.bytes.length > scratchBytes(this.frameBytesMax)) {
      this.resize(this.frameBytes);
    }
    const useless = this.code.useless();
    if (useless.length > 0) {
      for (const [shape, column] of useless) {
        const { type, plain } = this.shapes[shape]!;
        this.shapes[shape] = { type, plain: [...plain, column] };
      }
      this.publish();
    }
  }

  limitFrames(bytes: number): void {
    this.frameBytes = Math.min(bytes, this.frameBytesMax);
    this.useLimit(this.frameBytes);
  }

  restart(): void {
    this.flush();
    if (this.shapes.length === 0) return;
    this.code.forget();
    this.announce();
  }

  /** Whatever the first shape's fast path does not take: a full batch, another shape, a new one. */
  private readonly slow = (record: unknown, timestamp: number, keyGroup: number): void => {
    for (;;) {
      const outcome = this.code.attempt(record, timestamp, keyGroup);
      if (outcome === Attempt.WRITTEN) return;
      if (outcome === Attempt.MISMATCH) this.learn(record);
      else if (this.code.rows() > 0) this.flush();
      else this.grow();
    }
  };

  private grow(): void {
    if (this.limit >= RECORD_BYTES_MAX) this.tooLarge();
    this.resize(this.limit * 2);
  }

  private tooLarge(): never {
    throw new MillraceError("RECORD_TOO_LARGE", `a record takes more than ${RECORD_BYTES_MAX} bytes`, {
      operator: this.where,
    });
  }

  /** Between two batches: memory is made anew when a record has more than the largest frame. */
  private resize(limit: number): void {
    const bytes = scratchBytes(Math.max(limit, this.frameBytesMax));
    if (bytes !== this.memory.bytes.length) this.memory = frameMemory(new ArrayBuffer(bytes));
    this.useLimit(limit);
  }

  private useLimit(limit: number): void {
    this.limit = limit;
    this.code.use(this.memory.i32, this.memory.f64, this.memory.i64, limit);
  }

  private learn(record: unknown): void {
    const type = inferType(record, this.where);
    this.flush();
    if (!this.widen(type)) this.shapes.push({ type: { kind: "packed" }, plain: [] });
    this.publish();
  }

  /** False where only the general codec helps. */
  private widen(type: RecordType): boolean {
    if (++this.changes > SHAPE_CHANGES_MAX) return false;
    for (const [i, shape] of this.shapes.entries()) {
      const merged = mergeTypes(shape.type, type);
      if (merged === undefined || merged.kind === "packed") continue;
      if (JSON.stringify(merged) === JSON.stringify(shape.type)) return false;
      this.shapes[i] = { type: merged, plain: [] };
      return true;
    }
    if (this.shapes.length >= SHAPES_MAX) return false;
    this.shapes.push({ type, plain: [] });
    return true;
  }

  private publish(): void {
    this.code = this.compile();
    this.write = this.code.write;
    this.announce();
  }

  private announce(): void {
    const bytes = Buffer.from(JSON.stringify(this.shapes));
    this.frames(FrameKind.SCHEMA, bytes, bytes.length, 0);
  }

  /** A unique source: V8 would share type feedback between channels of equal text. */
  private compile(): BatchCode {
    const source = `${writerSource(this.shapes)}\n//# sourceURL=${this.name}/${this.version++}`;
    const check = (value: unknown) => {
      checkCarriable(value, this.where);
    };
    const code = new Function("slow", "own", "check", source)(this.slow, ownString, check) as BatchCode;
    code.use(this.memory.i32, this.memory.f64, this.memory.i64, this.limit);
    code.clear(this.packedCost);
    return code;
  }

  private send(): void {
    const { rows, end, text, packed } = this.code.batch();
    let { bytes, i32 } = this.memory;
    const writer = bytes as unknown as NativeText;
    let textBytes = text === "" ? 0 : writer.utf8Write(text, end);
    const encoding = textBytes === text.length ? 0 : 1;
    if (encoding === 1) textBytes = writer.ucs2Write(text, end);
    let length = end + textBytes;
    if (packed.length > 0) {
      const values = pack(packed, this.retained);
      this.packedCost = Math.ceil(values.length / packed.length);
      if (length + values.length > bytes.length) {
        const larger = frameMemory(new ArrayBuffer((length + values.length + 7) & ~7));
        bytes.copy(larger.bytes, 0, 0, length);
        ({ bytes, i32 } = larger);
      }
      bytes.set(values, length);
      length += values.length;
      if (rows === 1 && length > RECORD_BYTES_MAX) this.tooLarge();
      i32[PACKED_BYTES] = values.length;
    } else {
      i32[PACKED_BYTES] = 0;
    }
    i32[ROWS] = rows;
    i32[STRINGS_AT] = end;
    i32[STRING_BYTES] = textBytes;
    i32[ENCODING] = encoding;
    this.frames(FrameKind.BATCH, bytes, length, rows);
  }

  /** Cuts what is larger than the ring likes into fragments. */
  private frames(kind: FrameKind, bytes: Buffer, length: number, records: number): void {
    const { frameBytesMax } = this;
    const max = frameBytesMax * 3;
    if (length <= max) {
      this.sink.frame(kind, bytes, length, records);
      return;
    }
    const fragment = Buffer.alloc(FRAGMENT_HEADER + frameBytesMax);
    for (let at = 0; at < length; at += frameBytesMax) {
      const part = Math.min(frameBytesMax, length - at);
      fragment.writeInt32LE(kind, 0);
      fragment.writeInt32LE(length, 4);
      fragment.writeInt32LE(at, 8);
      bytes.copy(fragment, FRAGMENT_HEADER, at, at + part);
      this.sink.frame(
        FrameKind.FRAGMENT,
        fragment,
        FRAGMENT_HEADER + part,
        at + part === length ? records : 0,
      );
    }
  }
}

/** Room for rows and text of `limit` together, the text in either encoding. */
function scratchBytes(limit: number): number {
  return (BATCH_HEADER + limit * 2 + TEXT_SLACK + 7) & ~7;
}
