/** Makes a failing plan smaller while it still fails: fewer faults, fewer records, less of everything. */
import type { SimPlan } from "./plan.js";

/** `fails` runs a plan. Greedy: whatever can go goes, until nothing can. */
export async function shrink(plan: SimPlan, fails: (plan: SimPlan) => Promise<boolean>): Promise<SimPlan> {
  let smallest = plan;
  for (let shrunk = true; shrunk; ) {
    shrunk = false;
    for (const candidate of smaller(smallest)) {
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      shrunk = true;
      break;
    }
  }
  return smallest;
}

function smaller(plan: SimPlan): SimPlan[] {
  const candidates: SimPlan[] = plan.faults.map((_, out) => ({
    ...plan,
    faults: plan.faults.filter((__, i) => i !== out),
  }));
  for (const name of ["records", "splits", "parallelism"] as const) {
    if (plan[name] > 1) {
      candidates.push({ ...plan, [name]: plan[name] >> 1 });
      candidates.push({ ...plan, [name]: plan[name] - 1 });
    }
  }
  if (plan.concurrent > 1) candidates.push({ ...plan, concurrent: 1 });
  if (plan.retained > 1) candidates.push({ ...plan, retained: 1 });
  if (plan.spread) candidates.push({ ...plan, spread: false });
  if (!plan.chaining) candidates.push({ ...plan, chaining: true });
  if (plan.pauses > 0) candidates.push({ ...plan, pauses: 0 });
  if (plan.debloat !== null) candidates.push({ ...plan, debloat: null });
  if (plan.tickMs > 0) candidates.push({ ...plan, tickMs: 0 });
  if (plan.inlineBytes < 20_000) candidates.push({ ...plan, inlineBytes: 20_000 });
  if (plan.ringBytes < 65_536) candidates.push({ ...plan, ringBytes: 65_536 });
  return candidates;
}
