import type { WriteFormat } from "../../formats/contract.js";
import type { SinkDefinition } from "../../sink/contract.js";
import { FileCommitter } from "./committer.js";
import { FileWriter } from "./writer.js";

/** What `fileSink` takes. */
export interface FileSinkOptions<T> {
  /** Folder of the part files; made if missing. */
  readonly path: string;
  /** `jsonl()`, `csv()` or `text()`. */
  readonly format: WriteFormat<T>;
  /**
   * What to do with part files of earlier runs: `fail` (default) refuses, `replace` removes them when the new
   * ones are complete, `append` adds to them.
   */
  readonly mode?: "fail" | "replace" | "append";
  /** A part file is closed beyond this size, bytes. Default 128 MiB. */
  readonly partBytes?: number;
}

const PART_BYTES = 128 * 1024 * 1024;

/**
 * Writes part files (`part-<subtask>-<number>.<extension>`). A part is hidden (its name begins with a dot)
 * until it is complete and the job says so; a failed or cancelled run leaves nothing visible.
 *
 * @example
 * hours.sink("hours", fileSink({ path: "out/hours", format: jsonl(), mode: "replace" }));
 *
 * Throws SINK_EXISTS, SINK_FAILED.
 */
export function fileSink<T = unknown>(options: FileSinkOptions<T>): SinkDefinition<T> {
  const { path, format, mode = "fail", partBytes = PART_BYTES } = options;
  return {
    kind: "file",
    description: { path, format: format.name, mode },
    createWriter: (context) => new FileWriter<T>(path, format, mode === "append", partBytes, context),
    createCommitter: ({ runId }) => new FileCommitter(path, mode, runId),
  };
}
