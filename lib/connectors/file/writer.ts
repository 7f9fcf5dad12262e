import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { MillraceError, messageOf } from "../../base/error.js";
import type { RecordEncoder, WriteFormat } from "../../formats/contract.js";
import type { SinkWriter, WriterContext } from "../../sink/contract.js";
import { type Part, partName } from "./part-name.js";

/** Characters gathered before they are written. */
const BUFFER_CHARS = 256 * 1024;
/** Characters on their way to the file before the writer asks for a pause. */
const WAITING_CHARS_MAX = 8 * 1024 * 1024;

/** One subtask's part files, written in the background in order. */
export class FileWriter<T> implements SinkWriter<T> {
  private readonly folder: string;
  private readonly format: WriteFormat<T>;
  private readonly append: boolean;
  private readonly partBytes: number;
  private readonly context: WriterContext;
  private encoder: RecordEncoder<T>;
  private text = "";
  private inPart = 0;
  private waiting = 0;
  private paused = false;
  private failed = false;
  private parts: Part[] = [];
  private partNumber = -1;
  private file: FileHandle | undefined;
  /** Everything asked of the file so far. */
  private work: Promise<void> = Promise.resolve();

  constructor(
    folder: string,
    format: WriteFormat<T>,
    append: boolean,
    partBytes: number,
    context: WriterContext,
  ) {
    this.folder = folder;
    this.format = format;
    this.append = append;
    this.partBytes = partBytes;
    this.context = context;
    this.encoder = format.createEncoder();
  }

  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
  }

  write(record: T): void {
    this.text += this.encoder.encode(record);
    if (this.text.length >= BUFFER_CHARS) this.pass();
  }

  /** Nothing is hurried: text becomes visible only with its part. */
  flush(): void {}

  async prepareCommit(): Promise<readonly { readonly hidden: string; readonly visible: string }[]> {
    this.pass();
    this.endPart();
    await this.work;
    return this.parts.splice(0).map((part) => ({ ...part }));
  }

  async close(): Promise<void> {
    await this.work;
    await this.file?.close();
    this.file = undefined;
  }

  private pass(): void {
    if (this.text === "") return;
    const { text } = this;
    this.text = "";
    this.inPart += text.length;
    this.waiting += text.length;
    if (this.waiting > WAITING_CHARS_MAX && !this.paused) {
      this.paused = true;
      this.context.pause();
    }
    this.enqueue(async () => {
      this.file ??= await this.openPart();
      await this.file.write(text);
      this.waiting -= text.length;
      if (this.paused && this.waiting <= WAITING_CHARS_MAX / 2) {
        this.paused = false;
        this.context.resume();
      }
    });
    if (this.inPart >= this.partBytes) this.endPart();
  }

  private endPart(): void {
    this.inPart = 0;
    this.encoder = this.format.createEncoder();
    this.enqueue(async () => {
      await this.file?.datasync();
      await this.file?.close();
      this.file = undefined;
    });
  }

  private async openPart(): Promise<FileHandle> {
    const { runId, subtask } = this.context;
    this.partNumber++;
    const part = partName(runId, subtask, this.partNumber, this.format.extension, this.append);
    this.parts.push(part);
    return open(join(this.folder, part.hidden), "w");
  }

  private enqueue(step: () => Promise<void>): void {
    this.work = this.work.then(step).catch((cause: unknown) => {
      if (this.failed) return;
      this.failed = true;
      const error = new MillraceError("SINK_FAILED", `cannot write in ${this.folder}: ${messageOf(cause)}`, {
        cause,
      });
      this.context.fail(error);
    });
  }
}
