/** `npm run bench -- <suite> [options]`: prints ratios measured within one run. */
import { parseArgs } from "node:util";
import { checkpoint } from "./checkpoint/suite.js";
import { debloat } from "./debloat/suite.js";
import { exchange } from "./exchange/suite.js";
import { queryNames } from "./nexmark/programs.js";
import { nexmark } from "./nexmark/suite.js";
import { peers } from "./peers/suite.js";
import { resources } from "./resources/suite.js";
import { s3 } from "./s3/suite.js";
import { slots } from "./slots/suite.js";
import { state } from "./state/suite.js";
import { timers } from "./timers/suite.js";
import { windows } from "./windows/suite.js";

const HELP = `Usage: npm run bench -- <suite> [options]

Suites
  nexmark   queries against the loop written by hand: --queries q0,q5 (or all) --events N --parallelism 1,2 --pairs 9
  exchange  records from one thread to another: our rings and codec against other carriers
  checkpoint  what checkpoints cost: --rows sum,value,map,pressure,restart --keys N --rate N --seconds N --pairs 5
  debloat   what is in flight under back pressure, and checkpoints: --parallelism 1,2 --checkpoints 20
            --rows pressure,change,skewed,inputs,cost --pairs 5 --plot chart.svg
  state     keyed state by the backends: --keys 100000,1000000 --large (10,000,000 keys, lmdb only) --pairs 5
  resources  slots cut by resource profiles against equal ones, in time and memory: --events N --pairs 5
  s3        objects of a bucket behind 20 ms of latency: our source against a loop of gets: --pairs 5
  slots     settings of slots against what else they could be: --rows young,collector,timeout,frame,ring
            --events N --seconds N --pairs 5
  peers     Nexmark queries by rxjs, node:stream, structured clone and Piscina tasks: --events N
  windows   sliding by little, and general windows, against windows that share panes; joins: --events N --pairs 5
  timers    a million timers of a keyed function, registered, fired and snapshotted: --events N --pairs 5

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
    pairs: { type: "string" },
    rate: { type: "string" },
    rows: { type: "string" },
    checkpoints: { type: "string", default: "20" },
    plot: { type: "string" },
    keys: { type: "string" },
    seconds: { type: "string", default: "6" },
    large: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const suites: Readonly<Record<string, () => Promise<void>>> = {
  exchange: () => exchange({ json: values.json }),
  peers: () => peers({ json: values.json, events: Number(values.events ?? 2_000_000) }),
  resources: () =>
    resources({
      events: Number(values.events ?? 2_000_000),
      pairs: Number(values.pairs ?? 5),
      json: values.json,
    }),
  checkpoint: () =>
    checkpoint({
      rows: (values.rows ?? "sum,value,map,pressure,restart").split(","),
      keys: Number(values.keys ?? 1_000_000),
      rate: Number(values.rate ?? 200_000),
      parallelism: values.parallelism.split(",").map(Number),
      pairs: Number(values.pairs ?? 5),
      seconds: Number(values.seconds),
      json: values.json,
    }),
  debloat: () =>
    debloat({
      rows: (values.rows ?? "pressure,change,skewed,inputs,cost").split(","),
      parallelism: values.parallelism.split(",").map(Number),
      checkpoints: Number(values.checkpoints),
      pairs: Number(values.pairs ?? 5),
      plot: values.plot,
      json: values.json,
    }),
  s3: () => s3({ pairs: Number(values.pairs ?? 5), json: values.json }),
  slots: () =>
    slots({
      rows: (values.rows ?? "young,collector,timeout,frame,ring").split(","),
      records: Number(values.events ?? 4_000_000),
      pairs: Number(values.pairs ?? 5),
      seconds: Number(values.seconds),
      json: values.json,
    }),
  state: () =>
    state({
      keys: (values.keys ?? "100000,1000000").split(",").map(Number),
      large: values.large,
      pairs: Number(values.pairs ?? 5),
      json: values.json,
    }),
  windows: () =>
    windows({
      records: Number(values.events ?? 3_000_000),
      pairs: Number(values.pairs ?? 5),
      json: values.json,
    }),
  timers: () =>
    timers({
      timers: Number(values.events ?? 1_000_000),
      pairs: Number(values.pairs ?? 5),
      json: values.json,
    }),
  nexmark: () =>
    nexmark({
      queries: values.queries === "all" ? queryNames : values.queries.split(","),
      events: Number(values.events ?? 2_000_000),
      parallelism: values.parallelism.split(",").map(Number),
      pairs: Number(values.pairs ?? 9),
      rate: Number(values.rate ?? 10_000),
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
