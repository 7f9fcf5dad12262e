/**
 * Any sequence of checkpoints, aborts, failures of the store and restarts of the coordinator: the last complete
 * checkpoint is whole, and after a start nothing lies around that no checkpoint needs.
 */
import { expect } from "chai";
import fc from "fast-check";
import { MillraceError } from "../../lib/base/error.js";
import { CheckpointStore } from "../../lib/checkpoint/checkpoint-store.js";
import { taskBlobPath } from "../../lib/checkpoint/paths.js";
import { blobsOf } from "../../lib/checkpoint/places.js";
import type { Segment } from "../../lib/checkpoint/snapshot.js";
import { MemoryBlobStore } from "../../lib/storage/memory.js";
import { storageFailed } from "../../lib/storage/storage-error.js";
import { FaultyStore } from "./faulty-store.js";
import { byteOf, manifestOf } from "./manifests.js";

const JOB = "job";

interface Step {
  readonly does: "complete" | "abort" | "restart";
  /** How much of the last chain is built on. */
  readonly base: number;
  /** The operation from which on the store fails, during this step; beyond the step's operations: none. */
  readonly failsAt: number;
}

const steps = fc.array(
  fc.record({
    does: fc.constantFrom<Step["does"]>("complete", "complete", "abort", "restart"),
    base: fc.nat(3),
    failsAt: fc.oneof(fc.nat(12), fc.constant(1000)),
  }),
  { minLength: 1, maxLength: 14 },
);

class Run {
  readonly memory = new MemoryBlobStore();
  readonly #numRetained: number;
  #store = new FaultyStore(this.memory);
  #checkpoints: CheckpointStore | undefined;
  #chain: readonly Segment[] = [];
  /** The last one of which the coordinator was told that it is complete. */
  complete = 0;

  constructor(numRetained: number) {
    this.#numRetained = numRetained;
  }

  /** Fails as a coordinator does: what the store refuses is told, and after it the coordinator starts anew. */
  async step({ does, base, failsAt }: Step): Promise<void> {
    let operations = 0;
    this.#store.before = (operation, path) => {
      if (operations++ >= failsAt) throw storageFailed(operation, path, new Error("full"));
    };
    try {
      if (this.#checkpoints === undefined || does === "restart") await this.open();
      else await this.#take(this.#checkpoints, does, base);
    } catch (error) {
      if (!MillraceError.is(error) || error.code !== "STORAGE_FAILED") throw error;
      this.#checkpoints = undefined;
    }
    await this.#checkpoints?.idle();
    // a process that died does nothing more
    if (this.#checkpoints === undefined) this.#store = new FaultyStore(this.memory);
    else this.#store.before = () => undefined;
  }

  async open(): Promise<CheckpointStore> {
    this.#checkpoints = undefined;
    const opened = await CheckpointStore.open(this.#store, { jobId: JOB, numRetained: this.#numRetained });
    const latest = await opened.latest();
    this.#chain = latest === undefined ? [] : latest.manifest.operators[0]!.subtasks[0]!.parts[0]!.chain;
    expect(latest?.manifest.checkpoint ?? 0).to.be.at.least(this.complete);
    expect(latest?.skipped ?? []).to.deep.equal([]);
    this.#checkpoints = opened;
    return opened;
  }

  async #take(checkpoints: CheckpointStore, does: Step["does"], base: number): Promise<void> {
    const checkpoint = checkpoints.begin();
    try {
      const path = taskBlobPath(JOB, checkpoint, checkpoints.epoch, 0, 0);
      await this.#store.put(path, [Uint8Array.of(1)]);
      if (does === "abort") return await checkpoints.abort(checkpoint);
      const chain = [...this.#chain.slice(this.#chain.length - base), byteOf(path)];
      await checkpoints.complete(manifestOf(JOB, checkpoint, chain));
      this.complete = checkpoint;
      this.#chain = chain;
    } catch (error) {
      await checkpoints.abort(checkpoint);
      throw error;
    }
  }
}

describe("checkpoints under failures", () => {
  it("always leave the last complete one whole, and nothing else after a start", () =>
    fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), async (script, numRetained) => {
        const run = new Run(numRetained);
        for (const step of script) await run.step(step);
        const checkpoints = await run.open();
        const needed = new Set<string>();
        for (const { path } of checkpoints.list()) {
          expect(await checkpoints.verify(path)).to.equal(undefined);
          const { manifest } = await checkpoints.load(path);
          needed.add(`${path}/manifest`);
          for (const blob of blobsOf(manifest).keys()) needed.add(blob);
        }
        const there = (await run.memory.list(JOB)).filter((path) => !path.startsWith("job/epochs/"));
        expect(there).to.deep.equal([...needed].sort());
      }),
      { numRuns: 300 },
    ));
});
