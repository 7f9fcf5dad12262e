/** Two sources, a function that takes its time, and what is behind it. */
import { blackholeSink, defineJob, iterableSource, type } from "../../lib/index.js";

export interface LatencyParams {
  /** How long the function takes for each record, ms. */
  readonly busyMs: number;
}

export default defineJob("latency", (env, { busyMs }: LatencyParams) => {
  const [left, right] = ["left", "right"].map((name) => env.source(name, iterableSource(numbers)));
  left!
    .union(right!)
    .keyBy((n) => n)
    .process("slow", {
      out: type<number>(),
      element(n, { emit }) {
        const until = performance.now() + busyMs;
        while (performance.now() < until);
        emit(n);
      },
    })
    .rebalance()
    .map((n) => n + 1, "behind")
    .sink("out", blackholeSink());
});

async function* numbers({ signal }: { signal: AbortSignal }) {
  for (let n = 0; !signal.aborted; n++) {
    for (let i = 0; i < 20; i++) yield n * 20 + i;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
