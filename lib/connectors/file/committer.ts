import { readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { MillraceError } from "../../base/error.js";
import type { Committable, CommitterContext, FailedWriters, SinkCommitter } from "../../sink/contract.js";
import { makeFolder, syncFolder } from "./durable-folder.js";
import { isHiddenPartOf, isVisiblePart, type Part, replaceMark, writerOf } from "./part-name.js";
import { sinkError } from "./sink-error.js";

/** Where a committer works. */
export interface CommitterSettings {
  /** A folder, or `s3://bucket/prefix`. */
  readonly folder: string;
  readonly mode: "fail" | "replace" | "append";
  /** The sub-folders are the sink's too. */
  readonly hasBuckets: boolean;
}

/**
 * Makes pending parts visible, by renaming them.
 *
 * `replace` has to tell this run's parts from those of earlier runs, also after a restart of the process,
 * although their names may be equal. It does not tell them one by one: a hidden mark that names the run
 * lies in the folder from its start until its first commit has removed what was visible. While the mark is
 * there nothing visible is this run's; when it is gone nothing is removed any more. So the mark leaves
 * nothing behind, and losing it costs no result.
 */
export class FileCommitter implements SinkCommitter {
  private readonly settings: CommitterSettings;
  private readonly context: CommitterContext;
  /** The mark is there: what is visible has to go at the first commit. */
  private replaces = false;
  /** Visible names of the last commit: a later one may ask again, when readers have moved the files away. */
  private done = new Set<string>();
  /** Hidden names that a commit was asked for and that are not visible yet. */
  private readonly owed = new Set<string>();

  constructor(settings: CommitterSettings, context: CommitterContext) {
    this.settings = settings;
    this.context = context;
  }

  async open(): Promise<void> {
    const { folder, mode } = this.settings;
    try {
      await makeFolder(folder);
      if (this.context.resumed) this.replaces = await exists(this.mark);
      else if (mode !== "append") await this.meetEarlier();
    } catch (cause) {
      throw sinkError(cause, folder);
    }
  }

  async commit(committables: readonly Committable[]): Promise<void> {
    const parts = (committables as unknown as readonly Part[]).filter(
      ({ visible }) => !this.done.has(visible),
    );
    for (const { hidden } of parts) this.owed.add(hidden);
    const folders = new Set(parts.map(({ visible }) => dirname(visible)));
    try {
      if (this.replaces) await this.removeEarlier();
      for (const part of parts) await this.show(part);
      await this.sync(folders);
    } catch (cause) {
      throw sinkError(cause, this.settings.folder);
    }
    this.done = new Set((committables as unknown as readonly Part[]).map(({ visible }) => visible));
  }

  async cleanUp(): Promise<void> {
    try {
      await this.removeHidden(() => true);
    } catch (cause) {
      throw sinkError(cause, this.settings.folder);
    }
  }

  async cleanUpAfter({ attempt, subtasks }: FailedWriters): Promise<void> {
    try {
      await this.removeHidden((name) => {
        const writer = writerOf(name, this.context.runId, this.settings.mode === "append");
        return writer?.attempt === attempt && subtasks.includes(writer.subtask);
      });
    } catch (cause) {
      throw sinkError(cause, this.settings.folder);
    }
  }

  async abort(): Promise<void> {
    // The folder may be gone, or be why the job has failed: there is nobody to tell.
    await this.removeHidden(() => true).catch(() => undefined);
    if (this.owed.size === 0) await rm(this.mark, { force: true }).catch(() => undefined);
  }

  private get mark(): string {
    return join(this.settings.folder, replaceMark(this.context.runId));
  }

  /** A run begins: are there parts of earlier ones? */
  private async meetEarlier(): Promise<void> {
    const { folder, mode } = this.settings;
    const earlier = await this.find(isVisiblePart);
    if (earlier.length === 0) return;
    if (mode === "fail") {
      throw new MillraceError(
        "SINK_EXISTS",
        `${folder} holds ${earlier.length} part files of an earlier run`,
      );
    }
    await writeFile(this.mark, "");
    await syncFolder(folder);
    this.replaces = true;
  }

  /** The mark goes last, and is gone for good before anything of this run is visible. */
  private async removeEarlier(): Promise<void> {
    const earlier = await this.find(isVisiblePart);
    for (const name of earlier) await rm(join(this.settings.folder, name), { force: true });
    await this.sync(new Set(earlier.map((name) => dirname(name))));
    await rm(this.mark, { force: true });
    await syncFolder(this.settings.folder);
    this.replaces = false;
  }

  private async removeHidden(isMeant: (name: string) => boolean): Promise<void> {
    const { runId } = this.context;
    for (const name of await this.find((each) => isHiddenPartOf(each, runId) && isMeant(each))) {
      if (!this.owed.has(name)) await rm(join(this.settings.folder, name), { force: true });
    }
  }

  /** A part that is visible already was renamed by an earlier call. */
  private async show({ hidden, visible }: Part): Promise<void> {
    const { folder } = this.settings;
    const [isHidden, isVisible] = [await exists(join(folder, hidden)), await exists(join(folder, visible))];
    if (isHidden && isVisible) {
      throw new MillraceError("SINK_EXISTS", `${join(folder, visible)} was written by another run meanwhile`);
    }
    if (!isHidden && !isVisible) {
      throw new MillraceError(
        "SINK_PART_LOST",
        `${visible} was written, but neither it nor ${hidden} is in ${folder} any more`,
      );
    }
    if (isHidden) await rename(join(folder, hidden), join(folder, visible));
    this.owed.delete(hidden);
  }

  private async sync(folders: ReadonlySet<string>): Promise<void> {
    for (const folder of folders) await syncFolder(join(this.settings.folder, folder));
  }

  /** The sink's files of a kind, by their paths within its folder, written with `/`. */
  private async find(isWanted: (name: string) => boolean): Promise<string[]> {
    const { folder, hasBuckets } = this.settings;
    const entries = await readdir(folder, { withFileTypes: true, recursive: hasBuckets });
    return entries
      .filter((entry) => entry.isFile() && isWanted(entry.name))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
