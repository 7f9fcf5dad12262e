/** Numbers into files, slowly enough to be stopped in between. */
import { datagenSource, defineJob, fileSink, jsonl } from "millrace";

export interface NumberedFilesParams {
  readonly out: string;
  readonly mode: "fail" | "append" | "replace";
  /** The name of the source. */
  readonly source?: string;
}

export default defineJob("numbered-files", (env, { out, mode, source = "numbers" }: NumberedFilesParams) => {
  env
    .source(source, datagenSource({ count: 60_000, record: (n) => ({ n }) }))
    .map(slowly, "slowly")
    .sink("files", fileSink({ path: out, format: jsonl(), mode }));
});

function slowly<T>(record: T): T {
  const until = performance.now() + 0.01;
  while (performance.now() < until);
  return record;
}
