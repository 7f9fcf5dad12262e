import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { FilesystemBlobStore } from "../../lib/storage/filesystem.js";
import { openBlobStore } from "../../lib/storage/open.js";
import { storageFailed } from "../../lib/storage/storage-error.js";
import { describeBlobStore } from "./blob-store-contract.js";
import { rejection } from "./rejection.js";

const BYTE = [Uint8Array.of(1)];

describeBlobStore("filesystem", async () => {
  const directory = await mkdtemp(join(tmpdir(), "millrace-store-"));
  const store = openBlobStore({ kind: "filesystem", directory: join(directory, "made/later") });
  return {
    store,
    reopen: () => openBlobStore(store.location),
    dispose: () => rm(directory, { recursive: true }),
  };
});

describe("filesystem store", () => {
  let directory: string;
  let store: FilesystemBlobStore;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "millrace-store-"));
    store = new FilesystemBlobStore(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("leaves no temporary file, whether a put succeeds or not", async () => {
    await store.put("a", BYTE);
    await rejection(store.put("a", BYTE, { exclusive: true }));
    await mkdir(join(directory, "folder"));
    const error = await rejection(store.put("folder", BYTE));
    expect(error.code).to.equal("STORAGE_FAILED");
    expect(error.message).to.include(join(directory, "folder"));
    expect((await readdir(directory)).sort()).to.deep.equal(["a", "folder"]);
  });

  it("neither lists nor keeps what dead writers left", async () => {
    await store.put("a/1", BYTE);
    await store.put("b/c/2", BYTE);
    await writeFile(join(directory, "a/.1.77-abc"), "half");
    await mkdir(join(directory, "b/empty/empty"), { recursive: true });
    expect(await store.list("")).to.deep.equal(["a/1", "b/c/2"]);
    await store.sweep("a");
    await store.sweep("b");
    expect(await readdir(join(directory, "a"))).to.deep.equal(["1"]);
    expect(await readdir(join(directory, "b"))).to.deep.equal(["c"]);
    await writeFile(join(directory, "b/c/.2.77-abc"), "half");
    await store.removeFolder("b/c");
    expect(await readdir(directory)).to.deep.equal(["a"]);
  });

  it("keeps its root when the last blob goes", async () => {
    await store.put("a/b/1", BYTE);
    await store.remove("a/b/1");
    expect(await readdir(directory)).to.deep.equal([]);
  });

  it("writes nothing outside of its root, and says so", async () => {
    const error = await rejection(store.put("../outside", BYTE));
    expect(error.code).to.equal("STORAGE_PATH_INVALID");
    expect(error.message).to.include("../outside");
  });

  it("says what is in the way", async () => {
    await writeFile(join(directory, "file"), "");
    const below = new FilesystemBlobStore(join(directory, "file"));
    const error = await rejection(below.put("a", BYTE));
    expect(error).to.include({ code: "STORAGE_FAILED", retryable: true });
    expect(error.message).to.match(/cannot write .*file\/a/);
  });

  it("says that the disk is full", () => {
    const cause = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const error = storageFailed("write", "state/a", cause);
    expect(error.code).to.equal("STORAGE_FAILED");
    expect(error.cause).to.equal(cause);
    expect(error.message).to.include("state/a").and.include("no space left");
    expect(error.hint).to.include("full").and.include("free space");
  });
});
