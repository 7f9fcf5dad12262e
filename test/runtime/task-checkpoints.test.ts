/** Checkpoints of one task, with hand-made inputs: local channels whose sender is the test. */
import { expect } from "chai";
import type { Barrier } from "../../lib/checkpoint/barrier.js";
import { readEntries } from "../../lib/checkpoint/entries.js";
import type { TaskSnapshot } from "../../lib/checkpoint/snapshot.js";
import type { Receiver } from "../../lib/runtime/inputs.js";
import { LocalChannel } from "../../lib/runtime/local-channel.js";
import type { SnapshotOperator } from "../../lib/runtime/running-snapshot.js";
import { TaskCheckpoints } from "../../lib/runtime/task-checkpoints.js";
import { barrier } from "../checkpoint/alignment-script.js";

class TestTask implements Receiver {
  readonly channels: LocalChannel[];
  readonly checkpoints: TaskCheckpoints;
  readonly seen: unknown[] = [];
  readonly acknowledged = new Map<number, TaskSnapshot>();
  readonly declined: number[] = [];
  settled = true;
  now = 0;

  constructor(channels: number, operators: readonly SnapshotOperator[] = []) {
    this.channels = Array.from(
      { length: channels },
      (_, i) => new LocalChannel(this, i, { raise: () => undefined }),
    );
    for (const channel of this.channels) channel.open = false;
    const self = this;
    this.checkpoints = new TaskCheckpoints({
      task: {
        get settled() {
          return self.settled;
        },
        finishedData: false,
        bytesIn: 0,
        prepareSnapshot: () => undefined,
        wake: () => undefined,
      },
      vertex: 1,
      subtask: 0,
      store: undefined,
      inlineBytes: 0,
      inputs: this.channels.map((channel, from) => ({
        channel,
        edge: 0,
        from,
        to: 0,
        alwaysAligned: false,
        ...(from === 0 ? {} : { keyGroupOf: (record: unknown) => (record as string).length }),
      })),
      outputs: [],
      operators,
      blobPath: (checkpoint) => `blob-${checkpoint}`,
      now: () => this.now,
      wallNow: () => this.now,
      events: {
        acknowledge: (checkpoint, snapshot) => this.acknowledged.set(checkpoint, snapshot),
        decline: (checkpoint) => this.declined.push(checkpoint),
      },
    });
  }

  readonly entry = (record: unknown): void => {
    this.seen.push(record);
  };

  onWatermark(): void {}
  onIdle(): void {}
  onLatency(): void {}
  onEndOfData(): void {}
  wake(): void {}

  onBarrier(input: number, given: Barrier): void {
    this.checkpoints.onBarrier(input, given);
  }

  onAnnouncement(input: number, given: Barrier): void {
    this.checkpoints.onAnnouncement(input, given);
  }

  onEnd(input: number): void {
    this.checkpoints.onEnd(input);
  }

  /** A turn: takes up to `limit` elements of each channel. */
  async turn(limit = 0): Promise<void> {
    this.checkpoints.step();
    if (!this.checkpoints.pending) {
      for (const channel of this.channels) channel.drain(limit, () => this.checkpoints.pending);
    }
    this.checkpoints.step();
    this.checkpoints.step();
    await new Promise(setImmediate);
  }

  /** Records in flight that a checkpoint holds, by channel. */
  inFlight(checkpoint: number): unknown[][] {
    return this.entries(checkpoint).map((entries) => entries.map(({ record }) => record));
  }

  entries(checkpoint: number): { record: unknown; keyGroup: number }[][] {
    return this.channels.map((_, from) =>
      this.acknowledged.get(checkpoint)!.channels.flatMap(({ from: own, segment }) => {
        const entries: { record: unknown; keyGroup: number }[] = [];
        if (own !== from || !("inline" in segment.place)) return entries;
        readEntries(segment.place.inline, (value, _timestamp, keyGroup) =>
          entries.push({ record: (value as { r: unknown }).r, keyGroup }),
        );
        return entries;
      }),
    );
  }
}

function put(channel: LocalChannel, ...records: unknown[]): void {
  for (const record of records) channel.push(record, 0, 0);
}

describe("checkpoints of a task", () => {
  it("count what sinks pass on while they are asked for committables", async () => {
    const latest: number[] = [];
    const task = new TestTask(0, [
      {
        uid: "sink",
        parts: [],
        async prepareCommit() {
          latest.push(task.checkpoints.latest);
          return [];
        },
      },
    ]);
    for (const id of [1, 2]) {
      task.checkpoints.trigger(barrier(id, "aligned"));
      await task.turn();
    }
    expect(latest).to.deep.equal([0, 1]);
    expect(task.checkpoints.latest).to.equal(2);
  });

  it("triggered by the coordinator hold what finished tasks have sent: aligned", async () => {
    const task = new TestTask(2);
    put(task.channels[0]!, "a", "b");
    for (const channel of task.channels) channel.end();
    task.checkpoints.trigger(barrier(1, "aligned"));
    await task.turn(1);
    expect([...task.acknowledged.keys()]).to.deep.equal([]);
    await task.turn(9);
    expect(task.seen).to.deep.equal(["a", "b"]);
    expect([...task.acknowledged.keys()]).to.deep.equal([1]);
  });

  it("triggered by the coordinator hold what finished tasks have sent: unaligned", async () => {
    const task = new TestTask(2);
    put(task.channels[0]!, "a", "b", "c");
    await task.turn(1);
    for (const channel of task.channels) channel.end();
    task.checkpoints.trigger(barrier(1, "unaligned"));
    await task.turn(9);
    await task.turn(9);
    expect(task.inFlight(1)).to.deep.equal([["b", "c"], []]);
  });

  it("become unaligned when an aligned barrier waits for too long, also within a slot", async () => {
    const task = new TestTask(2);
    const given = barrier(1, "aligned", 10);
    put(task.channels[0]!, "a", "b");
    put(task.channels[1]!, "c");
    for (const channel of task.channels) channel.barrier(given);
    put(task.channels[0]!, "later");
    await task.turn();
    expect([...task.acknowledged.keys()]).to.deep.equal([]);
    task.now = 11;
    await task.turn();
    expect(task.inFlight(1)).to.deep.equal([["a", "b"], ["c"]]);
    await task.turn(9);
    expect(task.seen).to.deep.equal(["a", "b", "later", "c"]);
    expect([...task.acknowledged.keys()]).to.deep.equal([1]);
  });

  it("hold the key groups of records in flight, also where these travel without", async () => {
    const task = new TestTask(2);
    task.channels[0]!.push("a", 0, 77);
    task.channels[1]!.push("four", 0, 0);
    for (const channel of task.channels) channel.overtake(barrier(1, "unaligned"));
    await task.turn();
    expect(task.entries(1)).to.deep.equal([
      [{ record: "a", keyGroup: 77 }],
      [{ record: "four", keyGroup: 4 }],
    ]);
  });

  it("do not take a later barrier for one that was to overtake", async () => {
    const task = new TestTask(2);
    put(task.channels[0]!, "a");
    for (const channel of task.channels) channel.barrier(barrier(1, "aligned", 10));
    await task.turn();
    // In channel 1 it has come, then the time is over, but the task is between nothing.
    task.channels[1]!.drain(9, () => false);
    task.settled = false;
    task.now = 11;
    await task.turn();
    expect(task.checkpoints.pending).to.equal(true);
    task.checkpoints.abort(1);
    task.channels[1]!.barrier(barrier(2, "aligned", 1000));
    await task.turn();
    task.settled = true;
    await task.turn();
    put(task.channels[0]!, "b");
    task.channels[0]!.barrier(barrier(2, "aligned", 1000));
    await task.turn(9);
    await task.turn(9);
    expect(task.seen).to.deep.equal(["a", "b"]);
    expect([...task.acknowledged.keys()]).to.deep.equal([2]);
    expect(task.inFlight(2)).to.deep.equal([[], []]);
  });
});
