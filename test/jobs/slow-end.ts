/** A source that is far ahead of what is processed: behind it stands a slow function, in a slot of its own. */
import { datagenSource, defineJob, fileSink, jsonl, type, value } from "millrace";
import { crashIf } from "./crash-file.js";

export interface SlowEndParams {
  readonly count: number;
  /** Work per record, ms. */
  readonly work: number;
  readonly out: string;
  readonly crash?: string;
  /** Characters that each record carries along: how many fit into the memory between two slots. */
  readonly padding?: number;
}

export interface Counted {
  readonly id: number;
  /** Counts the records of the key. */
  readonly n: number;
}

const KEYS = 50;

export default defineJob("slow-end", (env, { count, work, out, crash, padding = 0 }: SlowEndParams) => {
  const pad = "x".repeat(padding);
  env
    .source("numbers", datagenSource({ count, record: (id) => ({ id, pad }), splits: 1 }))
    .keyBy(({ id }) => id % KEYS)
    .process("count", {
      out: type<Counted & { pad: string }>(),
      state: { n: value<number>() },
      element({ id, pad }, { state, emit }) {
        const n = (state.n.get() ?? 0) + 1;
        state.n.update(n);
        emit({ id, n, pad });
      },
    })
    .rebalance()
    .map(({ id, n }): Counted => {
      crashIf(crash);
      const until = performance.now() + work;
      while (performance.now() < until);
      return { id, n };
    }, "slow")
    .slotSharingGroup("slow")
    .sink("rows", fileSink({ path: out, format: jsonl() }));
});
