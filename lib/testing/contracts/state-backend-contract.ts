/** What every state backend must do. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MillraceError, messageOf } from "../../base/error.js";
import type { KeyedState, StateBackend } from "../../state/contract.js";
import { list, map, value } from "../../state/descriptors.js";
import {
  CASE_MS,
  type ContractCase,
  codeOf,
  contractCase,
  holds,
  same,
  sameMembers,
} from "./contract-case.js";
import type { StateBench } from "./state-bench.js";
import { runStateCase, type StateCase } from "./state-case.js";
import { expiryCases } from "./state-expiry-cases.js";
import { declareAll, drawSteps, ModelRun } from "./state-model.js";

const KEYS: readonly unknown[] = [
  1,
  "1",
  1n,
  2n ** 70n,
  true,
  "true",
  null,
  "null",
  undefined,
  0,
  1.5,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  "",
  "\u{1f30a} and a text that is longer than any short one",
  "x".repeat(5000),
  `${"x".repeat(5000)}y`,
  new Date(1),
  [1],
  ["1"],
  [1, [null, "a"]],
  { a: 1 },
  { a: 1, b: "two" },
];

const cases: Readonly<Record<string, StateCase>> = {
  "keeps what each kind keeps, per key": async ({ opened }) => {
    const { bench, handles } = await opened(declareAll);
    for (const key of [7, "7"]) {
      bench.use(key);
      same(handles.value.get(), undefined, "handles.value.get()");
      same(handles.list.get(), [], "handles.list.get()");
      same([...handles.map.entries()], [], "handles.map.entries()");
      same(handles.map.size, 0, "handles.map.size");
      same(handles.reducing.get(), undefined, "handles.reducing.get()");
      same(handles.aggregating.get(), undefined, "handles.aggregating.get()");
      handles.value.update({ count: 1, sum: 2 });
      handles.list.addAll([1, 2]);
      handles.list.add(3);
      handles.map.set("a", { count: 1, sum: 1 });
      handles.map.set("b", { count: 2, sum: 2 });
      for (const amount of [1, 2, 4]) {
        handles.reducing.add(amount);
        handles.aggregating.add(amount);
      }
    }
    bench.use(8);
    handles.value.clear();
    handles.list.clear();
    handles.map.clear();
    handles.map.delete("a");
    bench.use(7);
    same(handles.value.get(), { count: 1, sum: 2 }, "handles.value.get()");
    same(handles.list.get(), [1, 2, 3], "handles.list.get()");
    sameMembers([...handles.map.keys()], ["a", "b"], "handles.map.keys()");
    sameMembers(
      [...handles.map.values()].map(({ sum }) => sum),
      [1, 2],
      "[...handles.map.values()].map(({ sum }) => sum)",
    );
    same(handles.map.size, 2, "handles.map.size");
    same(handles.map.has("c"), false, "handles.map.has('c')");
    same(handles.reducing.get(), 7, "handles.reducing.get()");
    same(handles.aggregating.get(), [3, 7], "handles.aggregating.get()");
  },
  "tells a map entry without a value from none, and an emptied list from a full one": async ({ opened }) => {
    const { bench, handles } = await opened((state) => ({
      map: state.map("map", map<string, number | undefined>()),
      list: state.list("list", list<number>()),
    }));
    bench.use("k");
    handles.map.set("there", undefined);
    same(handles.map.has("there"), true, "handles.map.has('there')");
    same(handles.map.get("there"), undefined, "handles.map.get('there')");
    same(handles.map.has("absent"), false, "handles.map.has('absent')");
    handles.list.addAll([1, 2]);
    handles.list.update([]);
    same(handles.list.get(), [], "handles.list.get()");
  },
  "distinguishes keys and map keys of every type, also after restoring": async ({ opened }) => {
    const declare = (state: KeyedState) => ({
      value: state.value("value", value<number>()),
      map: state.map("map", map<unknown, number>()),
      list: state.list("list", list<number>()),
    });
    const { bench, handles } = await opened(declare);
    for (const [i, key] of KEYS.entries()) {
      bench.use(key);
      same(handles.value.get(), undefined, "handles.value.get()");
      handles.value.update(i);
      handles.list.add(i);
      for (const [j, at] of KEYS.entries()) handles.map.set(at, i * 100 + j);
    }
    const check = (b: StateBench, h: typeof handles) => {
      for (const [i, key] of structuredClone(KEYS).entries()) {
        b.use(key);
        same(h.value.get(), i, "h.value.get()");
        same(h.list.get(), [i], "h.list.get()");
        same(h.map.size, KEYS.length, "h.map.size");
        for (const [j, at] of KEYS.entries()) same(h.map.get(at), i * 100 + j, "h.map.get(at)");
        for (const [at, n] of h.map.entries()) same(at, KEYS[n - i * 100], "at");
      }
      b.use(-0);
      same(h.value.get(), KEYS.indexOf(0), "h.value.get()");
    };
    check(bench, handles);
    const { chains } = bench.checkpoint("full");
    const restored = await opened(declare, { chains });
    check(restored.bench, restored.handles);
    same(await codeOf(() => bench.use(Symbol("s"))), "KEY_INVALID", "() => bench.use(Symbol('s'))");
  },
  "writes a value as it was although it is changed in place after the freeze": async ({ opened }) => {
    const { bench, handles } = await opened(declareAll);
    bench.use(1);
    handles.value.update({ count: 1, sum: 1 });
    handles.map.set("a", { count: 1, sum: 1 });
    const taking = bench.freeze("full");
    handles.value.get()!.sum = 99;
    for (const each of handles.map.values()) each.sum = 99;
    bench.use(2);
    handles.value.update({ count: 2, sum: 2 });
    same(taking.slice(), true, "taking.slice()");
    const sums = ["value", "map"].flatMap((part) => taking.entries.get(part)!.map((each) => each.value));
    same(
      sums.map((each) => [each.key, each.value.sum]),
      [
        [1, 1],
        [1, 1],
      ],
      "sums.map((each) => [each.key, each.value.sum])",
    );
  },
  "goes on with a full snapshot after one that was given up": async ({ opened }) => {
    const { bench, handles } = await opened(declareAll);
    bench.use(1);
    handles.value.update({ count: 1, sum: 1 });
    bench.checkpoint("full");
    bench.use(2);
    handles.value.update({ count: 2, sum: 2 });
    bench.freeze("delta").release();
    const { taking } = bench.checkpoint("delta");
    same(taking.kinds.get("value"), "full", "taking.kinds.get('value')");
    sameMembers(
      taking.entries.get("value")!.map((each) => each.value.key),
      [1, 2],
      "taking.entries.get('value')!.map((each) => each.value.key)",
    );
    bench.use(2);
    handles.value.clear();
    const next = bench.checkpoint("delta").taking;
    same(next.kinds.get("value"), "delta", "next.kinds.get('value')");
    same(
      next.entries.get("value")!.map((each) => each.value),
      [{ gone: 2 }],
      "next.entries.get('value')!.map((each) => each.value)",
    );
  },
  "says nothing in a delta of what came and went in between": async ({ opened }) => {
    const { bench, handles } = await opened(declareAll);
    bench.checkpoint("full");
    for (let key = 0; key < 5000; key++) {
      bench.use(key);
      handles.value.update({ count: key, sum: 0 });
      handles.map.set(1, { count: key, sum: 0 });
      handles.list.add(key);
      handles.value.clear();
      handles.map.clear();
      handles.list.clear();
    }
    const { taking } = bench.checkpoint("delta");
    same([...taking.entries.values()].flat(), [], "[...taking.entries.values()].flat()");
  },
  "makes a delta of one entry from one entry touched in a large map": async ({ opened, large }) => {
    const { bench, handles } = await opened((state) => ({
      map: state.map("map", map<number, number>()),
      list: state.list("list", list<number>()),
    }));
    bench.use("k");
    for (let i = 0; i < large; i++) {
      handles.map.set(i, i);
      handles.list.add(i);
      if (i % 10_000 === 0) bench.state.rest(0);
    }
    const full = countEntries(bench, "full");
    same(full.get("map"), large, "full.get('map')");
    handles.map.set(large / 2, -1);
    handles.list.add(-1);
    const { taking } = bench.checkpoint("delta");
    same(
      taking.entries.get("map")!.map((each) => each.value),
      [{ key: "k", at: large / 2, value: -1 }],
      "taking.entries.get('map')!.map((each) => each.value)",
    );
    same(taking.entries.get("list")!.length, 1, "taking.entries.get('list')!.length");
    holds(
      taking.entries.get("list")![0]!.value.value.length < 1000,
      "taking.entries.get('list')![0]!.value.value.length",
    );
    same(handles.map.size, large, "handles.map.size");
    same(handles.list.get().length, large + 1, "handles.list.get().length");
  },
  "does not hold the text alive that its keys were cut from": async ({ opened }) => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const { bench, handles } = await opened(declareAll);
    const [keys, chars] = [1000, 20_000];
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < keys; i++) {
      const batch = Buffer.alloc(chars, `${i}-`).toString("latin1");
      bench.use(batch.slice(0, 40));
      handles.value.update({ count: 1, sum: 1 });
      handles.list.add(1);
      handles.map.set(batch.slice(1, 41), { count: 1, sum: 1 });
    }
    collect();
    const grown = process.memoryUsage().heapUsed - before;
    holds(grown / keys < chars / 4, "grown / keys");
  },
};

/** Packs without keeping; several slices. */
function countEntries(bench: StateBench, kind: "full" | "delta"): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [name, part] of bench.parts) {
    let entries = 0;
    const frozen = part.freeze(kind, { entry: () => entries++ });
    let slices = 0;
    while (!frozen.pack(() => ++slices % 100 === 0)) holds(entries > 0, "entries");
    counts.set(name, entries);
  }
  return counts;
}

/** How much of a state backend is tried. */
export interface StateContractOptions {
  /** Entries of a large map and list; default 60,000. */
  readonly large?: number;
  /** How many drawn sequences of changes and snapshots are compared with a model; default 40. */
  readonly runs?: number;
  /** How long a case may take, real ms; default a minute. */
  readonly limitMs?: number;
}

/**
 * The cases that every state backend has to pass.
 * @example
 * for (const { name, run } of stateBackendContract(myBackend)) it(name, run);
 */
export function stateBackendContract(
  backend: StateBackend,
  options: StateContractOptions = {},
): ContractCase[] {
  const { large = 60_000, runs = 40, limitMs = CASE_MS } = options;
  const open = backend.open.bind(backend);
  const model: StateCase = async () => {
    for (let seed = 1; seed <= runs; seed++) {
      try {
        await new ModelRun(open).run(drawSteps(seed));
      } catch (error) {
        throw new MillraceError(
          "TEST_CONTRACT_BROKEN",
          `with the steps of seed ${seed}: ${messageOf(error)}`,
          {
            cause: error,
          },
        );
      }
    }
  };
  const all = {
    ...cases,
    "restores what there was at the freeze, whatever happens between slices": model,
    ...expiryCases,
  };
  return Object.entries(all).map(([name, work]) =>
    contractCase(name, () => runStateCase(work, open, large), limitMs),
  );
}
