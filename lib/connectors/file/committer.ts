import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { MillraceError, messageOf } from "../../base/error.js";
import type { Committable, SinkCommitter } from "../../sink/contract.js";
import { isHiddenPartOf, isVisiblePart } from "./part-name.js";

/** Makes finished parts visible, by renaming them. */
export class FileCommitter implements SinkCommitter {
  private readonly folder: string;
  private readonly mode: "fail" | "replace" | "append";
  private readonly runId: string;
  /** Parts of earlier runs, which `replace` removes. */
  private earlier: string[] = [];

  constructor(folder: string, mode: "fail" | "replace" | "append", runId: string) {
    this.folder = folder;
    this.mode = mode;
    this.runId = runId;
  }

  async open(): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true });
      this.earlier = (await readdir(this.folder)).filter(isVisiblePart);
    } catch (cause) {
      throw new MillraceError("SINK_FAILED", `cannot write in ${this.folder}: ${messageOf(cause)}`, {
        cause,
      });
    }
    if (this.mode === "fail" && this.earlier.length > 0) {
      throw new MillraceError(
        "SINK_EXISTS",
        `${this.folder} holds ${this.earlier.length} part files of an earlier run`,
      );
    }
  }

  async commit(committables: readonly Committable[]): Promise<void> {
    if (this.mode === "replace") {
      for (const name of this.earlier.splice(0)) await rm(join(this.folder, name), { force: true });
    }
    for (const { hidden, visible } of committables as readonly { hidden: string; visible: string }[]) {
      await this.show(join(this.folder, hidden), join(this.folder, visible));
    }
  }

  async abort(): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      if (isHiddenPartOf(name, this.runId)) await rm(join(this.folder, name), { force: true });
    }
  }

  /** Again after a failure: the part may be visible already. */
  private async show(hidden: string, visible: string): Promise<void> {
    try {
      await rename(hidden, visible);
    } catch (cause) {
      const isDone = await stat(visible).then(
        () => true,
        () => false,
      );
      if (!isDone)
        throw new MillraceError("SINK_FAILED", `cannot rename ${hidden}: ${messageOf(cause)}`, { cause });
    }
  }
}
