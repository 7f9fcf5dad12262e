import { tables, type UpdatingTable } from "../../fixtures/nexmark/tables.js";
import { collectSink, digestSink, RowDigest, type SinkDefinition } from "../../lib/index.js";

/** A sink of digests for the rows of a query; of q12, whose rows depend on the wall clock, one of rows. */
export function answerSink(query: string): SinkDefinition<any> {
  if (query === "q12") return collectSink();
  const table = tables[query];
  return table === undefined ? digestSink() : tableDigestSink(table);
}

/**
 * Keeps the last row of every key and gives the digest of that table at the end. A restore gives rows back to
 * the subtask of their key only at the same parallelism.
 */
export function tableDigestSink<T>({ keyOf, decided }: UpdatingTable): SinkDefinition<T> {
  return {
    kind: "table-digest",
    description: {},
    createWriter: (context) => {
      const table = new Map<string, T>();
      return {
        restore(rows) {
          for (const row of rows as readonly T[]) table.set(keyOf(row), row);
        },
        open() {},
        write(row) {
          table.set(keyOf(row), row);
        },
        flush() {},
        finish() {
          const digest = new RowDigest();
          for (const row of table.values()) digest.add(decided === undefined ? row : decided(row));
          context.sendRows([digest.digest]);
          table.clear();
        },
        async prepareCommit() {
          return [];
        },
        snapshot: () => [...table.values()],
        async close() {},
      };
    },
  };
}
