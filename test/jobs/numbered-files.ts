/** Numbers into files, slowly enough to be stopped in between. */
import { datagenSource, defineJob, fileSink, jsonl } from "millrace";

export default defineJob(
  "numbered-files",
  (env, { out, mode }: { out: string; mode: "fail" | "append" | "replace" }) => {
    env
      .source("numbers", datagenSource({ count: 60_000, record: (n) => ({ n }) }))
      .map(slowly, "slowly")
      .sink("files", fileSink({ path: out, format: jsonl(), mode }));
  },
);

function slowly<T>(record: T): T {
  const until = performance.now() + 0.01;
  while (performance.now() < until);
  return record;
}
