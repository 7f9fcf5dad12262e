/** `npm run bench -- <suite> [options]`: prints ratios measured within one run. */
import { parseArgs } from "node:util";
import { exchange } from "./exchange/suite.js";
import { nexmark } from "./nexmark/suite.js";
import { peers } from "./peers/suite.js";

const HELP = `Usage: npm run bench -- <suite> [options]

Suites
  nexmark   queries against the loop written by hand: --queries q0,q5 --events N --parallelism 1,2 --pairs 9
  exchange  records from one thread to another: our rings and codec against other carriers
  peers     Nexmark queries by rxjs, node:stream, structured clone and Piscina tasks: --events N

Options
  --json    one JSON object per line
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    queries: { type: "string", default: "q0,q1,q2,q5,q7,q14,q17,q21,q22" },
    events: { type: "string" },
    parallelism: { type: "string", default: "1,2" },
    pairs: { type: "string", default: "9" },
    rate: { type: "string", default: "10000" },
    help: { type: "boolean", default: false },
  },
});

const suites: Readonly<Record<string, () => Promise<void>>> = {
  exchange: () => exchange({ json: values.json }),
  peers: () => peers({ json: values.json, events: Number(values.events ?? 2_000_000) }),
  nexmark: () =>
    nexmark({
      queries: values.queries.split(","),
      events: Number(values.events ?? 2_000_000),
      parallelism: values.parallelism.split(",").map(Number),
      pairs: Number(values.pairs),
      rate: Number(values.rate),
      json: values.json,
    }),
};

const suite = suites[positionals[0] ?? ""];
if (values.help || suite === undefined) {
  process.stdout.write(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  await suite();
}
