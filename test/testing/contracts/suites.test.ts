/** The suites find what does not keep a contract; what keeps it passes them (here, and in the tests of each folder). */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { datagenSource, fileSource, iterableSource, MillraceError, text } from "../../../lib/index.js";
import type { SourceDefinition, SourceReader } from "../../../lib/source/contract.js";
import type { KeyedState, StateBackend } from "../../../lib/state/contract.js";
import { heapBackend } from "../../../lib/state/heap/backend.js";
import type { BlobStore } from "../../../lib/storage/contract.js";
import { MemoryBlobStore } from "../../../lib/storage/memory.js";
import { codeOf, contractCase, same } from "../../../lib/testing/contracts/contract-case.js";
import {
  blobStoreContract,
  type ContractCase,
  sourceContract,
  stateBackendContract,
} from "../../../lib/testing/index.js";

/** The names of the cases that fail, all because the contract is broken. */
async function failing(suite: readonly ContractCase[]): Promise<string[]> {
  const names: string[] = [];
  for (const { name, run } of suite) {
    await run().catch((error: unknown) => {
      expect(MillraceError.is(error) && error.code, String(error)).to.equal("TEST_CONTRACT_BROKEN");
      names.push(name);
    });
  }
  return names;
}

/** A copy of an object whose methods are partly others; getters stay what they are. */
function changed<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(given, name) {
      const value = Reflect.get(name in changes ? changes : given, name, given) as unknown;
      return typeof value === "function" ? value.bind(given) : value;
    },
  });
}

const ONE_TO_NINE = [1, 2, 3, 4, 5, 6, 7, 8, 9];

describe("the contract of sources", () => {
  const numbers = () =>
    iterableSource(
      function* ({ position }) {
        for (let i = position; i < ONE_TO_NINE.length; i++) yield [ONE_TO_NINE[i]!, i + 1] as const;
      },
      { start: 0 },
    );
  const data = () => datagenSource({ count: 40, splits: 5, record: (i) => ({ i }) });

  for (const { name, run } of sourceContract(numbers, { replayable: true, records: ONE_TO_NINE })) {
    it(`iterable: ${name}`, run);
  }
  for (const { name, run } of sourceContract(data, { replayable: true })) it(`datagen: ${name}`, run);
  for (const { name, run } of sourceContract(() => iterableSource(() => [1, 2]), { replayable: false })) {
    it(`without positions: ${name}`, run);
  }

  it("is kept by files", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-source-contract-"));
    try {
      for (const name of ["a", "b", "c"])
        await writeFile(join(folder, name), `${name}1\n${name}2\n${name}3\n`);
      const files = () => fileSource({ path: join(folder, "*"), format: text() });
      const records = ["a", "b", "c"].flatMap((name) => [1, 2, 3].map((line) => `${name}${line}`));
      expect(await failing(sourceContract(files, { replayable: true, records, runs: 8 }))).to.deep.equal([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  /** The source with readers that are wrong. */
  function broken(change: (reader: SourceReader<any, any>) => Partial<SourceReader<any, any>>) {
    return (): SourceDefinition<any, any> => {
      const given = data();
      return {
        ...given,
        createReader(context) {
          const reader = given.createReader(context);
          return changed(reader as SourceReader<any, any>, change(reader));
        },
      };
    };
  }

  it("is broken by readers that are wrong in one place", async () => {
    const once = "gives every record once, wherever and at whatever parallelism it is restored";
    const suite = (source: () => SourceDefinition<any, any>) =>
      sourceContract(source, { replayable: true, runs: 8 });
    expect(await failing(suite(broken(() => ({ snapshot: () => [] }))))).to.include(once);
    const dated = broken((reader) => ({
      snapshot: () => reader.snapshot().map((split) => ({ ...split, at: new Date(0) })),
    }));
    expect(await failing(suite(dated))).to.include(once);
    let asked = 0;
    const restless = broken((reader) => ({
      snapshot: () => reader.snapshot().map((split) => ({ ...split, asked: asked++ })),
    }));
    expect(await failing(suite(restless))).to.include("gives its records, and ends");
    expect(await failing(suite(broken(() => ({ split: 0 }))))).to.not.deep.equal([]);
    const wrong = sourceContract(numbers, { replayable: true, records: [1, 2] });
    expect(await failing(wrong)).to.deep.equal(["gives its records, and ends"]);
    expect((await failing(sourceContract(numbers, { replayable: false }))).length).to.equal(4);
  });

  it("ends with a source that never does", async () => {
    const silent = broken(() => ({ next: () => undefined, ended: false }));
    const [first] = sourceContract(silent, { replayable: true, limitMs: 30 }).slice(1);
    expect(await codeOf(() => first!.run())).to.equal("TEST_ENDLESS");
  });
});

describe("the contract of blob stores", () => {
  const suite = (changes: (store: BlobStore) => Partial<BlobStore>) =>
    blobStoreContract(async () => {
      const store = new MemoryBlobStore();
      return { store: changed<BlobStore>(store, changes(store)) };
    });

  it("is broken by stores that are wrong in one place", async () => {
    expect(await failing(suite(() => ({})))).to.deep.equal([]);
    const notExclusive = suite((store) => ({ put: (path, chunks) => store.put(path, chunks) }));
    expect(await failing(notExclusive)).to.deep.equal([
      "replaces, unless the put is exclusive",
      "lets exactly one of several exclusive writers win",
    ]);
    const short = suite((store) => ({
      getRange: async (path, offset, length) => (await store.get(path)).slice(offset, offset + length),
    }));
    expect(await failing(short)).to.deep.equal(["gives ranges, and none beyond the end"]);
    const lenient = suite((store) => ({
      get: async (path) => (path === "/a" ? new Uint8Array() : store.get(path)),
    }));
    expect(await failing(lenient)).to.deep.equal(['refuses the path "/a"']);
    const unsorted = suite((store) => ({
      list: async (folder) => [...(await store.list(folder))].reverse(),
    }));
    expect(await failing(unsorted)).to.deep.equal(["lists what is below a folder, sorted"]);
  });
});

describe("the contract of state backends", () => {
  function wrong(change: (state: KeyedState) => Partial<KeyedState>): StateBackend {
    return {
      name: "wrong",
      open(context) {
        const state = heapBackend.open(context);
        return changed(state, change(state));
      },
    };
  }

  it("is broken by backends that are wrong in one place", async () => {
    const suite = (backend: StateBackend) => stateBackendContract(backend, { large: 2_000, runs: 3 });
    expect(await failing(suite(wrong(() => ({}))))).to.deep.equal([]);
    const forgetful = wrong((state) => ({
      value: (name, descriptor) => changed(state.value(name, descriptor), { clear: () => undefined }),
    }));
    expect(await failing(suite(forgetful))).to.include(
      "restores what there was at the freeze, whatever happens between slices",
    );
    const immortal = wrong((state) => ({
      value: (name, { ttlMs: _ttlMs, ...descriptor }) => state.value(name, descriptor),
    }));
    const kept = await failing(suite(immortal));
    expect(kept).to.include("lets what was not written for its time to live be gone, each element by itself");
    expect(kept).to.not.include("keeps what each kind keeps, per key");
  }).timeout(20_000);
});

describe("a case of a contract", () => {
  it("says of which case an error is, and what was expected", async () => {
    const error = await contractCase("counts", async () => same([1, 2, 4], [1, 2, 3], "what it counts"))
      .run()
      .then(
        () => undefined,
        (thrown: unknown) => thrown as MillraceError,
      );
    expect(error!.code).to.equal("TEST_CONTRACT_BROKEN");
    expect(error!.message).to.match(/^"counts": what it counts is not as it has to be/);
    expect(error!.message.split("\n").slice(1)).to.deep.equal(["  1", "  2", "- 3", "+ 4"]);
    const plain = contractCase("throws", () => Promise.reject(new RangeError("far")));
    expect(await codeOf(() => plain.run())).to.equal("TEST_CONTRACT_BROKEN");
  });
});
