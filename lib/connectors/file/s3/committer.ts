import { MillraceError } from "../../../base/error.js";
import { inParallel } from "../../../base/in-parallel.js";
import type { Committable, CommitterContext, FailedWriters, SinkCommitter } from "../../../sink/contract.js";
import { bucketIn, keyIn } from "../../../storage/location.js";
import type { FoundObject, S3Bucket } from "../../../storage/s3/bucket.js";
import type { CommitterSettings } from "../committer.js";
import { isVisiblePart, replaceMark, writerOf } from "../part-name.js";
import { bucketOf } from "./objects.js";
import { isMadeBy, type PendingUpload } from "./upload.js";

/** Requests at once. */
const AT_ONCE = 8;

/**
 * Makes pending parts visible, by completing their uploads.
 *
 * An answer may be lost, and a commit be asked for again by another process: an upload that is gone has been completed
 * if its object is there, made of just these parts. `replace` marks the prefix as the committer of files does.
 */
export class S3Committer implements SinkCommitter {
  private readonly settings: CommitterSettings;
  private readonly context: CommitterContext;
  private readonly bucket: S3Bucket;
  private readonly prefix: string;
  /** The mark is there: what is visible has to go at the first commit. */
  private replaces = false;
  /** Visible names of the last commit: a later one may ask again, when readers have moved the objects away. */
  private done = new Set<string>();
  /** Uploads that a commit was asked for and that are not completed yet. */
  private readonly owed = new Set<string>();

  constructor(settings: CommitterSettings, context: CommitterContext) {
    this.settings = settings;
    this.context = context;
    this.bucket = bucketOf(settings.folder);
    this.prefix = bucketIn(settings.folder).path;
  }

  async open(): Promise<void> {
    const { folder, mode } = this.settings;
    // Says what is wrong with the bucket, if anything is.
    await this.bucket.list(this.begin, 1).next();
    if (this.context.resumed) this.replaces = await this.isMarked();
    if (this.context.resumed || mode === "append") return;
    const earlier = await this.visible();
    if (earlier.length === 0) return;
    if (mode === "fail") {
      throw new MillraceError(
        "SINK_EXISTS",
        `${folder} holds ${earlier.length} part files of an earlier run`,
      );
    }
    await this.bucket.put(this.mark, new Uint8Array());
    this.replaces = true;
  }

  async commit(committables: readonly Committable[]): Promise<void> {
    const named = committables as unknown as readonly PendingUpload[];
    const wanted = named.filter(({ visible }) => !this.done.has(visible));
    for (const { upload } of wanted) this.owed.add(upload);
    if (this.replaces) await this.removeEarlier();
    await inParallel(wanted, AT_ONCE, (made) => this.show(made));
    this.done = new Set(named.map(({ visible }) => visible));
  }

  async cleanUp(): Promise<void> {
    await this.abortUploads(() => true);
  }

  async cleanUpAfter({ attempt, subtasks }: FailedWriters): Promise<void> {
    const { runId } = this.context;
    await this.abortUploads((name) => {
      const writer = writerOf(`.${name}`, runId, this.settings.mode === "append");
      return writer?.attempt === attempt && subtasks.includes(writer.subtask);
    });
  }

  async abort(): Promise<void> {
    // The server may be why the job has failed: there is nobody to tell.
    await this.abortUploads(() => true).catch(() => undefined);
    if (this.owed.size === 0 && this.replaces) await this.bucket.remove(this.mark).catch(() => undefined);
  }

  private get mark(): string {
    return keyIn(this.prefix, replaceMark(this.context.runId));
  }

  private async isMarked(): Promise<boolean> {
    try {
      await this.bucket.head(this.mark);
      return true;
    } catch (error) {
      if (MillraceError.is(error) && error.code === "BLOB_MISSING") return false;
      throw error;
    }
  }

  /** The mark goes last: while it is there nothing visible is this run's. */
  private async removeEarlier(): Promise<void> {
    await inParallel(await this.visible(), AT_ONCE, ({ key }) => this.bucket.remove(key));
    await this.bucket.remove(this.mark);
    this.replaces = false;
  }

  private async show(made: PendingUpload): Promise<void> {
    const key = keyIn(this.prefix, made.visible);
    if (!(await this.bucket.completeUpload(key, made.upload, made.parts))) {
      const object = await this.bucket.head(key).catch((error: unknown) => {
        if (MillraceError.is(error) && error.code === "BLOB_MISSING") return undefined;
        throw error;
      });
      if (object === undefined || !isMadeBy(object, made)) {
        const found = object === undefined ? "it is not there" : "another object is there";
        const place = this.bucket.placeOf(key);
        throw new MillraceError("SINK_PART_LOST", `the upload of ${place} is gone, and ${found}`);
      }
    }
    this.owed.delete(made.upload);
  }

  /** All but those that a commit was asked for. */
  private async abortUploads(isMeant: (name: string) => boolean): Promise<void> {
    const found: { readonly key: string; readonly upload: string }[] = [];
    for await (const each of this.bucket.uploads(this.begin)) {
      if (!this.owed.has(each.upload) && this.isOurs(each.key) && isMeant(nameIn(each.key))) found.push(each);
    }
    await inParallel(found, AT_ONCE, ({ key, upload }) => this.bucket.abortUpload(key, upload));
  }

  private async visible(): Promise<FoundObject[]> {
    const found: FoundObject[] = [];
    for await (const page of this.bucket.list(this.begin)) {
      found.push(...page.filter(({ key }) => this.isPart(key)));
    }
    return found;
  }

  /** What the keys of the sink's objects begin with. */
  private get begin(): string {
    const folder = this.prefix === "" ? "" : `${this.prefix}/`;
    return this.settings.hasBuckets ? folder : `${folder}part-`;
  }

  private isPart(key: string): boolean {
    const within = key.slice(this.prefix === "" ? 0 : this.prefix.length + 1);
    return isVisiblePart(nameIn(key)) && (this.settings.hasBuckets || !within.includes("/"));
  }

  /** Runs that append share a prefix; else it is this run's alone. */
  private isOurs(key: string): boolean {
    const { mode } = this.settings;
    return this.isPart(key) && (mode !== "append" || nameIn(key).startsWith(`part-${this.context.runId}-`));
  }
}

function nameIn(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}
