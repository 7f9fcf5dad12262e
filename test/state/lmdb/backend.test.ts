import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";
import type { KeyedState } from "../../../lib/state/contract.js";
import { value } from "../../../lib/state/descriptors.js";
import { heapBackend } from "../../../lib/state/heap/backend.js";
import { lmdbBackend } from "../../../lib/state/lmdb/backend.js";
import { describeBackend } from "../backend-contract.js";
import { declareAll } from "../backend-model.js";
import { type OpenBackend, StateBench } from "../state-bench.js";

const lmdb: OpenBackend = (context) => lmdbBackend.open(context);
const heap: OpenBackend = (context) => heapBackend.open(context);

describeBackend("lmdb", lmdb, { large: 60_000, runs: 60 });

describe("lmdb state, besides", () => {
  it("is not loaded with the package", async () => {
    const script = (specifier: string) => `
      await import(${JSON.stringify(new URL(specifier, import.meta.url).href)});
      const { sharedObjects } = process.report.getReport();
      console.log(sharedObjects.some((path) => path.includes("lmdb")));`;
    const loaded = async (specifier: string) => {
      const args = ["--input-type=module", "-e", script(specifier)];
      return (await promisify(execFile)(process.execPath, args)).stdout.trim();
    };
    expect(await loaded("../../../lib/state/open-backend.js")).to.equal("false");
    expect(await loaded("../../../lib/index.js")).to.equal("false");
    expect(await loaded("../../../lib/state/lmdb/backend.js")).to.equal("true");
  }).timeout(60_000);

  it("keeps more keys than its cache, some changed again", async () => {
    const declare = (state: KeyedState) => state.value("value", value<{ n: number }>());
    const { bench, handles } = await StateBench.open(lmdb, declare);
    const KEYS = 100_000;
    for (let key = 0; key < KEYS; key++) {
      bench.use(key);
      handles.update({ n: key });
    }
    for (let key = 0; key < KEYS; key += 3) {
      bench.use(key);
      const held = handles.get()!;
      held.n = -held.n;
      handles.update(held);
    }
    for (let key = 0; key < KEYS; key++) {
      bench.use(key);
      if (handles.get()!.n !== (key % 3 === 0 ? -key : key)) expect.fail(`key ${key}`);
    }
    await bench.close();
  }).timeout(60_000);

  it("refuses a value that bytes cannot carry", async () => {
    const declare = (state: KeyedState) => state.value("odd", value<unknown>());
    const { bench, handles } = await StateBench.open(lmdb, declare);
    bench.use(1);
    handles.update({ f: () => 1 });
    expect(() => bench.freeze("full"))
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
