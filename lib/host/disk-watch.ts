/**
 * Watches how much a slot's state backends have on disk, whatever they are, and fails with a coded error when it is
 * more than the slot's profile says.
 */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { MillraceError } from "../base/error.js";
import { systemScheduler } from "../base/scheduler.js";

const CHECK_MS = 200;
const MIB = 1024 * 1024;

export interface WatchedDisk {
  readonly slot: number;
  /** Of the slot's operators; those that keep nothing on disk do not exist. */
  readonly folders: readonly string[];
  readonly maxMb: number;
  readonly onExhausted: (error: MillraceError) => void;
}

export class DiskWatch {
  private readonly given: WatchedDisk;
  private readonly cancel: () => void;
  private looking = false;
  private stopped = false;

  constructor(given: WatchedDisk) {
    this.given = given;
    this.cancel = systemScheduler.every(CHECK_MS, () => void this.look());
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    const { slot, folders, maxMb, onExhausted } = this.given;
    const sizes = await Promise.all(folders.map(bytesIn));
    this.looking = false;
    const mb = sizes.reduce((sum, each) => sum + each, 0) / MIB;
    if (this.stopped || mb <= maxMb) return;
    this.stop();
    onExhausted(
      new MillraceError(
        "SLOT_DISK_EXHAUSTED",
        `slot ${slot} holds ${Math.ceil(mb)} MiB of state on disk, its limit is ${maxMb} MiB`,
      ),
    );
  }
}

/** What is in a folder and below; files come and go meanwhile. */
async function bytesIn(folder: string): Promise<number> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name))
        .then(({ size }) => size)
        .catch(() => 0),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
