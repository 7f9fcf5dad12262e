/** What every state backend must do; a backend's test calls `describeBackend`. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import fc from "fast-check";
import type { KeyedState } from "../../lib/state/contract.js";
import { aggregating, list, map, reducing, value } from "../../lib/state/descriptors.js";
import { declareAll, ModelRun, steps } from "./backend-model.js";
import { type OpenBackend, StateBench } from "./state-bench.js";

export interface BackendExpectations {
  /** Entries of the large map. */
  readonly large: number;
  /** Runs of the model test. */
  readonly runs: number;
}

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

export function describeBackend(name: string, open: OpenBackend, { large, runs }: BackendExpectations): void {
  describe(`${name} state`, () => {
    const benches: StateBench[] = [];
    const opened: typeof StateBench.open = async (backend, declare, options) => {
      const result = await StateBench.open(backend, declare, options);
      benches.push(result.bench);
      return result;
    };
    afterEach(async () => {
      for (const bench of benches.splice(0)) await bench.close();
    });

    it("keeps what each kind keeps, per key", async () => {
      const { bench, handles } = await opened(open, declareAll);
      for (const key of [7, "7"]) {
        bench.use(key);
        expect(handles.value.get()).to.equal(undefined);
        expect(handles.list.get()).to.deep.equal([]);
        expect([...handles.map.entries()]).to.deep.equal([]);
        expect(handles.map.size).to.equal(0);
        expect(handles.reducing.get()).to.equal(undefined);
        expect(handles.aggregating.get()).to.equal(undefined);
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
      expect(handles.value.get()).to.deep.equal({ count: 1, sum: 2 });
      expect(handles.list.get()).to.deep.equal([1, 2, 3]);
      expect([...handles.map.keys()]).to.have.members(["a", "b"]);
      expect([...handles.map.values()].map(({ sum }) => sum)).to.have.members([1, 2]);
      expect(handles.map.size).to.equal(2);
      expect(handles.map.has("c")).to.equal(false);
      expect(handles.reducing.get()).to.equal(7);
      expect(handles.aggregating.get()).to.deep.equal([3, 7]);
    });

    it("tells a map entry without a value from none, and an emptied list from a full one", async () => {
      const { bench, handles } = await opened(open, (state) => ({
        map: state.map("map", map<string, number | undefined>()),
        list: state.list("list", list<number>()),
      }));
      bench.use("k");
      handles.map.set("there", undefined);
      expect(handles.map.has("there")).to.equal(true);
      expect(handles.map.get("there")).to.equal(undefined);
      expect(handles.map.has("absent")).to.equal(false);
      handles.list.addAll([1, 2]);
      handles.list.update([]);
      expect(handles.list.get()).to.deep.equal([]);
    });

    it("distinguishes keys and map keys of every type, also after restoring", async () => {
      const declare = (state: KeyedState) => ({
        value: state.value("value", value<number>()),
        map: state.map("map", map<unknown, number>()),
        list: state.list("list", list<number>()),
      });
      const { bench, handles } = await opened(open, declare);
      for (const [i, key] of KEYS.entries()) {
        bench.use(key);
        expect(handles.value.get()).to.equal(undefined);
        handles.value.update(i);
        handles.list.add(i);
        for (const [j, at] of KEYS.entries()) handles.map.set(at, i * 100 + j);
      }
      const check = (b: StateBench, h: typeof handles) => {
        for (const [i, key] of structuredClone(KEYS).entries()) {
          b.use(key);
          expect(h.value.get()).to.equal(i);
          expect(h.list.get()).to.deep.equal([i]);
          expect(h.map.size).to.equal(KEYS.length);
          for (const [j, at] of KEYS.entries()) expect(h.map.get(at)).to.equal(i * 100 + j);
          for (const [at, n] of h.map.entries()) expect(at).to.deep.equal(KEYS[n - i * 100]);
        }
        b.use(-0);
        expect(h.value.get()).to.equal(KEYS.indexOf(0));
      };
      check(bench, handles);
      const { chains } = bench.checkpoint("full");
      const restored = await opened(open, declare, { chains });
      check(restored.bench, restored.handles);
      expect(() => bench.use(Symbol("s")))
        .to.throw()
        .with.property("code", "KEY_INVALID");
    });

    it("restores what there was at the freeze, whatever happens between slices", async () => {
      await fc.assert(
        fc.asyncProperty(steps, (all) => new ModelRun(open).run(all)),
        { numRuns: runs },
      );
    }).timeout(60_000);

    it("writes a value as it was although it is changed in place after the freeze", async () => {
      const { bench, handles } = await opened(open, declareAll);
      bench.use(1);
      handles.value.update({ count: 1, sum: 1 });
      handles.map.set("a", { count: 1, sum: 1 });
      const taking = bench.freeze("full");
      handles.value.get()!.sum = 99;
      for (const each of handles.map.values()) each.sum = 99;
      bench.use(2);
      handles.value.update({ count: 2, sum: 2 });
      expect(taking.slice()).to.equal(true);
      const sums = ["value", "map"].flatMap((part) => taking.entries.get(part)!.map((each) => each.value));
      expect(sums.map((each) => [each.key, each.value.sum])).to.deep.equal([
        [1, 1],
        [1, 1],
      ]);
    });

    it("goes on with a full snapshot after one that was given up", async () => {
      const { bench, handles } = await opened(open, declareAll);
      bench.use(1);
      handles.value.update({ count: 1, sum: 1 });
      bench.checkpoint("full");
      bench.use(2);
      handles.value.update({ count: 2, sum: 2 });
      bench.freeze("delta").release();
      const { taking } = bench.checkpoint("delta");
      expect(taking.kinds.get("value")).to.equal("full");
      expect(taking.entries.get("value")!.map((each) => each.value.key)).to.have.members([1, 2]);
      bench.use(2);
      handles.value.clear();
      const next = bench.checkpoint("delta").taking;
      expect(next.kinds.get("value")).to.equal("delta");
      expect(next.entries.get("value")!.map((each) => each.value)).to.deep.equal([{ gone: 2 }]);
    });

    it("says nothing in a delta of what came and went in between", async () => {
      const { bench, handles } = await opened(open, declareAll);
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
      expect([...taking.entries.values()].flat()).to.deep.equal([]);
    });

    it(`makes a delta of one entry from one entry touched in a map of ${large}`, async () => {
      const { bench, handles } = await opened(open, (state) => ({
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
      expect(full.get("map")).to.equal(large);
      handles.map.set(large / 2, -1);
      handles.list.add(-1);
      const { taking } = bench.checkpoint("delta");
      expect(taking.entries.get("map")!.map((each) => each.value)).to.deep.equal([
        { key: "k", at: large / 2, value: -1 },
      ]);
      expect(taking.entries.get("list")!.length).to.equal(1);
      expect(taking.entries.get("list")![0]!.value.value.length).to.be.below(1000);
      expect(handles.map.size).to.equal(large);
      expect(handles.list.get().length).to.equal(large + 1);
    }).timeout(60_000);

    it("does not hold the text alive that its keys were cut from", async () => {
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      const { bench, handles } = await opened(open, declareAll);
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
      expect(grown / keys).to.be.below(chars / 4);
    });

    describeExpiry(open, opened);
  });
}

/** Packs without keeping; several slices. */
function countEntries(bench: StateBench, kind: "full" | "delta"): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [name, part] of bench.parts) {
    let entries = 0;
    const frozen = part.freeze(kind, { entry: () => entries++ });
    let slices = 0;
    while (!frozen.pack(() => ++slices % 100 === 0)) expect(entries).to.be.greaterThan(0);
    counts.set(name, entries);
  }
  return counts;
}

function describeExpiry(open: OpenBackend, opened: typeof StateBench.open): void {
  const declare = (state: KeyedState) => ({
    value: state.value("value", value<string>({ ttl: 100 })),
    read: state.value("read", value<string>({ ttl: 100, ttlRefresh: "read-write" })),
    list: state.list("list", list<number>({ ttl: 100 })),
    map: state.map("map", map<string, number>({ ttl: 100 })),
    reducing: state.reducing(
      "reducing",
      reducing<number>((left, right) => left + right, { ttl: 100 }),
    ),
    aggregating: state.aggregating(
      "aggregating",
      aggregating(
        { create: () => 0, add: (sum: number, n: number) => sum + n, result: (sum) => sum },
        { ttl: 100 },
      ),
    ),
  });

  it("lets what was not written for its time to live be gone, each element by itself", async () => {
    let now = 1000;
    const { bench, handles } = await opened(open, declare, { clock: () => now });
    bench.use("k");
    const write = () => {
      handles.value.update("v");
      handles.read.update("r");
      handles.list.add(now);
      handles.map.set(`at ${now}`, now);
      handles.reducing.add(1);
      handles.aggregating.add(1);
    };
    write();
    now = 1060;
    expect(handles.value.get()).to.equal("v");
    expect(handles.read.get()).to.equal("r");
    handles.list.add(now);
    handles.map.set(`at ${now}`, now);
    now = 1099;
    expect(handles.list.get()).to.deep.equal([1000, 1060]);
    now = 1100;
    expect(handles.value.get()).to.equal(undefined);
    expect(handles.read.get()).to.equal("r");
    expect(handles.list.get()).to.deep.equal([1060]);
    expect([...handles.map.entries()]).to.deep.equal([["at 1060", 1060]]);
    expect(handles.map.size).to.equal(1);
    expect(handles.map.has("at 1000")).to.equal(false);
    expect(handles.reducing.get()).to.equal(undefined);
    expect(handles.aggregating.get()).to.equal(undefined);
    handles.reducing.add(5);
    expect(handles.reducing.get()).to.equal(5);
    now = 1160;
    expect(handles.list.get()).to.deep.equal([]);
    expect(handles.map.size).to.equal(0);
    handles.list.add(7);
    expect(handles.list.get()).to.deep.equal([7]);
    now = 1300;
    expect(handles.read.get()).to.equal(undefined);
  });

  it("neither packs nor restores what has expired", async () => {
    let now = 1000;
    const clock = () => now;
    const { bench, handles } = await opened(open, declare, { clock });
    const write = (key: string) => {
      bench.use(key);
      handles.value.update("v");
      handles.list.add(now);
      handles.map.set("a", now);
    };
    write("old");
    write("both");
    bench.checkpoint("full");
    now = 1050;
    write("new");
    write("both");
    now = 1100;
    const { chains, taking } = bench.checkpoint("delta");
    expect(taking.entries.get("value")!.map((each) => each.value.key)).to.have.members(["new", "both"]);
    const full = bench.checkpoint("full").taking;
    expect(full.entries.get("map")!.map((each) => each.value.key)).to.have.members(["new", "both"]);
    now = 1120;
    const restored = await opened(open, declare, { chains, clock });
    const found = (key: string) => {
      restored.bench.use(key);
      const { value, list, map } = restored.handles;
      return [value.get(), [...list.get()], map.get("a")];
    };
    expect(found("old")).to.deep.equal([undefined, [], undefined]);
    expect(found("both")).to.deep.equal(["v", [1050], 1050]);
    now = 1149;
    expect(found("new")).to.deep.equal(["v", [1050], 1050]);
    now = 1150;
    expect(found("new")).to.deep.equal([undefined, [], undefined]);
  });

  it("cleans up while it rests", async () => {
    let now = 1000;
    const { bench, handles } = await opened(open, declare, { clock: () => now });
    for (let key = 0; key < 500; key++) {
      bench.use(key);
      handles.value.update("v");
      handles.map.set("a", 1);
      for (let i = 0; i < 300; i++) handles.list.add(i);
    }
    now = 1050;
    bench.use(3);
    handles.value.update("w");
    handles.map.set("b", 2);
    for (let i = 0; i < 10; i++) handles.list.add(i);
    now = 1100;
    for (let turn = 0; turn < 200; turn++) bench.state.rest(turn);
    now = 0;
    bench.use(2);
    expect(handles.value.get()).to.equal(undefined);
    expect(handles.map.size).to.equal(0);
    expect(handles.list.get()).to.deep.equal([]);
    bench.use(3);
    expect(handles.value.get()).to.equal("w");
    expect([...handles.map.keys()]).to.deep.equal(["b"]);
    now = 1100;
    expect(handles.list.get()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("begins to live when a time to live is added, and for ever when it is taken away", async () => {
    let now = 1000;
    const clock = () => now;
    const plain = (state: KeyedState) => ({
      value: state.value("value", value<string>()),
      list: state.list("list", list<number>()),
      map: state.map("map", map<string, number>()),
    });
    const mortal = (state: KeyedState) => ({
      value: state.value("value", value<string>({ ttl: 100 })),
      list: state.list("list", list<number>({ ttl: 100 })),
      map: state.map("map", map<string, number>({ ttl: 100 })),
    });
    const first = await opened(open, plain, { clock });
    first.bench.use("k");
    first.handles.value.update("v");
    first.handles.list.add(1);
    first.handles.map.set("a", 1);
    first.bench.checkpoint("full");
    first.handles.value.update("w");
    first.handles.list.add(2);
    first.handles.map.set("a", 2);
    const second = await opened(open, mortal, { clock, chains: first.bench.checkpoint("delta").chains });
    const found = ({ bench, handles }: typeof first) => {
      bench.use("k");
      return [handles.value.get(), [...handles.list.get()], handles.map.get("a")];
    };
    now = 1099;
    expect(found(second)).to.deep.equal(["w", [1, 2], 2]);
    const { chains, taking } = second.bench.checkpoint("delta");
    expect(taking.entries.get("value")!.map((each) => each.value)).to.deep.equal([{ key: "k", value: "w" }]);
    const third = await opened(open, plain, { clock, chains });
    now = 1100;
    expect(found(second)).to.deep.equal([undefined, [], undefined]);
    now = 5000;
    expect(found(third)).to.deep.equal(["w", [1, 2], 2]);
  });
}
