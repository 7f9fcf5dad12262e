/** Counts the rows of objects in a bucket. */
import { defineJob, fileSource, jsonl, type SinkDefinition } from "../../lib/index.js";

export interface CountedParams {
  readonly from: string;
}

export interface BenchRow {
  readonly id: number;
  readonly user: string;
  readonly amount: number;
}

/** What one subtask has seen. */
export interface Counted {
  readonly rows: number;
  readonly amount: number;
}

export default defineJob("counted", (env, { from }: CountedParams) => {
  env.source("rows", fileSource({ path: from, format: jsonl<BenchRow>() })).sink("out", countingSink());
});

function countingSink(): SinkDefinition<BenchRow> {
  return {
    kind: "counting",
    description: {},
    createWriter(context) {
      let [rows, amount] = [0, 0];
      return {
        open() {},
        write(row) {
          rows++;
          amount += row.amount;
        },
        flush() {},
        finish: () => context.sendRows([{ rows, amount } satisfies Counted]),
        prepareCommit: async () => [],
        close: async () => undefined,
      };
    },
  };
}
