import { RowDigest, type SinkDefinition } from "../../lib/index.js";

/** Keeps the last row of every key and gives the digest of that table at the end. */
export function tableDigestSink<T>(keyOf: (row: T) => string): SinkDefinition<T> {
  return {
    kind: "table-digest",
    description: {},
    createWriter: (context) => {
      const table = new Map<string, T>();
      return {
        open() {},
        write(row) {
          table.set(keyOf(row), row);
        },
        flush() {},
        async prepareCommit() {
          const digest = new RowDigest();
          for (const row of table.values()) digest.add(row);
          context.sendRows([digest.digest]);
          return [];
        },
        async close() {},
      };
    },
  };
}
