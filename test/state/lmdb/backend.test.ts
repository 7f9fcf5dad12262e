import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";
import { ManagedMemory } from "../../../lib/runtime/managed-memory.js";
import type { KeyedState } from "../../../lib/state/contract.js";
import { value } from "../../../lib/state/descriptors.js";
import { heapBackend } from "../../../lib/state/heap/backend.js";
import { lmdbBackend } from "../../../lib/state/lmdb/backend.js";
import { type OpenBackend, StateBench } from "../../../lib/testing/contracts/state-bench.js";
import { declareAll } from "../../../lib/testing/contracts/state-model.js";
import { describeBackend } from "../backend-contract.js";

const lmdb: OpenBackend = (context) => lmdbBackend.open(context);
const heap: OpenBackend = (context) => heapBackend.open(context);

describeBackend(lmdbBackend, { large: 60_000, runs: 60 });

describe("lmdb state, besides", () => {
  it("is not loaded with the package", async () => {
    const script = (specifier: string) => `
      await import(${JSON.stringify(new URL(specifier, import.meta.url).href)});
      const { sharedObjects } = process.report.getReport();
      console.log(sharedObjects.some((path) => /[/\\\\]@lmdb[/\\\\]/.test(path)));`;
    const loaded = async (specifier: string) => {
      const args = ["--input-type=module", "-e", script(specifier)];
      return (await promisify(execFile)(process.execPath, args)).stdout.trim();
    };
    expect(await loaded("../../../lib/state/open-backend.js")).to.equal("false");
    expect(await loaded("../../../lib/index.js")).to.equal("false");
    expect(await loaded("../../../lib/state/lmdb/backend.js")).to.equal("true");
  }).timeout(60_000);

  it("keeps as many objects live as its part of the slot's managed memory holds", async () => {
    const claims = new ManagedMemory(16);
    const liveOf = async (memoryBytes: (() => number) | undefined) => {
      const opened: OpenBackend = (context) =>
        lmdb(memoryBytes === undefined ? context : { ...context, memoryBytes });
      const { bench, handles } = await StateBench.open(opened, (state) =>
        state.value("value", value<string>()),
      );
      for (let round = 0; round < 2; round++) {
        for (let key = 0; key < 100_000; key++) {
          bench.use(key);
          handles.update(`${key} ${"x".repeat(100)}`);
          if (key % 256 === 0) bench.state.rest(key);
        }
      }
      const live = (bench.parts.get("value") as unknown as { cache: { max: number } }).cache.max;
      for (let key = 0; key < 100_000; key += 997) {
        bench.use(key);
        expect(handles.get()).to.match(new RegExp(`^${key} x`));
      }
      await bench.close();
      return live;
    };
    const first = claims.claim();
    const alone = await liveOf(first);
    claims.claim();
    const half = await liveOf(first);
    expect(alone).to.be.within(16_000, 32_000);
    expect(half / alone).to.be.closeTo(0.5, 0.02);
    expect(await liveOf(undefined)).to.be.greaterThan(100_000);
  }).timeout(60_000);

  it("keeps more keys than its cache, and freezes what is written and what is not", async () => {
    const { bench, handles } = await StateBench.open(lmdb, (state) => state.value("value", value<number>()));
    const KEYS = 300_000;
    const model = new Map<number, number>();
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      return (seed >>> 0) % below;
    };
    const change = (count: number) => {
      for (let i = 0; i < count; i++) {
        // Half of it goes to a tenth of the keys: some wait to be written for ever.
        const key = random(2) === 0 ? random(KEYS / 10) : random(KEYS);
        bench.use(key);
        if (handles.get() !== model.get(key)) expect.fail(`key ${key}`);
        if (random(8) === 0) {
          handles.clear();
          model.delete(key);
        } else {
          handles.update(i);
          model.set(key, i);
        }
        if (i % 256 === 0) bench.state.rest(i);
      }
    };
    for (let key = 0; key < KEYS; key++) {
      bench.use(key);
      handles.update(key);
      model.set(key, key);
    }
    let restored = new Map<number, number>();
    for (const wanted of ["full", "delta", "delta"] as const) {
      change(60_000);
      const frozen = new Map(model);
      const taking = bench.freeze(wanted);
      let slices = 0;
      while (!taking.slice(() => ++slices % 400 === 0)) change(200);
      expect(taking.kinds.get("value")).to.equal(wanted);
      if (wanted === "full") restored = new Map();
      for (const { value: entry } of taking.entries.get("value")!) {
        if ("gone" in entry) restored.delete(entry.gone);
        else restored.set(entry.key, entry.value);
      }
      expect(restored.size).to.equal(frozen.size);
      for (const [key, each] of frozen)
        if (restored.get(key) !== each) expect.fail(`key ${key} of ${wanted}`);
    }
    await bench.close();
  }).timeout(120_000);

  it("tells in a delta what was removed, also where that is written before the delta is packed", async () => {
    const { bench, handles } = await StateBench.open(lmdb, declareAll);
    bench.use("a");
    handles.list.add(1);
    bench.checkpoint("full");
    bench.use("a");
    handles.list.clear();
    const taking = bench.freeze("delta");
    bench.use("b");
    // Looks for the ends of a list that is not known: everything is written.
    handles.list.add(2);
    while (!taking.slice());
    expect(taking.entries.get("list")!.map(({ value }) => value)).to.deep.equal([{ gone: "a", at: 0 }]);
    await bench.close();
  });

  it("refuses a value that bytes cannot carry", async () => {
    const declare = (state: KeyedState) => state.value("odd", value<unknown>());
    const { bench, handles } = await StateBench.open(lmdb, declare);
    bench.use(1);
    handles.update({ f: () => 1 });
    const taking = bench.freeze("full");
    expect(() => taking.slice())
      .to.throw("state.f is a function")
      .with.property("code", "RECORD_NOT_CARRIABLE");
    await bench.close();
  });

  it("restores what the heap saved, and the heap what it saved", async () => {
    const first = await StateBench.open(heap, declareAll);
    const keys = [1, "a", "b".repeat(3000)];
    for (const key of keys) {
      first.bench.use(key);
      first.handles.value.update({ count: 1, sum: 2 });
      first.handles.list.addAll(Array.from({ length: 300 }, (_, i) => i));
      first.handles.map.set("x", { count: 3, sum: 4 });
      first.handles.reducing.add(5);
      first.handles.aggregating.add(6);
    }
    const { chains } = first.bench.checkpoint("full");
    const second = await StateBench.open(lmdb, declareAll, { chains });
    const third = await StateBench.open(heap, declareAll, {
      chains: second.bench.checkpoint("full").chains,
    });
    for (const { bench, handles } of [second, third]) {
      for (const key of keys) {
        bench.use(key);
        expect(handles.value.get()).to.deep.equal({ count: 1, sum: 2 });
        expect(handles.list.get().length).to.equal(300);
        expect([...handles.map.entries()]).to.deep.equal([["x", { count: 3, sum: 4 }]]);
        expect(handles.reducing.get()).to.equal(5);
        expect(handles.aggregating.get()).to.deep.equal([1, 6]);
      }
    }
    for (const { bench } of [first, second, third]) await bench.close();
  });
});
