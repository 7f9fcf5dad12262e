/** An operator of windows, made to be measured: nothing around it, the heap backend below. */
import type { Operator, OperatorContext, OperatorLogic } from "../../lib/operators/contract.js";
import { heapBackend } from "../../lib/state/heap/backend.js";

/** `out` is called for every result. */
export function operatorOf(logic: OperatorLogic, out: () => void): Required<Operator> {
  const parts = { declare() {} };
  const context = {
    maxParallelism: 128,
    parallelism: 1,
    subtask: 0,
    gate: { level: 0 },
    out,
    counters: { lateRecordsDropped: 0 },
    now: () => 0,
    wallNow: () => 0,
    wake() {},
    lifecycle: () => ({}),
    parts,
    keyedState: () =>
      heapBackend.open({
        job: "bench",
        operator: "bench",
        subtask: 0,
        maxParallelism: 128,
        groups: { first: 0, last: 127 },
        directory: "",
        now: () => 0,
        parts,
      }),
  };
  return logic.create!(context as unknown as OperatorContext) as Required<Operator>;
}
