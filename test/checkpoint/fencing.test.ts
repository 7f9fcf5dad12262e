import { expect } from "chai";
import { CheckpointStore } from "../../lib/checkpoint/checkpoint-store.js";
import { isAdopted } from "../../lib/checkpoint/fencing.js";
import { taskBlobPath } from "../../lib/checkpoint/paths.js";
import type { Manifest } from "../../lib/checkpoint/snapshot.js";
import { MemoryBlobStore } from "../../lib/storage/memory.js";
import { codeOfRejection } from "../storage/rejection.js";
import { FaultyStore } from "./faulty-store.js";
import { byteOf, manifestOf } from "./manifests.js";

const JOB = "job";

describe("fencing", () => {
  let memory: MemoryBlobStore;
  /** What the first coordinator sees of the store. */
  let slow: FaultyStore;
  beforeEach(() => {
    memory = new MemoryBlobStore();
    slow = new FaultyStore(memory);
  });

  const open = (store = new FaultyStore(memory)): Promise<CheckpointStore> =>
    CheckpointStore.open(store, { jobId: JOB, numRetained: 3 });

  async function begin(checkpoints: CheckpointStore): Promise<Manifest> {
    const checkpoint = checkpoints.begin();
    const path = taskBlobPath(JOB, checkpoint, checkpoints.epoch, 0, 0);
    await memory.put(path, [Uint8Array.of(checkpoints.epoch)]);
    return manifestOf(JOB, checkpoint, [byteOf(path)]);
  }

  const folders = (checkpoints: CheckpointStore): string[] => checkpoints.list().map(({ path }) => path);

  it("refuses the first coordinator once a second has taken over", async () => {
    const first = await open(slow);
    await first.complete(await begin(first));
    const late = await begin(first);
    const second = await open();
    expect(second.epoch).to.equal(2);
    expect(await codeOfRejection(first.complete(late))).to.equal("CHECKPOINT_FENCED");
    expect(await memory.list("job/chk-2")).to.deep.equal([]);
    await second.complete(await begin(second));
    expect(folders(second)).to.deep.equal(["job/chk-1", "job/chk-3"]);
  });

  it("gives only one of two that open at once the last word", async () => {
    const both = await Promise.allSettled([open(), open(), open()]);
    const opened = both.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const outcomes = await Promise.all(
      opened.map(async (each) =>
        each.complete(await begin(each)).then(
          () => "complete",
          (error) => error.code,
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "complete")).to.have.length(1);
    expect(outcomes.filter((outcome) => outcome === "CHECKPOINT_FENCED")).to.have.length(opened.length - 1);
  });

  it("lets the fenced one remove nothing of its successor", async () => {
    const first = await open(slow);
    await first.complete(await begin(first));
    const second = await open();
    // both count the same checkpoint
    const late = await begin(first);
    const taken = await begin(second);
    expect(late.checkpoint).to.equal(taken.checkpoint);
    await second.complete(taken);
    await first.abort(late.checkpoint);
    await first.end("finished", "delete");
    expect((await second.latest())!.path).to.equal("job/chk-2");
    expect(await second.verify("job/chk-1")).to.equal(undefined);
  });

  it("does not take a stranger's claim of the same number for its own", async () => {
    const first = await open(slow);
    const late = await begin(first);
    const second = await open();
    await second.end("finished", "delete");
    const anew = await open();
    expect(anew.epoch).to.equal(first.epoch);
    expect(await codeOfRejection(first.complete(late))).to.equal("CHECKPOINT_FENCED");
  });

  it("never restores what the fenced one put after its successor had looked", async () => {
    const first = await open(slow);
    await first.complete(await begin(first));
    const late = manifestOf(JOB, first.begin(), []);
    let second: CheckpointStore | undefined;
    slow.before = async (operation, path) => {
      if (operation === "put" && path.endsWith("manifest")) second = await open();
    };
    expect(await codeOfRejection(first.complete(late))).to.equal("CHECKPOINT_FENCED");
    expect(await memory.list("job")).to.include("job/chk-2/manifest");
    expect((await second!.latest())!.path).to.equal("job/chk-1");
    // its number is taken: that checkpoint fails, the next is fine
    const taken = await begin(second!);
    expect(taken.checkpoint).to.equal(2);
    expect(await codeOfRejection(second!.complete(taken))).to.equal("BLOB_EXISTS");
    await second!.abort(2);
    await second!.complete(await begin(second!));
    const third = await open();
    expect(folders(third)).to.deep.equal(["job/chk-1", "job/chk-3"]);
    expect(await memory.list("job/chk-2")).to.deep.equal([]);
  });

  it("adopts what the fenced one put before its successor looked", async () => {
    const first = await open(slow);
    const late = await begin(first);
    let second: CheckpointStore | undefined;
    slow.before = async (operation, path) => {
      if (operation !== "list" || !(await memory.list("job/chk-1")).includes("job/chk-1/manifest")) return;
      slow.before = () => undefined;
      expect(path).to.equal("job/epochs");
      second = await open();
    };
    expect(await codeOfRejection(first.complete(late))).to.equal("CHECKPOINT_FENCED");
    await first.abort(late.checkpoint);
    expect((await second!.latest())!.path).to.equal("job/chk-1");
  });

  it("lets a coordinator that was overtaken while it opened do nothing", async () => {
    let second: CheckpointStore | undefined;
    slow.before = async (operation, path) => {
      if (operation !== "put" || !path.endsWith("adopted")) return;
      slow.before = () => undefined;
      second = await open();
      await second.complete(await begin(second));
    };
    expect(await codeOfRejection(open(slow))).to.equal("CHECKPOINT_FENCED");
    expect(await second!.verify("job/chk-1")).to.equal(undefined);
    expect(folders(await open())).to.deep.equal(["job/chk-1"]);
  });

  it("knows what belongs to the history", () => {
    expect(isAdopted(undefined, 1, 1)).to.equal(true);
    const adoption = { epoch: 3, checkpoints: [4, 6] };
    expect(isAdopted(adoption, 4, 1)).to.equal(true);
    expect(isAdopted(adoption, 5, 2)).to.equal(false);
    expect(isAdopted(adoption, 7, 3)).to.equal(true);
  });
});
