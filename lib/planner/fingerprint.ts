import { createHash } from "node:crypto";
import type { Plan } from "../protocol/program.js";

/**
 * What must agree between all threads of a job: the structure, the text of the user's functions, and the
 * parameters.
 */
export function fingerprint(plan: Plan, params: unknown): string {
  const hash = createHash("sha1");
  hash.update(JSON.stringify(plan.jobGraph));
  hash.update(JSON.stringify(params) ?? "");
  for (const [uid, logic] of plan.program.logic) {
    hash.update(uid);
    for (const each of [...logic.functions, ...(logic.asyncFunctions ?? [])]) hash.update(String(each));
  }
  for (const [name, { kind, functions }] of plan.program.accumulators) {
    hash.update(name + kind + Object.values(functions).map(String).join());
  }
  for (const [name, selector] of plan.program.selectors) hash.update(name + String(selector));
  return hash.digest("hex").slice(0, 16);
}
