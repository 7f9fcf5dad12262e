import type { SinkDefinition } from "../../lib/sink/contract.js";

/** A sink that is ahead of its time by less does not wait: timers are no finer. */
const SLICE_MS = 1;
/** What a late timer may be made up for. */
const LATE_MS = 20;

/**
 * Takes each record as long as `costUs[0]` says, without using a core for it: it asks for back pressure until its
 * time has come. The cost can be changed from another thread.
 */
export function slowSink(costUs: Int32Array): SinkDefinition<unknown> {
  return {
    kind: "slow",
    description: {},
    createWriter: (context) => {
      let due = 0;
      let timer: NodeJS.Timeout | undefined;
      return {
        open() {},
        write() {
          const now = performance.now();
          due = Math.max(due, now - LATE_MS) + Atomics.load(costUs, 0) / 1000;
          if (due - now < SLICE_MS || timer !== undefined) return;
          context.pause();
          timer = setTimeout(() => {
            timer = undefined;
            context.resume();
          }, due - now);
        },
        flush() {},
        prepareCommit: async () => [],
        close: async () => clearTimeout(timer),
      };
    },
  };
}
