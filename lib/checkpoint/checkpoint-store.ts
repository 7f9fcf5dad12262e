/**
 * The checkpoints of one job in a store, as its coordinator sees them. A checkpoint begins, then completes or is
 * aborted; the newest complete ones are kept.
 *
 * Invariants
 * - A checkpoint is complete when its manifest is in the store and its coordinator still holds the job (fencing).
 * - A blob goes after the last manifest that refers to it, a manifest goes before the blobs that only it needs.
 * - Whatever fails while a checkpoint is taken or removed, the last complete one stays whole.
 */
import { assert } from "../base/assert.js";
import { MillraceError } from "../base/error.js";
import { freshSeed, type Random, seededRandom } from "../base/random.js";
import type { BlobStore } from "../storage/contract.js";
import { joinPath } from "../storage/path.js";
import { Fence } from "./fencing.js";
import { cleanUp, type History, type KeptCheckpoint, readHistory } from "./history.js";
import {
  type LatestCheckpoint,
  type LoadedCheckpoint,
  latestWhole,
  loadCheckpoint,
  tryLoad,
} from "./load.js";
import { encodeManifest } from "./manifest-file.js";
import {
  checkpointFolder,
  checkpointOf,
  endedPath,
  jobFolder,
  manifestPath,
  savepointName,
  taskFolder,
} from "./paths.js";
import { blobsOf } from "./places.js";
import { type JobOutcome, keepsCheckpoints, type Retention } from "./retention.js";
import { writeSavepoint } from "./savepoint.js";
import { SharedBlobs } from "./shared-blobs.js";
import type { Manifest } from "./snapshot.js";

export interface CheckpointStoreOptions {
  /** Letters, digits, "-" and "_". */
  readonly jobId: string;
  /** Complete checkpoints that are kept, at least 1. Default 1. */
  readonly numRetained?: number;
  /** Told what went wrong without failing anything: a broken checkpoint passed over, a blob not removed. */
  readonly report?: (problem: MillraceError) => void;
  readonly random?: Random;
}

export class CheckpointStore {
  readonly store: BlobStore;
  readonly jobId: string;
  readonly #fence: Fence;
  readonly #numRetained: number;
  readonly #report: (problem: MillraceError) => void;
  readonly #random: Random;
  readonly #blobs: SharedBlobs;
  /** Begun, neither complete nor aborted. */
  readonly #open = new Set<number>();
  /** By number. */
  #kept: KeptCheckpoint[];
  #last: number;

  private constructor(store: BlobStore, fence: Fence, history: History, options: CheckpointStoreOptions) {
    this.store = store;
    this.jobId = options.jobId;
    this.#fence = fence;
    this.#numRetained = options.numRetained ?? 1;
    assert(this.#numRetained >= 1, "numRetained");
    this.#report = options.report ?? (() => undefined);
    this.#blobs = new SharedBlobs(store, this.#report);
    this.#random = options.random ?? seededRandom(freshSeed());
    this.#kept = [...history.kept];
    this.#last = history.highest;
    for (const [checkpoint, manifest] of history.manifests)
      this.#blobs.references.hold(keptHolder(checkpoint), blobsOf(manifest).keys());
  }

  /**
   * Takes the job over in this store: coordinators that opened it before are fenced off. Adopts the checkpoints
   * there are and removes what none of them needs. Throws STORAGE_FAILED, and CHECKPOINT_FENCED when another one
   * takes over in the meantime.
   */
  static async open(store: BlobStore, options: CheckpointStoreOptions): Promise<CheckpointStore> {
    const { jobId, random = seededRandom(freshSeed()) } = options;
    const fence = await Fence.claim(store, jobId, random);
    const history = await readHistory(store, fence, jobId);
    await fence.adopt(history.kept.map(({ checkpoint }) => checkpoint));
    await fence.check(); // a successor that came before the adoption does not know of it
    const opened = new CheckpointStore(store, fence, history, { ...options, random });
    await cleanUp(store, fence, jobId, history, opened.#blobs.references);
    return opened;
  }

  /** Of this coordinator; part of the paths its tasks write to (`taskBlobPath`). */
  get epoch(): number {
    return this.#fence.epoch;
  }

  /** The complete checkpoints that are kept, oldest first. */
  list(): readonly KeptCheckpoint[] {
    return this.#kept;
  }

  /**
   * The newest checkpoint that is whole, and why newer ones were passed over; undefined when the job has none.
   * Throws CHECKPOINT_LOST when it has some and none is whole, CHECKPOINT_FENCED when a successor has removed them,
   * CHECKPOINT_VERSION, STORAGE_FAILED.
   */
  async latest(): Promise<LatestCheckpoint | undefined> {
    const folders = this.#kept.map(({ path }) => path);
    const found = await latestWhole(this.store, folders).catch(async (error: unknown) => {
      await this.#fence.check();
      throw error;
    });
    found?.skipped.forEach(this.#report);
    return found;
  }

  /** What is wrong with a checkpoint of this store, by its folder; undefined when it is whole. */
  async verify(path: string): Promise<MillraceError | undefined> {
    const found = await tryLoad(this.store, path);
    return MillraceError.is(found) ? found : undefined;
  }

  /** A checkpoint or savepoint by its folder, of this store or another; see `loadCheckpoint`. */
  load(path: string, from: BlobStore = this.store): Promise<LoadedCheckpoint> {
    return loadCheckpoint(from, path);
  }

  /** Counts on after `checkpoint`: the job goes on from a savepoint of that number. */
  countAfter(checkpoint: number): void {
    this.#last = Math.max(this.#last, checkpoint);
  }

  /**
   * Begins the next checkpoint and answers its number: 1, 2, ... also across restarts. Until it ends, nothing
   * goes that it may build on.
   */
  begin(): number {
    const checkpoint = ++this.#last;
    this.#open.add(checkpoint);
    this.#blobs.references.holdAll(openHolder(checkpoint));
    return checkpoint;
  }

  /**
   * Makes a checkpoint complete and durable and answers its folder; then older ones beyond `numRetained` go, in
   * the background. Throws CHECKPOINT_FENCED, CHECKPOINT_NOT_JSON, STORAGE_FAILED: then call `abort`.
   */
  async complete(manifest: Manifest): Promise<string> {
    const { checkpoint, purpose, timestamp } = manifest;
    const blobs = [...blobsOf(manifest).keys()];
    assert(
      manifest.jobId === this.jobId && this.#open.has(checkpoint),
      `checkpoint ${checkpoint} is not open`,
    );
    assert(
      blobs.every((blob) => checkpointOf(this.jobId, blob) !== undefined),
      "a blob of another job",
    );
    const path = checkpointFolder(this.jobId, checkpoint);
    const file = encodeManifest({ manifest, epoch: this.epoch });
    this.#blobs.references.hold(keptHolder(checkpoint), blobs);
    const failure = await this.#fence.check().then(() => this.#put(manifestPath(path), file), absent);
    if (failure !== undefined) {
      // A manifest that may be there goes on holding its blobs, until the job's next start knows.
      if (failure.isAbsent) this.#release(keptHolder(checkpoint));
      throw failure.error;
    }
    await this.#confirm({ checkpoint, path, purpose, timestamp });
    this.#evict();
    return path;
  }

  /** Ends a checkpoint that does not come to be and removes what its tasks wrote and no kept one needs. */
  async abort(checkpoint: number): Promise<void> {
    if (!this.#open.delete(checkpoint)) return;
    this.#release(openHolder(checkpoint));
    this.#blobs.removeFolder(taskFolder(this.jobId, checkpoint, this.epoch));
    await this.idle();
  }

  /**
   * Writes a self-contained savepoint into a folder of its own below `folder` and answers that one's path. It may
   * be moved; `load` reads it from anywhere. The checkpoint itself stays as it was: open, kept or gone.
   */
  async savepoint(manifest: Manifest, folder: string, target: BlobStore = this.store): Promise<string> {
    const inside = target === this.store && `${folder}/`.startsWith(`${jobFolder(this.jobId)}/`);
    assert(!inside, "a savepoint among the job's checkpoints would go with them");
    const path = joinPath(folder, savepointName(this.jobId, this.#random));
    this.#blobs.references.hold(path, blobsOf(manifest).keys());
    try {
      await writeSavepoint(this.store, manifest, target, path);
      await this.#fence.check();
    } finally {
      this.#release(path);
    }
    return path;
  }

  /** The job has ended: what is open is aborted, and what is kept goes unless `retention` says otherwise. */
  async end(outcome: JobOutcome, retention: Retention): Promise<void> {
    for (const checkpoint of [...this.#open]) await this.abort(checkpoint);
    if (!keepsCheckpoints(retention, outcome))
      this.#blobs.remove(async () => {
        if (!(await this.#fence.holds())) return;
        // a process that dies while the checkpoints go must not be followed by one that begins anew
        const mark = endedPath(this.jobId);
        await this.store.put(mark, []);
        for (const { path } of this.#kept) await this.store.remove(manifestPath(path));
        for (const path of await this.store.list(jobFolder(this.jobId))) {
          if (path !== mark) await this.store.remove(path);
        }
        await this.store.removeFolder(jobFolder(this.jobId));
        this.#kept = [];
      });
    await this.idle();
  }

  /** Resolves when what was to be removed has been, or was reported. */
  idle(): Promise<void> {
    return this.#blobs.idle();
  }

  /** Answers why a manifest is not known to be there. One that could not say that it was written is looked for. */
  async #put(path: string, file: Uint8Array): Promise<Failure | undefined> {
    try {
      await this.store.put(path, [file], { exclusive: true });
      return undefined;
    } catch (error) {
      const found = await this.store.get(path).catch((failed: unknown) => failed);
      if (found instanceof Uint8Array && Buffer.compare(found, file) === 0) return undefined;
      const isAbsent = MillraceError.is(found) && found.code === "BLOB_MISSING";
      const isTaken = MillraceError.is(error) && error.code === "BLOB_EXISTS";
      const fenced = isTaken ? await this.#fence.check().catch((newer: unknown) => newer) : undefined;
      return { error: fenced ?? error, isAbsent: isAbsent || isTaken };
    }
  }

  /**
   * The manifest is there: unless another coordinator has taken over, the checkpoint counts. It also does when
   * that cannot be found out now, since a successor would restore it.
   */
  async #confirm(kept: KeptCheckpoint): Promise<void> {
    const fenced = await this.#fence.check().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (MillraceError.is(fenced) && fenced.code === "CHECKPOINT_FENCED") throw fenced;
    this.#kept = [...this.#kept, kept].sort((a, b) => a.checkpoint - b.checkpoint);
    this.#open.delete(kept.checkpoint);
    this.#release(openHolder(kept.checkpoint));
    if (fenced !== undefined) throw fenced;
  }

  #evict(): void {
    const evicted = this.#kept.slice(0, Math.max(0, this.#kept.length - this.#numRetained));
    this.#kept = this.#kept.slice(evicted.length);
    for (const { checkpoint, path } of evicted) this.#release(keptHolder(checkpoint), manifestPath(path));
  }

  /**
   * Blobs of open checkpoints are spared: they are counted when these complete. So is everything while a
   * manifest is unreadable that may need it, until the next start without one.
   */
  #release(holder: string, manifest?: string): void {
    const spared = (blob: string): boolean =>
      this.#open.has(checkpointOf(this.jobId, blob) ?? 0) || this.#kept.some(({ problem }) => problem);
    this.#blobs.release(holder, spared, manifest);
  }
}

/** Why a manifest was not written; `isAbsent`: ours is surely not there. */
interface Failure {
  readonly error: unknown;
  readonly isAbsent: boolean;
}

function absent(error: unknown): Failure {
  return { error, isAbsent: true };
}

function keptHolder(checkpoint: number): string {
  return `kept ${checkpoint}`;
}

function openHolder(checkpoint: number): string {
  return `open ${checkpoint}`;
}
