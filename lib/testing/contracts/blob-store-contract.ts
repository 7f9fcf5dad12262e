/** What every blob store must do. */
import type { BlobStore } from "../../storage/contract.js";
import { CASE_MS, type ContractCase, codeOf, contractCase, same } from "./contract-case.js";

/** An empty store, as a case of `blobStoreContract` begins with. */
export interface StoreUnderTest {
  readonly store: BlobStore;
  /** The same place as another thread or process opens it; absent where no other can. */
  readonly reopen?: () => BlobStore;
  /** Removes everything. */
  readonly dispose?: () => Promise<void>;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Paths that no store takes. */
const REFUSED = ["", "/a", "a//b", "a/", "../a", "a/../b", "./a", "a/.hidden", "a\\b", "a\0b"];

const cases: Readonly<Record<string, (tested: StoreUnderTest) => Promise<void>>> = {
  "gives back what was put, in chunks or none": async ({ store }) => {
    await store.put("a/b", [bytes(1, 2), bytes(), bytes(3)]);
    await store.put("empty", []);
    same([...(await store.get("a/b"))], [1, 2, 3], "store.get('a/b')");
    same((await store.get("empty")).length, 0, "store.get('empty').length");
  },
  "keeps bytes apart from those of its callers": async ({ store }) => {
    const given = bytes(1, 2);
    await store.put("a", [given]);
    given[0] = 9;
    (await store.get("a"))[1] = 9;
    same([...(await store.get("a"))], [1, 2], "store.get('a')");
  },
  "gives ranges, and none beyond the end": async ({ store }) => {
    await store.put("a", [bytes(0, 1, 2, 3, 4)]);
    same([...(await store.getRange("a", 1, 3))], [1, 2, 3], "store.getRange('a', 1, 3)");
    same([...(await store.getRange("a", 5, 0))], [], "store.getRange('a', 5, 0)");
    same(
      await codeOf(() => store.getRange("a", 3, 3)),
      "BLOB_MISSING",
      "the error of store.getRange('a', 3, 3)",
    );
    same(
      await codeOf(() => store.getRange("b", 0, 1)),
      "BLOB_MISSING",
      "the error of store.getRange('b', 0, 1)",
    );
    same(
      await codeOf(() => store.getRange("b", 0, 0)),
      "BLOB_MISSING",
      "the error of store.getRange('b', 0, 0)",
    );
  },
  "says what is missing": async ({ store }) => {
    same(await codeOf(() => store.get("no/such")), "BLOB_MISSING", "the error of store.get('no/such')");
    await store.put("a", [bytes(1)]);
    same(await codeOf(() => store.get("a/b")), "BLOB_MISSING", "the error of store.get('a/b')");
  },
  "replaces, unless the put is exclusive": async ({ store }) => {
    await store.put("a", [bytes(1)]);
    await store.put("a", [bytes(2)]);
    same(
      await codeOf(() => store.put("a", [bytes(3)], { exclusive: true })),
      "BLOB_EXISTS",
      "the error of store.put('a', [bytes(3)], { exclusive: t",
    );
    same([...(await store.get("a"))], [2], "store.get('a')");
  },
  "lets exactly one of several exclusive writers win": async ({ store, reopen }) => {
    const writers = [1, 2, 3, 4, 5, 6, 7, 8];
    const stores = writers.map(() => reopen?.() ?? store);
    const outcomes = await Promise.all(
      writers.map((writer, i) =>
        stores[i]!.put("a/lock", [new Uint8Array(10_000).fill(writer)], { exclusive: true }).then(
          () => "won",
          (error) => error.code,
        ),
      ),
    );
    same(
      outcomes.filter((outcome) => outcome === "won").length,
      1,
      "outcomes.filter((outcome) => outcome === 'won')",
    );
    same(
      outcomes.filter((outcome) => outcome === "BLOB_EXISTS").length,
      7,
      "outcomes.filter((outcome) => outcome === 'BLOB_EXISTS')",
    );
    const winner = writers[outcomes.indexOf("won")]!;
    const content = await store.get("a/lock");
    same(content.length, 10_000, "content.length");
    same(
      content.every((byte) => byte === winner),
      true,
      "content.every((byte) => byte === winner)",
    );
    same(await store.list(""), ["a/lock"], "store.list('')");
  },
  "lists what is below a folder, sorted": async ({ store }) => {
    for (const path of ["b/2", "a/x/y", "b/10", "ab/1"]) await store.put(path, [bytes(1)]);
    same(await store.list(""), ["a/x/y", "ab/1", "b/10", "b/2"], "store.list('')");
    same(await store.list("a"), ["a/x/y"], "store.list('a')");
    same(await store.list("nothing"), [], "store.list('nothing')");
  },
  "removes blobs and folders, also what is not there": async ({ store }) => {
    for (const path of ["a/1", "a/b/2", "c/3"]) await store.put(path, [bytes(1)]);
    await store.remove("c/3");
    await store.remove("c/3");
    await store.remove("no/such/blob");
    await store.removeFolder("a/b");
    await store.removeFolder("nothing");
    same(await store.list(""), ["a/1"], "store.list('')");
    await store.put("a/b/2", [bytes(2)]);
    same([...(await store.get("a/b/2"))], [2], "store.get('a/b/2')");
  },
  "survives puts and removals in one folder at once": async ({ store }) => {
    const puts = Array.from({ length: 30 }, async (_, i) => {
      await store.put(`f/${i % 3}/${i}`, [bytes(i)]);
      if (i % 2 === 1) await store.remove(`f/${i % 3}/${i}`);
    });
    await Promise.all(puts);
    same((await store.list("f")).length, 15, "store.list('f').length");
  },
  "sweeps without touching blobs": async ({ store }) => {
    await store.put("a/b/1", [bytes(1)]);
    await store.sweep("a");
    await store.sweep("nothing");
    same(await store.list("a"), ["a/b/1"], "store.list('a')");
  },
  "is found again by its location": async ({ store, reopen }) => {
    same(
      JSON.parse(JSON.stringify(store.location)),
      store.location,
      "JSON.parse(JSON.stringify(store.location))",
    );
    if (reopen === undefined) return;
    await store.put("a", [bytes(7)]);
    same([...(await reopen().get("a"))], [7], "reopen().get('a')");
  },
};

async function refusesPath(store: BlobStore, path: string): Promise<void> {
  const operations: Readonly<Record<string, () => Promise<unknown>>> = {
    put: () => store.put(path, [bytes(1)]),
    get: () => store.get(path),
    getRange: () => store.getRange(path, 0, 1),
    remove: () => store.remove(path),
    removeFolder: () => store.removeFolder(path),
    sweep: () => store.sweep(path),
    // All there is.
    ...(path === "" ? {} : { list: () => store.list(path) }),
  };
  for (const [name, operation] of Object.entries(operations)) {
    same(await codeOf(operation), "STORAGE_PATH_INVALID", `the error of ${name}`);
  }
  same(await store.list(""), [], "what is stored");
}

/**
 * The cases that every blob store has to pass. `create` opens an empty store for each.
 * @example
 * for (const { name, run } of blobStoreContract(async () => ({ store: await openMine() }))) it(name, run);
 */
export function blobStoreContract(create: () => Promise<StoreUnderTest>, limitMs = CASE_MS): ContractCase[] {
  const on = (work: (tested: StoreUnderTest) => Promise<void>) => async () => {
    const tested = await create();
    try {
      await work(tested);
    } finally {
      await tested.dispose?.();
    }
  };
  return [
    ...Object.entries(cases).map(([name, work]) => contractCase(name, on(work), limitMs)),
    ...REFUSED.map((path) =>
      contractCase(
        `refuses the path ${JSON.stringify(path)}`,
        on(({ store }) => refusesPath(store, path)),
        limitMs,
      ),
    ),
  ];
}
