import { defineJob } from "../../lib/index.js";
import { pacedSource } from "../checkpoint/paced-source.js";
import { slowSink } from "./slow-sink.js";

export interface DebloatParams {
  /**
   * "pipeline": source, map and sink, every vertex on threads of its own; "union": two sources of the same records
   * into one sink, the second a slow one; "two inputs": records of a byte and of a kilobyte.
   */
  readonly shape: "pipeline" | "union" | "two inputs";
  readonly splits: number;
  /** Records a second of the second source; 0: as fast as they are taken. */
  readonly secondRate: number;
  /** What the sink takes for a record, us: one word that can be changed while the job runs. */
  readonly costUs: SharedArrayBuffer;
}

interface Small {
  readonly value: number;
}

const TEXT = "x".repeat(1000);

/** After Flink's CheckpointingTimeBenchmark: whatever is sent crosses threads, and the sink takes its time. */
export default defineJob("debloat", (env, params: DebloatParams) => {
  const { shape, splits, secondRate } = params;
  const sink = slowSink(new Int32Array(params.costUs));
  const source = <T>(name: string, rate: number, record: (index: number) => T) => {
    const first = rate === 0 ? Number.POSITIVE_INFINITY : 0;
    return env.source(name, pacedSource({ rate, first, splits, record }));
  };
  const small = (index: number): Small => ({ value: index & 127 });
  const first = source("source", 0, small);
  if (shape === "pipeline") {
    first
      .rebalance()
      .map((record) => record, "map")
      .slotSharingGroup("map")
      .rebalance()
      .sink("out", sink)
      .slotSharingGroup("sink");
    return;
  }
  if (shape === "union") {
    first
      .union(source("second", secondRate, small))
      .rebalance()
      .sink("out", sink)
      .slotSharingGroup("sink");
    return;
  }
  const large = source("second", secondRate, (index) => ({ value: index & 127, text: TEXT }));
  first
    .rebalance()
    .connect(large.rebalance())
    .map(
      ({ value }) => value,
      ({ value }) => value,
      "both",
    )
    .slotSharingGroup("sink")
    .sink("out", sink)
    .slotSharingGroup("sink");
});
