import type { TaskMetrics } from "../metrics/task-metrics.js";
import type { OperatorCounters } from "../operators/contract.js";
import type { Output } from "./outputs.js";
import type { TaskInputs } from "./task-inputs.js";

/** What a task's channels and operators have counted, into its row of metrics. */
export function reportTask(
  metrics: TaskMetrics,
  inputs: TaskInputs,
  outputs: readonly Output[],
  counters: OperatorCounters,
): void {
  let recordsOut = 0;
  let bytesOut = 0;
  let { bytesInFlight } = inputs;
  let creditBytes = 0;
  for (const output of outputs) {
    bytesInFlight += output.waitingBytes;
    creditBytes += output.creditBytes;
    recordsOut += output.recordsOut;
    bytesOut += output.bytesOut;
  }
  inputs.report(metrics);
  metrics.set("recordsOut", recordsOut);
  metrics.set("bytesOut", bytesOut);
  metrics.set("bytesInFlight", bytesInFlight);
  metrics.set("creditBytes", creditBytes);
  metrics.set("lateRecordsDropped", counters.lateRecordsDropped);
  metrics.set("recordsFailed", counters.recordsFailed);
}
