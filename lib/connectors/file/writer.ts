import { dirname, join } from "node:path";
import { present } from "../../base/assert.js";
import { OpenFile } from "../../base/open-file.js";
import type { WriterContext } from "../../sink/contract.js";
import { makeBucket, makeFolder, syncFolder } from "./durable-folder.js";
import type { Part } from "./part-name.js";
import { type OpenPart, PartWriter, type WriterSettings } from "./part-writer.js";
import { sinkError } from "./sink-error.js";
import { WriteQueue } from "./write-queue.js";

/** Its file is opened with the first text that is written. */
interface FilePart<T> extends OpenPart<T> {
  file: OpenFile | undefined;
}

/**
 * Parts as files, written in the background in order: hidden, and on the disk when `prepareCommit` names them; the
 * committer renames them.
 */
export class FileWriter<T> extends PartWriter<T, FilePart<T>> {
  private readonly queue: WriteQueue;
  private readonly files = new Set<OpenFile>();
  /** Parts that have ended since the last `prepareCommit`. */
  private ended: Part[] = [];

  constructor(settings: WriterSettings<T>, context: WriterContext) {
    super(settings, context);
    this.queue = new WriteQueue(settings.folder, context);
  }

  async open(): Promise<void> {
    await this.settings.format.load?.();
    try {
      await makeFolder(this.settings.folder);
    } catch (cause) {
      throw sinkError(cause, this.settings.folder);
    }
  }

  async prepareCommit(): Promise<readonly { readonly hidden: string; readonly visible: string }[]> {
    this.endAll();
    const named = this.ended;
    this.ended = [];
    const folders = new Set(named.map(({ hidden }) => dirname(hidden)));
    this.queue.add(0, async () => {
      for (const folder of folders) await syncFolder(join(this.settings.folder, folder));
    });
    await this.queue.settled();
    return named.map((part) => ({ ...part }));
  }

  async close(): Promise<void> {
    await this.queue.ended();
    for (const file of this.files) file.close();
    this.files.clear();
  }

  protected begin(part: OpenPart<T>): FilePart<T> {
    return { ...part, file: undefined };
  }

  protected pass(part: FilePart<T>, bytes: Buffer): void {
    this.queue.add(bytes.length, async () => {
      part.file ??= await this.openFile(part);
      await part.file.write([bytes]);
    });
  }

  protected finishPart(part: FilePart<T>): void {
    this.ended.push(part.names);
    this.queue.add(0, async () => {
      const file = present(part.file);
      await file.syncData();
      file.close();
      this.files.delete(file);
    });
  }

  private async openFile({ bucket, names }: FilePart<T>): Promise<OpenFile> {
    const { folder } = this.settings;
    if (bucket !== "") await makeBucket(folder, bucket);
    const file = new OpenFile(join(folder, names.hidden), "wx");
    this.files.add(file);
    return file;
  }
}
