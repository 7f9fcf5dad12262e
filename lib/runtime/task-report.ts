import type { TaskMetrics } from "../metrics/task-metrics.js";
import type { OperatorCounters } from "../operators/contract.js";

/** What a task's channels and operators have counted, into its row of metrics. */
export function reportTask(
  metrics: TaskMetrics,
  inputs: readonly { readonly recordsIn: number; readonly bytesIn: number }[],
  outputs: readonly { readonly recordsOut: number; readonly bytesOut: number }[],
  counters: OperatorCounters,
): void {
  let recordsIn = 0;
  let bytesIn = 0;
  for (const input of inputs) {
    recordsIn += input.recordsIn;
    bytesIn += input.bytesIn;
  }
  let recordsOut = 0;
  let bytesOut = 0;
  for (const output of outputs) {
    recordsOut += output.recordsOut;
    bytesOut += output.bytesOut;
  }
  metrics.set("recordsIn", recordsIn);
  metrics.set("bytesIn", bytesIn);
  metrics.set("recordsOut", recordsOut);
  metrics.set("bytesOut", bytesOut);
  metrics.set("lateRecordsDropped", counters.lateRecordsDropped);
  metrics.set("recordsFailed", counters.recordsFailed);
}
