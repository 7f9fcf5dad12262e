import { expect } from "chai";
import type { SnapshotStatistics, TaskSnapshot } from "../../lib/checkpoint/snapshot.js";
import { CheckpointStatistics } from "../../lib/checkpoint/statistics.js";

const TASKS = [
  { vertex: 0, subtask: 0 },
  { vertex: 0, subtask: 1 },
  { vertex: 1, subtask: 0 },
];

function snapshot(vertex: number, subtask: number, given: Partial<SnapshotStatistics> = {}): TaskSnapshot {
  const zero = {
    syncMs: 1,
    asyncMs: 2,
    alignmentMs: 3,
    startDelayMs: 4,
    stateBytes: 100,
    processedBytes: 10,
    persistedBytes: 5,
    unaligned: false,
  };
  return { vertex, subtask, finished: false, operators: [], channels: [], statistics: { ...zero, ...given } };
}

/** A checkpoint of all three tasks, each acknowledging 10 ms after the other. */
function complete(statistics: CheckpointStatistics, id: number, bytes = 100): void {
  statistics.onTriggered(id, "checkpoint", id * 1000, TASKS);
  TASKS.forEach(({ vertex, subtask }, i) => {
    const now = id * 1000 + (i + 1) * 10;
    statistics.onAcknowledged(id, snapshot(vertex, subtask, { stateBytes: bytes }), now);
  });
  statistics.onCompleted(id, `chk-${id}`);
}

describe("statistics of checkpoints", () => {
  it("are empty at first", () => {
    const overview = new CheckpointStatistics().overview();
    expect(overview.counts).to.deep.equal({ restored: 0, total: 0, inProgress: 0, completed: 0, failed: 0 });
    expect(overview.summary.stateSize).to.deep.equal({ min: 0, max: 0, avg: 0 });
    expect(overview.latest).to.deep.equal({
      completed: undefined,
      savepoint: undefined,
      failed: undefined,
      restored: undefined,
    });
    expect(overview.history).to.deep.equal([]);
  });

  it("add subtasks up to vertices and checkpoints", () => {
    const statistics = new CheckpointStatistics();
    statistics.onTriggered(1, "checkpoint", 1000, TASKS);
    statistics.onAcknowledged(1, snapshot(0, 1, { unaligned: true }), 1020);
    statistics.onAcknowledged(1, snapshot(0, 0, { stateBytes: 50 }), 1010);
    const [running] = statistics.overview().history;
    expect(running).to.deep.include({
      id: 1,
      status: "in-progress",
      isSavepoint: false,
      checkpointType: "checkpoint",
      triggerTimestamp: 1000,
      latestAckTimestamp: 1020,
      stateSize: 150,
      endToEndDuration: 20,
      alignmentBuffered: 0,
      processedData: 20,
      persistedData: 10,
      numSubtasks: 3,
      numAcknowledgedSubtasks: 2,
      externalPath: undefined,
      discarded: false,
      failureTimestamp: undefined,
      failureMessage: undefined,
    });
    expect(running?.tasks.map(({ status, numSubtasks }) => [status, numSubtasks])).to.deep.equal([
      ["completed", 2],
      ["in-progress", 1],
    ]);
    expect(running?.tasks[0]?.subtasks).to.deep.equal([
      {
        index: 0,
        ackTimestamp: 1010,
        endToEndDuration: 10,
        stateSize: 50,
        checkpoint: { sync: 1, async: 2 },
        alignment: { buffered: 0, processed: 10, persisted: 5, duration: 3 },
        startDelay: 4,
        unalignedCheckpoint: false,
        aborted: false,
      },
      {
        index: 1,
        ackTimestamp: 1020,
        endToEndDuration: 20,
        stateSize: 100,
        checkpoint: { sync: 1, async: 2 },
        alignment: { buffered: 0, processed: 10, persisted: 5, duration: 3 },
        startDelay: 4,
        unalignedCheckpoint: true,
        aborted: false,
      },
    ]);
    expect(running?.tasks[1]).to.include({ latestAckTimestamp: undefined, endToEndDuration: undefined });
  });

  it("summarise what is complete", () => {
    const statistics = new CheckpointStatistics();
    complete(statistics, 1, 100);
    complete(statistics, 2, 300);
    const { counts, summary, latest, history } = statistics.overview();
    expect(counts).to.include({ total: 2, completed: 2, inProgress: 0 });
    expect(summary).to.deep.equal({
      stateSize: { min: 300, max: 900, avg: 600 },
      endToEndDuration: { min: 30, max: 30, avg: 30 },
      processedData: { min: 30, max: 30, avg: 30 },
      persistedData: { min: 15, max: 15, avg: 15 },
    });
    expect(latest.completed).to.include({ id: 2, status: "completed", externalPath: "chk-2" });
    expect(history.map(({ id }) => id)).to.deep.equal([2, 1]);
  });

  it("keep the last ten, and the latest of each kind for longer", () => {
    const statistics = new CheckpointStatistics();
    statistics.onTriggered(1, "savepoint", 1, []);
    statistics.onCompleted(1, "savepoint-1");
    statistics.onTriggered(2, "checkpoint", 2, TASKS);
    statistics.onFailed(2, "expired", 602);
    statistics.onTriggered(3, "checkpoint", 3, TASKS);
    for (let id = 4; id < 16; id++) complete(statistics, id);
    const before = statistics.overview();
    expect(before.history.map(({ id }) => id)).to.deep.equal([15, 14, 13, 12, 11, 10, 9, 8, 7, 6]);
    expect(before.counts).to.deep.equal({ restored: 0, total: 15, inProgress: 1, completed: 13, failed: 1 });
    expect(before.latest.savepoint).to.include({ id: 1, isSavepoint: true, checkpointType: "savepoint" });
    expect(before.latest.completed?.id).to.equal(15);
    statistics.onFailed(3, "late", 9);
    const { failed } = statistics.overview().latest;
    expect(failed).to.include({ id: 3, failureTimestamp: 9, failureMessage: "late", endToEndDuration: 6 });
  });

  it("note what comes after the end of a checkpoint", () => {
    const statistics = new CheckpointStatistics();
    statistics.onTriggered(1, "checkpoint", 0, TASKS);
    statistics.onAcknowledged(1, snapshot(0, 0), 5);
    statistics.onFailed(1, "a task could not", 10);
    statistics.onAcknowledged(1, snapshot(0, 1), 15);
    statistics.onAcknowledged(99, snapshot(0, 1), 15);
    statistics.onFailed(1, "again", 20);
    statistics.onCompleted(1);
    const [record] = statistics.overview().history;
    expect(record).to.include({
      status: "failed",
      failureMessage: "a task could not",
      numAcknowledgedSubtasks: 1,
    });
    expect(record?.tasks[0]?.subtasks.map(({ aborted }) => aborted)).to.deep.equal([false, true]);
    expect(record?.tasks[0]?.status).to.equal("failed");
    complete(statistics, 2);
    statistics.onDiscarded(2);
    expect(statistics.overview().history[0]).to.include({ id: 2, discarded: true });
    expect(statistics.overview().counts).to.include({ failed: 1, completed: 1 });
  });

  it("remember what was restored", () => {
    const statistics = new CheckpointStatistics();
    statistics.onRestored(7, "stop", 100, "savepoint-7");
    const { counts, latest } = statistics.overview();
    expect(counts.restored).to.equal(1);
    expect(latest.restored).to.deep.equal({
      id: 7,
      restoreTimestamp: 100,
      isSavepoint: true,
      externalPath: "savepoint-7",
      subtasks: undefined,
    });
    const tasks = [{ vertex: 1, subtask: 2, metricsRow: 9 }];
    statistics.onRestored(8, "checkpoint", 200, undefined, tasks);
    expect(statistics.overview().latest.restored).to.deep.include({
      id: 8,
      subtasks: [{ vertex: 1, subtask: 2 }],
    });
  });
});
