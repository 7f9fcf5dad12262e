import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { seededRandom } from "../../lib/base/random.js";
import { CheckpointStore } from "../../lib/checkpoint/checkpoint-store.js";
import { loadCheckpoint } from "../../lib/checkpoint/load.js";
import { taskBlobPath } from "../../lib/checkpoint/paths.js";
import { blobsOf } from "../../lib/checkpoint/places.js";
import type { Manifest } from "../../lib/checkpoint/snapshot.js";
import type { BlobStore } from "../../lib/storage/contract.js";
import { FilesystemBlobStore } from "../../lib/storage/filesystem.js";
import { codeOfRejection, rejection } from "../storage/rejection.js";
import { FaultyStore } from "./faulty-store.js";
import { byteOf, manifestOf, segment } from "./manifests.js";

const JOB = "0123456789ab";

async function contents(store: BlobStore, manifest: Manifest): Promise<number[]> {
  const blobs = [...blobsOf(manifest).keys()];
  return Promise.all(blobs.map(async (blob) => (await store.get(blob))[0]!));
}

/** A checkpoint, and a savepoint barrier after it whose chain goes back to it. */
async function begun(checkpoints: CheckpointStore): Promise<Manifest> {
  const write = async (checkpoint: number) => {
    const path = taskBlobPath(JOB, checkpoint, checkpoints.epoch, 0, 0);
    await checkpoints.store.put(path, [Uint8Array.of(40 + checkpoint)]);
    return byteOf(path);
  };
  const first = checkpoints.begin();
  const base = await write(first);
  await checkpoints.complete(manifestOf(JOB, first, [base]));
  const second = checkpoints.begin();
  const inline = segment({ inline: Uint8Array.of(1, 2) }, 2);
  const channel = {
    edge: 0,
    from: 0,
    to: 0,
    side: "receiver",
    segment: segment({ blob: `${JOB}/chk-2/1/0-0`, offset: 0, crc: 0 }, 1),
  } as const;
  return manifestOf(JOB, second, [base, await write(second), inline], {
    purpose: "savepoint",
    edges: [{ from: "a", to: "b", partitioner: "hash", channels: [channel] }],
  });
}

describe("savepoint", () => {
  let directory: string;
  let store: FilesystemBlobStore;
  let checkpoints: CheckpointStore;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "millrace-savepoint-"));
    store = new FilesystemBlobStore(join(directory, "state"));
    checkpoints = await CheckpointStore.open(store, { jobId: JOB, random: seededRandom(1) });
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("needs nothing but its folder, wherever that is moved", async () => {
    const manifest = await begun(checkpoints);
    const path = await checkpoints.savepoint(manifest, "kept");
    expect(path).to.match(/^kept\/savepoint-012345-[0-9a-f]{12}$/);
    await checkpoints.abort(manifest.checkpoint);
    await checkpoints.end("cancelled", "delete");
    expect((await checkpoints.load(path)).manifest.operators[0]!.uid).to.equal("counts");

    await rename(join(directory, "state", path), join(directory, "moved"));
    const moved = new FilesystemBlobStore(directory);
    const loaded = await checkpoints.load("moved", moved);
    expect(loaded.location).to.deep.equal(moved.location);
    expect(await contents(moved, loaded.manifest)).to.deep.equal([41, 42]);
    expect([...blobsOf(loaded.manifest).keys()]).to.deep.equal(["moved/blob-0", "moved/blob-1"]);

    const root = new FilesystemBlobStore(join(directory, "moved"));
    const atRoot = await loadCheckpoint(root, "");
    expect(await contents(root, atRoot.manifest)).to.deep.equal([41, 42]);
    expect(await loadCheckpoint(moved, "moved/manifest")).to.deep.equal(loaded);
    const [, , inline] = loaded.manifest.operators[0]!.subtasks[0]!.parts[0]!.chain;
    expect(inline).to.deep.equal(segment({ inline: Uint8Array.of(1, 2) }, 2));
  });

  it("goes into another store, and never overwrites another one", async () => {
    const manifest = await begun(checkpoints);
    const target = new FilesystemBlobStore(join(directory, "elsewhere"));
    const first = await checkpoints.savepoint(manifest, "", target);
    const second = await checkpoints.savepoint(manifest, "", target);
    expect(first).to.not.equal(second);
    for (const path of [first, second])
      expect(await contents(target, (await loadCheckpoint(target, path)).manifest)).to.deep.equal([41, 42]);
  });

  it("leaves the checkpoint it is made of as it was", async () => {
    const manifest = await begun(checkpoints);
    await checkpoints.savepoint(manifest, "");
    await checkpoints.complete(manifest);
    expect(await checkpoints.verify(`${JOB}/chk-2`)).to.equal(undefined);
  });

  it("keeps the blobs that it copies while their checkpoint is evicted", async () => {
    const source = new FaultyStore();
    const own = await CheckpointStore.open(source, { jobId: JOB });
    await begun(own);
    const { path } = own.list()[0]!;
    const { manifest } = await own.load(path);
    const blob = [...blobsOf(manifest).keys()][0]!;
    source.before = async (operation, at) => {
      if (operation !== "get" || at !== blob) return;
      source.before = () => undefined;
      await own.abort(2);
      await own.complete(manifestOf(JOB, own.begin(), []));
      await own.idle();
    };
    const savepoint = await own.savepoint(manifest, "");
    expect(await contents(source, (await own.load(savepoint)).manifest)).to.deep.equal([41]);
    await own.idle();
    expect(await source.list(`${JOB}/chk-1`)).to.deep.equal([]);
  });

  it("leaves nothing behind when it fails", async () => {
    const manifest = await begun(checkpoints);
    await store.remove(`${JOB}/chk-2/1/0-0`);
    const target = new FilesystemBlobStore(join(directory, "elsewhere"));
    expect(await codeOfRejection(checkpoints.savepoint(manifest, "", target))).to.equal("BLOB_MISSING");
    expect(await target.list("")).to.deep.equal([]);
  });

  it("is looked for by its folder, and said to be missing with its place", async () => {
    const error = await rejection(checkpoints.load("no/such"));
    expect(error.code).to.equal("CHECKPOINT_NOT_FOUND");
    expect(error.message).to.include(join(directory, "state/no/such"));
    await store.put("other/manifest", [new TextEncoder().encode("not ours")]);
    const foreign = await rejection(checkpoints.load("other"));
    expect(foreign.code).to.equal("CHECKPOINT_FOREIGN");
    expect(foreign.message).to.include(join(directory, "state/other/manifest"));
  });
});
