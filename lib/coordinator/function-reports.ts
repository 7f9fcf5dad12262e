/** What the user's functions in all subtasks count, as they have last told. */
import { MillraceError, messageOf } from "../base/error.js";
import type { Accumulator } from "../operators/job-accumulators.js";
import type { TaskId } from "../protocol/deployment.js";
import type { FunctionReport } from "../protocol/function-report.js";

export class FunctionReports {
  private readonly byTask = new Map<string, FunctionReport>();

  /** What a report does not speak of has not changed. */
  take(task: TaskId, { metrics, accumulators }: FunctionReport): void {
    const before = this.byTask.get(keyOf(task));
    this.byTask.set(keyOf(task), { metrics, accumulators: { ...before?.accumulators, ...accumulators } });
  }

  /** These tasks, or all, begin anew: so does what they count. */
  forget(tasks?: readonly TaskId[]): void {
    if (tasks === undefined) this.byTask.clear();
    for (const task of tasks ?? []) this.byTask.delete(keyOf(task));
  }

  metricsOf(task: TaskId): FunctionReport["metrics"] | undefined {
    return this.byTask.get(keyOf(task))?.metrics;
  }

  /** Every accumulator of the job, merged over its subtasks. Throws what the user's own `merge` or `result` throw. */
  merged(declared: ReadonlyMap<string, Accumulator>): Record<string, unknown> {
    return Object.fromEntries([...declared].map(([name, each]) => [name, this.resultOf(name, each)]));
  }

  private resultOf(name: string, { functions }: Accumulator): unknown {
    try {
      let all: unknown = functions.create();
      for (const { accumulators } of this.byTask.values()) {
        // A copy: what is merged may be kept, and changed by the next merge.
        if (name in accumulators) all = functions.merge(all, structuredClone(accumulators[name]));
      }
      return functions.result(all);
    } catch (cause) {
      const message = `accumulator "${name}": ${messageOf(cause)}`;
      throw new MillraceError("USER_FUNCTION_FAILED", message, { cause });
    }
  }
}

function keyOf({ vertex, subtask }: TaskId): string {
  return `${vertex}/${subtask}`;
}
