/**
 * Which of the files in a folder are new. Pure.
 *
 * Invariants
 * - A file is new once, by its path: what is written to it later is not looked at.
 * - Only what is still there is remembered, so that this is never more than the folder holds; with `forgetMs` of that
 *   only what is not much older than the newest file that was ever new.
 */
import type { FoundFile } from "./found-file.js";

/** What goes into a checkpoint. */
export interface SeenSnapshot {
  readonly seen: readonly string[];
  /** When the newest of all new files was written to, ms. */
  readonly newest: number | null;
}

export interface SeenOptions {
  /** So long nothing may have been written to a file, ms. */
  readonly quietMs: number;
  /** Files that are older than the newest one by more than this are never new, ms. */
  readonly forgetMs: number;
}

export class SeenFiles {
  private readonly options: SeenOptions;
  private seen: Set<string>;
  private newest: number;

  constructor(options: SeenOptions, { seen, newest }: SeenSnapshot = { seen: [], newest: null }) {
    this.options = options;
    this.seen = new Set(seen);
    this.newest = newest ?? Number.NEGATIVE_INFINITY;
  }

  /** Of all files that are there at `now` those that are new, the oldest first. */
  newOnes(found: readonly FoundFile[], now: number): FoundFile[] {
    const { quietMs } = this.options;
    return found
      .filter(
        (file) => !this.seen.has(file.path) && !this.isForgotten(file) && now - file.modified >= quietMs,
      )
      .sort((a, b) => a.modified - b.modified || (a.path < b.path ? -1 : 1));
  }

  /** The new ones are new no more; what is there no more is forgotten. */
  remember(found: readonly FoundFile[], fresh: readonly FoundFile[]): void {
    for (const { path, modified } of fresh) {
      this.seen.add(path);
      this.newest = Math.max(this.newest, modified);
    }
    const known = found.filter((file) => this.seen.has(file.path) && !this.isForgotten(file));
    this.seen = new Set(known.map(({ path }) => path));
  }

  snapshot(): SeenSnapshot {
    return { seen: [...this.seen], newest: Number.isFinite(this.newest) ? this.newest : null };
  }

  private isForgotten({ modified }: FoundFile): boolean {
    return modified < this.newest - this.options.forgetMs;
  }
}
