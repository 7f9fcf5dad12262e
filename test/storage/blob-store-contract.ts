/** What every blob store must do; each store's test runs it. */
import { expect } from "chai";
import type { BlobStore } from "../../lib/storage/contract.js";
import { codeOfRejection } from "./rejection.js";

export interface StoreUnderTest {
  readonly store: BlobStore;
  /** The same place as another thread or process opens it; absent where no other can. */
  readonly reopen?: () => BlobStore;
  readonly dispose: () => Promise<void>;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

export function describeBlobStore(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of blob stores`, () => {
    let tested: StoreUnderTest;
    let store: BlobStore;
    beforeEach(async () => {
      tested = await create();
      store = tested.store;
    });
    afterEach(() => tested.dispose());

    it("gives back what was put, in chunks or none", async () => {
      await store.put("a/b", [bytes(1, 2), bytes(), bytes(3)]);
      await store.put("empty", []);
      expect([...(await store.get("a/b"))]).to.deep.equal([1, 2, 3]);
      expect((await store.get("empty")).length).to.equal(0);
    });

    it("keeps bytes apart from those of its callers", async () => {
      const given = bytes(1, 2);
      await store.put("a", [given]);
      given[0] = 9;
      (await store.get("a"))[1] = 9;
      expect([...(await store.get("a"))]).to.deep.equal([1, 2]);
    });

    it("gives ranges, and none beyond the end", async () => {
      await store.put("a", [bytes(0, 1, 2, 3, 4)]);
      expect([...(await store.getRange("a", 1, 3))]).to.deep.equal([1, 2, 3]);
      expect([...(await store.getRange("a", 5, 0))]).to.deep.equal([]);
      expect(await codeOfRejection(store.getRange("a", 3, 3))).to.equal("BLOB_MISSING");
      expect(await codeOfRejection(store.getRange("b", 0, 1))).to.equal("BLOB_MISSING");
      expect(await codeOfRejection(store.getRange("b", 0, 0))).to.equal("BLOB_MISSING");
    });

    it("says what is missing", async () => {
      expect(await codeOfRejection(store.get("no/such"))).to.equal("BLOB_MISSING");
      await store.put("a", [bytes(1)]);
      expect(await codeOfRejection(store.get("a/b"))).to.equal("BLOB_MISSING");
    });

    it("replaces, unless the put is exclusive", async () => {
      await store.put("a", [bytes(1)]);
      await store.put("a", [bytes(2)]);
      expect(await codeOfRejection(store.put("a", [bytes(3)], { exclusive: true }))).to.equal("BLOB_EXISTS");
      expect([...(await store.get("a"))]).to.deep.equal([2]);
    });

    it("lets exactly one of several exclusive writers win", async () => {
      const writers = [1, 2, 3, 4, 5, 6, 7, 8];
      const stores = writers.map(() => tested.reopen?.() ?? store);
      const outcomes = await Promise.all(
        writers.map((writer, i) =>
          stores[i]!.put("a/lock", [new Uint8Array(10_000).fill(writer)], { exclusive: true }).then(
            () => "won",
            (error) => error.code,
          ),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === "won")).to.have.length(1);
      expect(outcomes.filter((outcome) => outcome === "BLOB_EXISTS")).to.have.length(7);
      const winner = writers[outcomes.indexOf("won")]!;
      const content = await store.get("a/lock");
      expect(content.length).to.equal(10_000);
      expect(content.every((byte) => byte === winner)).to.equal(true);
      expect(await store.list("")).to.deep.equal(["a/lock"]);
    });

    it("lists what is below a folder, sorted", async () => {
      for (const path of ["b/2", "a/x/y", "b/10", "ab/1"]) await store.put(path, [bytes(1)]);
      expect(await store.list("")).to.deep.equal(["a/x/y", "ab/1", "b/10", "b/2"]);
      expect(await store.list("a")).to.deep.equal(["a/x/y"]);
      expect(await store.list("nothing")).to.deep.equal([]);
    });

    it("removes blobs and folders, also what is not there", async () => {
      for (const path of ["a/1", "a/b/2", "c/3"]) await store.put(path, [bytes(1)]);
      await store.remove("c/3");
      await store.remove("c/3");
      await store.remove("no/such/blob");
      await store.removeFolder("a/b");
      await store.removeFolder("nothing");
      expect(await store.list("")).to.deep.equal(["a/1"]);
      await store.put("a/b/2", [bytes(2)]);
      expect([...(await store.get("a/b/2"))]).to.deep.equal([2]);
    });

    it("survives puts and removals in one folder at once", async () => {
      const puts = Array.from({ length: 30 }, async (_, i) => {
        await store.put(`f/${i % 3}/${i}`, [bytes(i)]);
        if (i % 2 === 1) await store.remove(`f/${i % 3}/${i}`);
      });
      await Promise.all(puts);
      expect((await store.list("f")).length).to.equal(15);
    });

    it("sweeps without touching blobs", async () => {
      await store.put("a/b/1", [bytes(1)]);
      await store.sweep("a");
      await store.sweep("nothing");
      expect(await store.list("a")).to.deep.equal(["a/b/1"]);
    });

    for (const path of ["", "/a", "a//b", "a/", "../a", "a/../b", "./a", "a/.hidden", "a\\b", "a\0b"])
      it(`refuses the path ${JSON.stringify(path)}`, async () => {
        const operations = [
          store.put(path, [bytes(1)]),
          store.get(path),
          store.getRange(path, 0, 1),
          store.remove(path),
          store.removeFolder(path),
          store.sweep(path),
        ];
        for (const operation of operations)
          expect(await codeOfRejection(operation)).to.equal("STORAGE_PATH_INVALID");
        if (path !== "") expect(await codeOfRejection(store.list(path))).to.equal("STORAGE_PATH_INVALID");
        expect(await store.list("")).to.deep.equal([]);
      });

    it("is found again by its location", async () => {
      expect(JSON.parse(JSON.stringify(store.location))).to.deep.equal(store.location);
      if (tested.reopen === undefined) return;
      await store.put("a", [bytes(7)]);
      expect([...(await tested.reopen().get("a"))]).to.deep.equal([7]);
    });
  });
}
