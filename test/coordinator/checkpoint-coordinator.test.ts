/** The coordinator's half of checkpoints: tasks are played by the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { systemClock } from "../../lib/base/clock.js";
import { MillraceError } from "../../lib/base/error.js";
import { seededRandom } from "../../lib/base/random.js";
import { systemScheduler } from "../../lib/base/scheduler.js";
import type { Barrier } from "../../lib/checkpoint/barrier.js";
import type { TaskId } from "../../lib/checkpoint/checkpoint-plan.js";
import { CheckpointStore } from "../../lib/checkpoint/checkpoint-store.js";
import type { TaskSnapshot } from "../../lib/checkpoint/snapshot.js";
import type { Attempt } from "../../lib/coordinator/attempt.js";
import { CheckpointCoordinator } from "../../lib/coordinator/checkpoint-coordinator.js";
import { type CheckpointOptions, checkpointSettings } from "../../lib/coordinator/checkpoint-settings.js";
import type { Committers } from "../../lib/coordinator/committers.js";
import type { SplitGivers } from "../../lib/coordinator/split-givers.js";
import { MemoryBlobStore } from "../../lib/storage/memory.js";
import { openBlobStore } from "../../lib/storage/open.js";
import { ManualTime } from "../base/manual-time.js";
import { jobGraph } from "../checkpoint/job-graphs.js";

const SOURCE: TaskId = { vertex: 0, subtask: 0 };
const SINK: TaskId = { vertex: 1, subtask: 0 };

function snapshotOf({ vertex, subtask }: TaskId, finished: boolean): TaskSnapshot {
  const statistics = {
    syncMs: 0,
    asyncMs: 0,
    alignmentMs: 0,
    startDelayMs: 0,
    stateBytes: 0,
    processedBytes: 0,
    persistedBytes: 0,
    unaligned: false,
  };
  return { vertex, subtask, finished, operators: [], channels: [], statistics };
}

/** Two tasks, and what they are told. */
class TestRun {
  readonly triggered: Barrier[] = [];
  readonly completed: number[] = [];
  readonly aborted: number[] = [];
  readonly failures: unknown[] = [];
  readonly coordinator: CheckpointCoordinator;
  readonly store: CheckpointStore;
  sourcesSettled: Promise<void> = Promise.resolve();
  commit: () => Promise<void> = async () => undefined;

  private constructor(store: CheckpointStore, options: CheckpointOptions, time?: ManualTime) {
    this.store = store;
    this.coordinator = new CheckpointCoordinator({
      graph: () =>
        jobGraph(
          [
            { uids: ["source"], parallelism: 1 },
            { uids: ["sink"], parallelism: 1 },
          ],
          [[0, 1, "hash"]],
        ),
      openFolder: (directory) => openBlobStore({ kind: "filesystem", directory }),
      store,
      settings: checkpointSettings(options),
      committers: { commit: () => this.commit() } as unknown as Committers,
      clock: time ?? systemClock,
      scheduler: time ?? systemScheduler,
      random: seededRandom(1),
      onCompleted: () => undefined,
      onFailed: (error) => this.failures.push(error),
    });
  }

  static async open(options: CheckpointOptions = {}, time?: ManualTime): Promise<TestRun> {
    return new TestRun(await CheckpointStore.open(new MemoryBlobStore(), { jobId: "job" }), options, time);
  }

  async begin(): Promise<void> {
    const attempt = {
      trigger: (barrier: Barrier) => this.triggered.push(barrier),
      checkpointCompleted: (checkpoint: number) => this.completed.push(checkpoint),
      checkpointAborted: (checkpoint: number) => this.aborted.push(checkpoint),
    };
    const settled = this.sourcesSettled;
    const sources = {
      isSource: (vertex: number) => vertex === 0,
      settled: () => settled,
      isSettled: true,
      snapshot: () => new Map([["source", {}]]),
      completed: () => undefined,
    };
    this.coordinator.reset();
    this.coordinator.begin(attempt as unknown as Attempt, sources as unknown as SplitGivers);
    await turns();
  }

  async acknowledge(checkpoint: number, finished: boolean): Promise<void> {
    for (const task of [SOURCE, SINK]) this.coordinator.acknowledged(checkpoint, snapshotOf(task, finished));
    await turns();
  }

  async dataEnds(...tasks: TaskId[]): Promise<void> {
    for (const task of tasks) this.coordinator.taskDataEnded(task);
    await turns();
  }

  get ids(): number[] {
    return this.triggered.map(({ id }) => id);
  }
}

/** Long enough for what goes to a folder of the file system. */
async function turns(ms = 30): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

describe("checkpoint coordinator", () => {
  let folder: string;
  let run: TestRun;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "millrace-coordinator-"));
    run = await TestRun.open();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("asks for the final checkpoint when all tasks have ended their data, until it is complete", async () => {
    await run.begin();
    await run.dataEnds(SOURCE);
    expect(run.ids).to.deep.equal([]);
    await run.dataEnds(SINK);
    expect(run.ids).to.deep.equal([1]);
    run.coordinator.declined(1, SINK, new MillraceError("CHECKPOINT_SUBSUMED", "overtaken"));
    await turns();
    expect(run.ids).to.deep.equal([1, 2]);
    await run.acknowledge(2, true);
    expect(run.ids).to.deep.equal([1, 2]);
    expect(run.completed).to.deep.equal([2]);
  });

  it("goes on with periodic checkpoints when one had waited and came too early after the one before", async () => {
    const time = new ManualTime();
    run = await TestRun.open({ interval: 30, minPause: 30 }, time);
    await run.begin();
    await time.pass(75);
    expect(run.ids).to.deep.equal([1]);
    await run.acknowledge(1, false);
    expect(run.ids).to.deep.equal([1]);
    await time.pass(60);
    expect(run.ids).to.deep.equal([1, 2]);
    await run.coordinator.end("job-ended");
  });

  it("ends no job by a savepoint that its tasks do not hear of", async () => {
    await run.begin();
    const path = run.coordinator.savepoint("savepoint", folder);
    await turns();
    await run.dataEnds(SOURCE, SINK);
    await run.acknowledge(1, true);
    expect(await path).to.include(folder);
    // Its files may take longer than what was waited for above.
    await turns();
    expect(run.completed).to.deep.equal([]);
    expect(run.ids).to.deep.equal([1, 2]);
    await run.acknowledge(2, true);
    expect(run.completed).to.deep.equal([2]);
  });

  it("asks for the final checkpoint again after a restart that took the request away", async () => {
    await run.begin();
    void run.coordinator.savepoint("savepoint", folder).catch(() => undefined);
    await turns();
    await run.dataEnds(SOURCE, SINK);
    expect(run.ids).to.deep.equal([1]);
    await run.coordinator.end("job-failed");
    await run.begin();
    await run.dataEnds(SOURCE, SINK);
    expect(run.ids).to.deep.equal([1, 2]);
  });

  it("is not held up by a trigger of an attempt that is over, and does not count it", async () => {
    let settle = () => {};
    run.sourcesSettled = new Promise((resolve) => {
      settle = resolve;
    });
    await run.begin();
    await run.dataEnds(SOURCE, SINK);
    await run.coordinator.end("job-failed");
    run.sourcesSettled = Promise.resolve();
    await run.begin();
    await run.dataEnds(SOURCE, SINK);
    expect(run.ids).to.deep.equal([2]);
    settle();
    await turns();
    expect(run.failures).to.deep.equal([]);
    await run.acknowledge(2, true);
    expect(run.completed).to.deep.equal([2]);
  });

  it("keeps a stop as a checkpoint before it commits, and takes none behind it", async () => {
    await run.begin();
    const kept: number[] = [];
    run.commit = async () => {
      kept.push(...run.store.list().map(({ checkpoint }) => checkpoint));
    };
    const path = run.coordinator.savepoint("stop", folder);
    await turns();
    await run.acknowledge(1, false);
    expect(await path).to.include(folder);
    expect(kept).to.deep.equal([1]);
    expect(run.coordinator.stopped).to.equal(true);
    run.coordinator.taskFinished(SOURCE);
    await turns();
    expect(run.ids).to.deep.equal([1]);
  });

  it("goes back to a stop whose results could not be committed", async () => {
    await run.begin();
    run.commit = () => Promise.reject(new Error("the target is gone"));
    const path = run.coordinator.savepoint("stop", folder);
    const refused = path.then(
      () => undefined,
      (error: unknown) => error,
    );
    await turns();
    await run.acknowledge(1, false);
    expect(await refused).to.be.an("error");
    expect(run.failures).to.have.length(1);
    expect(run.coordinator.stopped).to.equal(false);
    expect((await run.store.latest())?.manifest.purpose).to.equal("stop");
  });

  it("gives a checkpoint up in time when an enumerator does not answer", async () => {
    const time = new ManualTime();
    run = await TestRun.open({ timeout: 500, tolerableFailures: 1 }, time);
    run.sourcesSettled = new Promise(() => undefined);
    await run.begin();
    const taken = run.coordinator.checkpoint().catch((error: unknown) => error);
    await time.pass(499);
    expect(run.coordinator.statistics.overview().latest.failed).to.equal(undefined);
    await time.pass(1);
    expect(await taken).to.have.property("code", "CHECKPOINT_FAILED");
    expect(run.coordinator.statistics.overview().latest.failed).to.have.property("id", 1);
    expect(run.failures).to.deep.equal([]);
    const stopped = run.coordinator.savepoint("stop", folder).catch((error: unknown) => error);
    await time.pass(500);
    expect(await stopped).to.have.property("code", "CHECKPOINT_FAILED");
    const last = run.coordinator.checkpoint().catch((error: unknown) => error);
    await time.pass(500);
    expect(await last).to.have.property("code", "CHECKPOINT_FAILED");
    expect(run.failures).to.have.length(1);
    expect(run.failures[0]).to.have.property("code", "CHECKPOINTS_FAILED");
    expect(run.ids).to.deep.equal([]);
  });

  it("counts the time an enumerator takes to answer as the checkpoint's", async () => {
    const time = new ManualTime();
    run = await TestRun.open({ timeout: 500, tolerableFailures: 1 }, time);
    let settle = () => {};
    run.sourcesSettled = new Promise((resolve) => {
      settle = resolve;
    });
    await run.begin();
    const taken = run.coordinator.checkpoint().catch((error: unknown) => error);
    await time.pass(400);
    settle();
    await turns();
    expect(run.ids).to.deep.equal([1]);
    await time.pass(100);
    expect(await taken).to.have.property("code", "CHECKPOINT_FAILED");
    expect(run.aborted).to.deep.equal([1]);
  });
});
