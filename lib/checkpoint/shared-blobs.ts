/**
 * Blobs of a store that several checkpoints share, and their removal: in the background, one after the other, and
 * never with an error for whoever caused it: a blob too many harms nobody and goes at the job's next start.
 */
import { MillraceError, messageOf } from "../base/error.js";
import type { BlobStore } from "../storage/contract.js";
import { References } from "./references.js";

export class SharedBlobs {
  readonly references = new References();
  readonly #store: BlobStore;
  readonly #report: (problem: MillraceError) => void;
  /** Removals, one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(store: BlobStore, report: (problem: MillraceError) => void) {
    this.#store = store;
    this.#report = report;
  }

  /**
   * Ends a holder and removes what nobody holds any more, but for what `spared` says when its turn has come.
   * `manifest` goes before its blobs; while it cannot, it goes on holding all of them.
   */
  release(holder: string, spared: (blob: string) => boolean, manifest?: string): void {
    if (manifest !== undefined) {
      this.remove(async () => {
        await this.#store.remove(manifest);
        this.release(holder, spared);
      });
      return;
    }
    const free = this.references.release(holder).filter((blob) => !spared(blob));
    if (free.length === 0) return;
    this.remove(async () => {
      for (const blob of free)
        if (!this.references.has(blob) && !spared(blob)) await this.#store.remove(blob);
    });
  }

  /** Removes what is in a folder and not held. */
  removeFolder(folder: string): void {
    this.remove(async () => {
      if (!this.references.hasBelow(folder)) return this.#store.removeFolder(folder);
      for (const blob of await this.#store.list(folder))
        if (!this.references.has(blob)) await this.#store.remove(blob);
    });
  }

  /** Does the work when what was asked for before is done; its error is reported. */
  remove(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error) => {
      const unknown = () => new MillraceError("INTERNAL", messageOf(error), { cause: error });
      this.#report(MillraceError.is(error) ? error : unknown());
    });
  }

  /** Resolves when all that was asked for is done or reported. */
  async idle(): Promise<void> {
    // What is done may have asked for more.
    for (let work: Promise<void> | undefined; work !== this.#work; ) await (work = this.#work);
  }
}
