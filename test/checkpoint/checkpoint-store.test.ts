import { createHash } from "node:crypto";
import { expect } from "chai";
import type { MillraceError } from "../../lib/base/error.js";
import { CheckpointStore } from "../../lib/checkpoint/checkpoint-store.js";
import { hasEnded, taskBlobPath } from "../../lib/checkpoint/paths.js";
import type { Segment } from "../../lib/checkpoint/snapshot.js";
import { MemoryBlobStore } from "../../lib/storage/memory.js";
import { storageFailed } from "../../lib/storage/storage-error.js";
import { codeOfRejection, rejection } from "../storage/rejection.js";
import { FaultyStore } from "./faulty-store.js";
import { byteOf, manifestOf } from "./manifests.js";

const JOB = "0123456789ab";

describe("checkpoint store", () => {
  let memory: MemoryBlobStore;
  let store: FaultyStore;
  let reports: MillraceError[];
  beforeEach(() => {
    memory = new MemoryBlobStore();
    store = new FaultyStore(memory);
    reports = [];
  });

  const open = (numRetained = 1, on = store): Promise<CheckpointStore> =>
    CheckpointStore.open(on, { jobId: JOB, numRetained, report: (problem) => reports.push(problem) });

  /** What a task does: writes its blob and names it. */
  async function writeBlob(checkpoints: CheckpointStore, checkpoint: number): Promise<Segment> {
    const path = taskBlobPath(JOB, checkpoint, checkpoints.epoch, 0, 0);
    await memory.put(path, [Uint8Array.of(checkpoint)]);
    return byteOf(path);
  }

  /** A whole checkpoint whose part's chain goes on from `base`. */
  async function take(checkpoints: CheckpointStore, base: readonly Segment[] = []): Promise<Segment[]> {
    const checkpoint = checkpoints.begin();
    const chain = [...base, await writeBlob(checkpoints, checkpoint)];
    await checkpoints.complete(manifestOf(JOB, checkpoint, chain));
    await checkpoints.idle();
    return chain;
  }

  const blobs = async (): Promise<string[]> =>
    (await memory.list(JOB)).filter((path) => !path.includes("/epochs/")).map((path) => path.slice(13));

  it("has no latest checkpoint at first, then the newest", async () => {
    const checkpoints = await open(2);
    expect(await checkpoints.latest()).to.equal(undefined);
    await take(checkpoints);
    const chain = await take(checkpoints);
    const latest = await checkpoints.latest();
    expect(latest).to.deep.include({ path: `${JOB}/chk-2`, skipped: [] });
    expect(latest!.manifest).to.deep.equal(manifestOf(JOB, 2, chain));
    expect(checkpoints.list().map(({ checkpoint, timestamp }) => [checkpoint, timestamp])).to.deep.equal([
      [1, 1001],
      [2, 1002],
    ]);
  });

  it("evicts the oldest beyond what is retained", async () => {
    const checkpoints = await open(2);
    for (let i = 0; i < 4; i++) await take(checkpoints);
    expect(await blobs()).to.deep.equal(["chk-3/1/0-0", "chk-3/manifest", "chk-4/1/0-0", "chk-4/manifest"]);
  });

  it("keeps blobs of evicted checkpoints as long as a chain goes through them", async () => {
    const checkpoints = await open();
    const first = await take(checkpoints);
    const second = await take(checkpoints, first);
    expect(await blobs()).to.deep.equal(["chk-1/1/0-0", "chk-2/1/0-0", "chk-2/manifest"]);
    await take(checkpoints, second.slice(1));
    expect(await blobs()).to.deep.equal(["chk-2/1/0-0", "chk-3/1/0-0", "chk-3/manifest"]);
    await take(checkpoints);
    expect(await blobs()).to.deep.equal(["chk-4/1/0-0", "chk-4/manifest"]);
  });

  it("keeps what an open checkpoint may build on", async () => {
    const checkpoints = await open();
    const base = await take(checkpoints);
    const slow = checkpoints.begin();
    await take(checkpoints);
    expect(await blobs()).to.include("chk-1/1/0-0");
    const chain = [...base, await writeBlob(checkpoints, slow)];
    await checkpoints.complete(manifestOf(JOB, slow, chain));
    expect(await checkpoints.verify(`${JOB}/chk-3`)).to.equal(undefined);
    await take(checkpoints);
    expect(await blobs()).to.deep.equal(["chk-4/1/0-0", "chk-4/manifest"]);
  });

  it("removes what an aborted checkpoint wrote, unless a kept one needs it", async () => {
    const checkpoints = await open();
    const aborted = checkpoints.begin();
    const needed = await writeBlob(checkpoints, aborted);
    await memory.put(taskBlobPath(JOB, aborted, checkpoints.epoch, 1, 0), [Uint8Array.of(1)]);
    await take(checkpoints, [needed]);
    await checkpoints.abort(aborted);
    expect(await blobs()).to.deep.equal(["chk-1/1/0-0", "chk-2/1/0-0", "chk-2/manifest"]);
    const alone = checkpoints.begin();
    await writeBlob(checkpoints, alone);
    await checkpoints.abort(alone);
    await checkpoints.abort(alone);
    expect(await blobs()).to.not.include("chk-3/1/0-0");
    expect(checkpoints.begin()).to.equal(4);
  });

  it("goes on counting and adopts what is there when it is opened again", async () => {
    const before = await open(2);
    const base = await take(before);
    await take(before, base);
    await writeBlob(before, before.begin());
    const after = await open(2);
    expect(await blobs()).to.deep.equal(["chk-1/1/0-0", "chk-1/manifest", "chk-2/1/0-0", "chk-2/manifest"]);
    expect(after.list().map(({ checkpoint }) => checkpoint)).to.deep.equal([1, 2]);
    expect((await after.latest())!.path).to.equal(`${JOB}/chk-2`);
    expect(after.begin()).to.equal(4);
    after.countAfter(9);
    after.countAfter(3);
    expect(after.begin()).to.equal(10);
  });

  it("falls back to the checkpoint before a half-deleted one and says so", async () => {
    const checkpoints = await open(3);
    await take(checkpoints);
    await take(checkpoints);
    await memory.remove(`${JOB}/chk-2/1/0-0`);
    const problem = await checkpoints.verify(`${JOB}/chk-2`);
    expect(problem).to.include({ code: "CHECKPOINT_INCOMPLETE" });
    expect(problem!.message).to.include("chk-2/1/0-0");
    const latest = await checkpoints.latest();
    expect(latest!.path).to.equal(`${JOB}/chk-1`);
    expect(latest!.skipped.map(({ code }) => code)).to.deep.equal(["CHECKPOINT_INCOMPLETE"]);
    expect(reports).to.deep.equal(latest!.skipped);
  });

  it("falls back behind damaged manifests, and removes nothing while it cannot read one", async () => {
    const before = await open(3);
    const base = await take(before);
    await take(before, base);
    await memory.put(`${JOB}/chk-2/manifest`, [(await memory.get(`${JOB}/chk-2/manifest`)).subarray(0, 99)]);
    await writeBlob(before, 3);
    const after = await open(2);
    expect((await after.latest())!.path).to.equal(`${JOB}/chk-1`);
    expect(reports.map(({ code }) => code)).to.deep.equal(["CHECKPOINT_TORN"]);
    expect(await blobs())
      .to.include("chk-2/1/0-0")
      .and.include("chk-3/1/0-0");
    await take(after);
    expect(await blobs())
      .to.include("chk-1/1/0-0")
      .and.not.include("chk-1/manifest");
    await take(after);
    await open(2);
    expect(await blobs()).to.deep.equal(["chk-4/2/0-0", "chk-4/manifest", "chk-5/2/0-0", "chk-5/manifest"]);
  });

  it("does not fall back behind a checkpoint of a newer version", async () => {
    const before = await open(2);
    await take(before);
    await take(before);
    const file = await memory.get(`${JOB}/chk-2/manifest`);
    new DataView(file.buffer).setUint32(8, 99, true);
    file.set(createHash("sha256").update(file.subarray(0, -32)).digest(), file.length - 32);
    await memory.put(`${JOB}/chk-2/manifest`, [file]);
    expect(await codeOfRejection((await open(2)).latest())).to.equal("CHECKPOINT_VERSION");
  });

  it("does not begin anew when every checkpoint is broken", async () => {
    const checkpoints = await open();
    await take(checkpoints);
    await memory.remove(`${JOB}/chk-1/1/0-0`);
    const error = await rejection(checkpoints.latest());
    expect(error.code).to.equal("CHECKPOINT_LOST");
    expect(error.message).to.include("chk-1");
  });

  it("does not fall back because the store cannot be read just now", async () => {
    const checkpoints = await open(2);
    await take(checkpoints);
    await take(checkpoints);
    store.before = (operation, path) => {
      if (operation === "get" && path.includes("chk-2")) throw storageFailed("read", path, new Error("away"));
    };
    expect(await codeOfRejection(checkpoints.latest())).to.equal("STORAGE_FAILED");
  });

  it("keeps the last good checkpoint when the disk is full", async () => {
    const checkpoints = await open();
    const base = await take(checkpoints);
    const checkpoint = checkpoints.begin();
    const chain = [...base, await writeBlob(checkpoints, checkpoint)];
    store.before = (operation, path) => {
      if (operation === "put")
        throw storageFailed("write", path, Object.assign(new Error("no space"), { code: "ENOSPC" }));
    };
    const error = await rejection(checkpoints.complete(manifestOf(JOB, checkpoint, chain)));
    expect(error.code).to.equal("STORAGE_FAILED");
    expect(error.hint).to.include("full");
    await checkpoints.abort(checkpoint);
    expect((await checkpoints.latest())!.path).to.equal(`${JOB}/chk-1`);
    expect(await blobs()).to.deep.equal(["chk-1/1/0-0", "chk-1/manifest"]);
    store.before = () => undefined;
    await take(checkpoints, base);
    expect((await checkpoints.latest())!.path).to.equal(`${JOB}/chk-3`);
  });

  it("counts a checkpoint whose manifest was written and could not say so", async () => {
    const checkpoints = await open();
    const checkpoint = checkpoints.begin();
    const chain = [await writeBlob(checkpoints, checkpoint)];
    store.after = (operation, path) => {
      if (operation === "put") throw storageFailed("write", path, new Error("no answer"));
    };
    await checkpoints.complete(manifestOf(JOB, checkpoint, chain));
    expect((await checkpoints.latest())!.path).to.equal(`${JOB}/chk-1`);
  });

  it("keeps the blobs of a manifest of which nobody knows whether it is there", async () => {
    const checkpoints = await open();
    const checkpoint = checkpoints.begin();
    const chain = [await writeBlob(checkpoints, checkpoint)];
    const away = () => new Error("away");
    store.after = (operation, path) => {
      if (operation === "put") throw storageFailed("write", path, away());
    };
    store.before = (operation, path) => {
      if (operation === "get" && path.endsWith("manifest")) throw storageFailed("read", path, away());
    };
    expect(await codeOfRejection(checkpoints.complete(manifestOf(JOB, checkpoint, chain)))).to.equal(
      "STORAGE_FAILED",
    );
    await checkpoints.abort(checkpoint);
    store.after = store.before = () => undefined;
    expect(await blobs()).to.deep.equal(["chk-1/1/0-0", "chk-1/manifest"]);
    expect((await (await open()).latest())!.path).to.equal(`${JOB}/chk-1`);
  });

  it("completes although what is old cannot be removed, and removes it at the next start", async () => {
    const checkpoints = await open();
    await take(checkpoints);
    store.before = (operation, path) => {
      if (operation === "remove") throw storageFailed("remove", path, new Error("away"));
    };
    await take(checkpoints);
    expect(reports.map(({ code }) => code)).to.deep.equal(["STORAGE_FAILED"]);
    expect((await checkpoints.latest())!.path).to.equal(`${JOB}/chk-2`);
    store.before = () => undefined;
    const after = await open();
    await take(after);
    expect(await blobs()).to.deep.equal(["chk-3/2/0-0", "chk-3/manifest"]);
  });

  it("counts a checkpoint whose manifest is there although the fence cannot be asked", async () => {
    const checkpoints = await open();
    const checkpoint = checkpoints.begin();
    const chain = [await writeBlob(checkpoints, checkpoint)];
    let put = false;
    store.before = (operation, path) => {
      if (operation === "list" && put) throw storageFailed("list", path, new Error("away"));
      put ||= path.endsWith("manifest");
    };
    expect(await codeOfRejection(checkpoints.complete(manifestOf(JOB, checkpoint, chain)))).to.equal(
      "STORAGE_FAILED",
    );
    store.before = () => undefined;
    await checkpoints.abort(checkpoint);
    expect((await checkpoints.latest())!.path).to.equal(`${JOB}/chk-1`);
  });

  for (const [outcome, retention, kept] of [
    ["finished", "retain", false],
    ["failed", "retain-on-failure", true],
    ["cancelled", "retain-on-failure", false],
    ["cancelled", "retain", true],
    ["failed", "delete", false],
  ] as const)
    it(`${kept ? "keeps" : "removes"} checkpoints of a job that ${outcome} under '${retention}'`, async () => {
      const checkpoints = await open();
      await take(checkpoints);
      await writeBlob(checkpoints, checkpoints.begin());
      await checkpoints.end(outcome, retention);
      expect(await blobs()).to.deep.equal(kept ? ["chk-1/1/0-0", "chk-1/manifest"] : []);
      if (!kept) expect(await memory.list("")).to.deep.equal([]);
      const after = await open();
      expect((await after.latest())?.path).to.equal(kept ? `${JOB}/chk-1` : undefined);
    });

  it("says that a job has ended as long as anything is left of it", async () => {
    for (let died = 1, left = true; left; died++) {
      const checkpoints = await open();
      await take(checkpoints);
      let removals = 0;
      store.before = (operation) => {
        if (operation === "remove" && ++removals >= died)
          throw storageFailed("remove", "it", new Error("died"));
      };
      await checkpoints.end("finished", "delete");
      store.before = () => undefined;
      left = (await memory.list(JOB)).length > 0;
      expect(await hasEnded(memory, JOB)).to.equal(left);
      await memory.removeFolder(JOB);
      expect(died).to.be.below(20);
    }
  });
});
