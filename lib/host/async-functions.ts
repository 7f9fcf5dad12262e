/** Refuses asynchronous user functions before a job starts: operators use what a function returns at once. */
import { MillraceError } from "../base/error.js";
import type { Program } from "../protocol/program.js";

/** Throws USER_FUNCTION_ASYNC naming the operator. */
export function refuseAsyncFunctions({ graph, logic, selectors }: Program): void {
  for (const { uid, name } of graph.operators) {
    for (const each of logic.get(uid)?.functions ?? []) refuse(each, graph.job, name);
  }
  for (const { selector, to } of graph.edges) {
    if (selector === undefined) continue;
    const reader = graph.operators.find(({ uid }) => uid === to)!;
    refuse(selectors.get(selector), graph.job, reader.name);
  }
}

function refuse(given: unknown, job: string, operator: string): void {
  const kind = Object.prototype.toString.call(given).slice("[object ".length, -1);
  if (kind !== "AsyncFunction" && kind !== "AsyncGeneratorFunction") return;
  throw new MillraceError("USER_FUNCTION_ASYNC", `"${operator}" was given an async function`, {
    job,
    operator,
  });
}
