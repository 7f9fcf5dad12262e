/** `npm run sim -- --seeds N --topology all|name --seed S --trace`: simulates, and shows how to repeat what fails. */
import { parseArgs } from "node:util";
import { systemClock } from "../base/clock.js";
import { planOf } from "./plan.js";
import { shrink } from "./shrink.js";
import { simulate } from "./simulation.js";
import { topologies, topologyOf } from "./topologies/all.js";
import type { Topology } from "./topologies/topology.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    topology: { type: "string", default: "all" },
    /** No further seed is begun after so many seconds. */
    seconds: { type: "string", default: "Infinity" },
    trace: { type: "boolean", default: false },
    shrink: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});

const print = (line: string) => void process.stdout.write(`${line}\n`);
const first = Number(values.seed);
const single = values.trace;
const seeds = single ? 1 : Number(values.seeds);
const chosen = values.topology === "all" ? topologies : [topologyOf(values.topology)];
if (chosen.some((each) => each === undefined)) {
  print(`no topology "${values.topology}"; there are ${topologies.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

const started = systemClock.steady();
let failures = 0;
const totals = { runs: 0, steps: 0, completed: 0, restarts: 0, partial: 0 };
const until = started + Number(values.seconds) * 1000;
for (let seed = first; seed < first + seeds && systemClock.steady() < until; seed++) {
  for (const topology of chosen as Topology[]) {
    const plan = planOf(seed, topology.name, topology.abilities);
    const outcome = await simulate(plan, topology, values.trace ? print : undefined);
    totals.runs++;
    totals.steps += outcome.steps;
    totals.completed += outcome.completed;
    totals.restarts += outcome.restarts;
    totals.partial += outcome.partial;
    if (single) print(`${JSON.stringify(plan)}\n${JSON.stringify(outcome)}`);
    if (outcome.problems.length === 0) continue;
    failures++;
    print(`seed ${seed} of ${topology.name} fails (${plan.mode}):\n  ${outcome.problems.join("\n  ")}`);
    print(
      `  again: npm run sim -- --seed ${seed} --seeds 1 --topology ${topology.name} [--trace] [--shrink]`,
    );
    if (values.shrink) {
      const fails = async (each: typeof plan) => (await simulate(each, topology)).problems.length > 0;
      const least = await shrink(plan, fails);
      const { problems, steps } = await simulate(least, topology);
      print(`  smallest (${steps} steps): ${JSON.stringify(least)}\n  ${problems.join("\n  ")}`);
    }
    if (!values.keep && !single && failures >= 5) seed = first + seeds;
  }
}
const minutes = (systemClock.steady() - started) / 60_000;
print(
  `${totals.runs} runs, ${failures} fail; ${totals.steps} steps, ${totals.completed} checkpoints, ` +
    `${totals.restarts} restarts, ${totals.partial} of a region; ${Math.round(totals.runs / minutes)} runs a minute`,
);
process.exitCode = failures > 0 ? 1 : 0;
