/** Counts per key over a paced stream: what a test rescales while it runs. */
import { count, datagenSource, defineJob, digestSink } from "millrace";

export interface GrowingParams {
  readonly records: number;
  readonly keys: number;
}

export default defineJob("growing", (env, { records, keys }: GrowingParams) => {
  env
    .source(
      "numbers",
      datagenSource({ count: records, record: (index) => ({ key: index % keys, value: index }) }),
    )
    .keyBy((row) => row.key)
    .aggregate({ rows: count() })
    .sink("out", digestSink());
});
