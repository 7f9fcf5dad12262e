/** The model of keyed state: plain Maps, and random operations on both. */
import { seededRandom } from "../../base/random.js";
import type { KeyedState } from "../../state/contract.js";
import { aggregating, list, map, reducing, value } from "../../state/descriptors.js";
import { holds, same } from "./contract-case.js";
import { type Chains, type OpenBackend, StateBench, type Taking } from "./state-bench.js";

interface Account {
  count: number;
  sum: number;
}

export function declareAll(state: KeyedState) {
  return {
    value: state.value("value", value<Account>()),
    list: state.list("list", list<number>()),
    map: state.map("map", map<number | string, Account>()),
    reducing: state.reducing(
      "reducing",
      reducing<number>((left, right) => left + right),
    ),
    aggregating: state.aggregating(
      "aggregating",
      aggregating({
        create: (): Account => ({ count: 0, sum: 0 }),
        add: (account, amount: number) => {
          account.count++;
          account.sum += amount;
          return account;
        },
        result: ({ count, sum }) => [count, sum],
      }),
    ),
  };
}
type Handles = ReturnType<typeof declareAll>;

/** What one key holds. */
interface Held {
  value?: Account | undefined;
  list: number[];
  map: Map<number | string, Account>;
  reducing?: number | undefined;
  aggregating?: Account | undefined;
}
type Model = Map<number | string, Held>;

type Change = (handles: Handles, held: Held, n: number) => void;

/** One change of one kind of state, done to both alike. */
export const CHANGES: Readonly<Record<string, Change>> = {
  update({ value }, held, n) {
    value.update({ count: n, sum: 0 - n });
    held.value = { count: n, sum: 0 - n };
  },
  changeInPlace({ value }, held, n) {
    const account = value.get();
    same(account, held.value, "a value of a key");
    if (account === undefined) return;
    account.sum += n;
    value.update(account);
    held.value!.sum += n;
  },
  clearValue({ value }, held, n) {
    if (n % 2 === 0) value.clear();
    else value.update(undefined as unknown as Account);
    held.value = undefined;
  },
  append({ list }, held, n) {
    list.add(n);
    held.list.push(n);
  },
  appendMany({ list }, held, n) {
    const many = Array.from({ length: 50 + n }, (_, i) => n * i);
    list.addAll(many);
    held.list.push(...many);
  },
  replaceList({ list }, held, n) {
    const shorter = held.list.slice(n * 4);
    same(list.get(), held.list, "the list of a key");
    list.update(shorter);
    held.list = shorter;
  },
  clearList({ list }, held) {
    list.clear();
    held.list = [];
  },
  setEntry({ map }, held, n) {
    map.set(n, { count: n, sum: 1 });
    held.map.set(n, { count: n, sum: 1 });
  },
  changeEntry({ map }, held, n) {
    const account = map.get(n);
    same(account, held.map.get(n), "a value of a key");
    same(map.has(n), held.map.has(n), "has(key) of a map");
    if (account === undefined) return;
    account.sum *= 2;
    map.set(n, account);
    held.map.get(n)!.sum *= 2;
  },
  changeEntries({ map }, held) {
    for (const [at, account] of map.entries()) {
      account.count++;
      map.set(at, account);
    }
    for (const account of held.map.values()) account.count++;
  },
  deleteEntry({ map }, held, n) {
    map.delete(n);
    held.map.delete(n);
  },
  clearMap({ map }, held) {
    map.clear();
    held.map.clear();
  },
  reduce({ reducing }, held, n) {
    reducing.add(n);
    held.reducing = (held.reducing ?? 0) + n;
  },
  clearReduced({ reducing }, held) {
    reducing.clear();
    held.reducing = undefined;
  },
  aggregate({ aggregating }, held, n) {
    aggregating.add(n);
    held.aggregating ??= { count: 0, sum: 0 };
    held.aggregating.count++;
    held.aggregating.sum += n;
  },
  clearAggregated({ aggregating }, held) {
    aggregating.clear();
    held.aggregating = undefined;
  },
};

export const KEYS: readonly (number | string)[] = ["1", 1, 2, 3.5, "a key that is longer than thirteen"];

/** Keys that fill the tables, so that a snapshot takes several slices. */
const FILLING = 200;

export type Step =
  | { readonly do: "change"; readonly key: number | string; readonly what: string; readonly n: number }
  | { readonly do: "freeze"; readonly kind: "full" | "delta" }
  | { readonly do: "slice" | "pack" | "release" | "restore" | "rest" };

/** What a step may do, each as often as it is listed. */
const KINDS: readonly Step["do"][] = [
  ...new Array<Step["do"]>(12).fill("change"),
  ...(["freeze", "freeze", "freeze", "slice", "slice", "slice", "pack", "pack"] as const),
  ...(["release", "restore", "rest"] as const),
];

const STEPS_MIN = 20;
const STEPS_MAX = 120;

/** Steps as the seed has it. */
export function drawSteps(seed: number): Step[] {
  const random = seededRandom(seed);
  const below = (limit: number) => random.u32() % limit;
  const of = <T>(choices: readonly T[]): T => choices[below(choices.length)]!;
  return Array.from({ length: STEPS_MIN + below(STEPS_MAX - STEPS_MIN) }, (): Step => {
    const kind = of(KINDS);
    if (kind === "change") return { do: kind, key: of(KEYS), what: of(Object.keys(CHANGES)), n: below(100) };
    if (kind === "freeze") return { do: kind, kind: of(["full", "delta", "delta"]) };
    return { do: kind };
  });
}

/** Runs steps on state and model. What is restored must be the model as it was at the freeze. */
export class ModelRun {
  private readonly open: OpenBackend;
  private bench!: StateBench;
  private handles!: Handles;
  private model: Model = new Map();
  /** The checkpoint being taken, and the model at its freeze. */
  private taking: { readonly taking: Taking; readonly model: Model } | undefined;
  private taken: { readonly chains: Chains; readonly model: Model } | undefined;

  constructor(open: OpenBackend) {
    this.open = open;
  }

  async run(all: readonly Step[]): Promise<void> {
    await this.reopen();
    for (let key = 1000; key < 1000 + FILLING; key++) {
      for (const what of ["update", "append", "setEntry"]) this.change(key, what, key % 100);
    }
    for (const step of all) await this.step(step);
    this.freeze("delta");
    this.complete();
    await this.restore();
    await this.bench.close();
  }

  private async step(step: Step): Promise<void> {
    if (step.do === "change") this.change(step.key, step.what, step.n);
    else if (step.do === "freeze") this.freeze(step.kind);
    else if (step.do === "slice") this.slice(() => true);
    else if (step.do === "pack") this.complete();
    else if (step.do === "release") this.release();
    else if (step.do === "rest") this.bench.state.rest(0);
    else await this.restore();
  }

  private change(key: number | string, what: string, n: number): void {
    const held: Held = this.model.get(key) ?? { list: [], map: new Map() };
    this.model.set(key, held);
    this.bench.use(key);
    CHANGES[what]!(this.handles, held, n);
  }

  private freeze(kind: "full" | "delta"): void {
    const before = this.taking;
    const model = structuredClone(this.model);
    if (before !== undefined) this.complete();
    this.taking = { taking: this.bench.freeze(kind), model };
  }

  private slice(timeIsUp: () => boolean): void {
    if (this.taking === undefined || !this.taking.taking.slice(timeIsUp)) return;
    this.taken = { chains: this.taking.taking.chains(), model: this.taking.model };
    this.taking = undefined;
  }

  private complete(): void {
    this.slice(() => false);
    holds(this.taking === undefined, "a snapshot that may take its time is not through");
  }

  private release(): void {
    this.taking?.taking.release();
    this.taking = undefined;
  }

  private async restore(): Promise<void> {
    if (this.taken === undefined) return;
    this.taking = undefined;
    await this.bench.close();
    this.model = structuredClone(this.taken.model);
    await this.reopen();
    for (const [key, held] of this.model) {
      this.bench.use(key);
      const { value, list, map, reducing, aggregating } = this.handles;
      same(value.get(), held.value, "the value of a key");
      same(list.get(), held.list, "the list of a key");
      same(new Map(map.entries()), held.map, "the map of a key");
      same(map.size, held.map.size, "the size of a map");
      same(reducing.get(), held.reducing, "the reducing of a key");
      const account = held.aggregating;
      same(aggregating.get(), account && [account.count, account.sum], "the aggregating of a key");
    }
  }

  private async reopen(): Promise<void> {
    const opened = await StateBench.open(this.open, declareAll, {
      ...(this.taken === undefined ? {} : { chains: this.taken.chains }),
    });
    this.bench = opened.bench;
    this.handles = opened.handles;
  }
}
