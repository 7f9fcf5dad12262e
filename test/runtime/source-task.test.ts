/** A source task between its reader and one output, both played by the test. */
import { expect } from "chai";
import type { Barrier } from "../../lib/checkpoint/barrier.js";
import type { TaskSnapshot } from "../../lib/checkpoint/snapshot.js";
import type { TaskMetrics } from "../../lib/metrics/task-metrics.js";
import type { SourceLogic } from "../../lib/operators/source.js";
import type { Chain } from "../../lib/runtime/chain-code.js";
import type { EdgeOutput } from "../../lib/runtime/edge-code.js";
import type { Output } from "../../lib/runtime/outputs.js";
import { SourceTask } from "../../lib/runtime/source-task.js";
import { TaskCheckpoints } from "../../lib/runtime/task-checkpoints.js";
import type { UserFunctions } from "../../lib/runtime/user-functions.js";
import type { SourceReader, Split } from "../../lib/source/contract.js";
import { type WatermarkStrategy, watermarks } from "../../lib/time/watermarks.js";
import { barrier } from "../checkpoint/alignment-script.js";

class TestSource {
  readonly task: SourceTask;
  /** What the output was given. */
  readonly given: string[] = [];
  readonly acknowledged = new Map<number, TaskSnapshot>();
  /** What the reader was given. */
  readonly splits: string[] = [];
  mayOvertake = true;
  ended = false;
  dataEnded = 0;
  readonly metrics = new Map<string, number>();

  constructor(watermarks?: WatermarkStrategy<any>) {
    const output: Output = {
      level: 0,
      drained: true,
      recordsOut: 0,
      waitingBytes: 0,
      creditBytes: 0,
      bytesOut: 0,
      pump: () => false,
      watermark: (watermark) => this.given.push(`watermark ${watermark}`),
      idle: (idle) => this.given.push(idle ? "idle" : "active"),
      latency: ({ source }) => this.given.push(`marker of ${source}`),
      barrier: ({ id }) => this.given.push(`barrier ${id}`),
      readyToOvertake: () => this.mayOvertake,
      overtake: ({ id }) => this.given.push(`overtaking ${id}`),
      endOfData: () => this.given.push("end of data"),
      end: () => this.given.push("end"),
      rest: () => undefined,
    };
    const self = this;
    const reader = {
      start: () => undefined,
      addSplits: (splits: readonly Split[]) => this.splits.push(...splits.map(({ id }) => id)),
      noMoreSplits: () => this.splits.push("no more"),
      next: () => undefined,
      split: 0,
      takeEndedSplits: () => [],
      get ended() {
        return self.ended;
      },
      consumed: 0,
      snapshot: () => this.splits.map((id) => ({ id })),
      close: async () => undefined,
    };
    const task = new SourceTask("source", {
      gate: { level: 0 },
      metrics: {
        set: (field, value) => this.metrics.set(field, value),
      } as Partial<TaskMetrics> as TaskMetrics,
      counters: { lateRecordsDropped: 0, recordsFailed: 0 },
      now: () => 0,
      wake: () => undefined,
      rest: () => undefined,
      dataEnded: () => this.dataEnded++,
      failed: (error) => {
        throw error;
      },
      functions: { report: () => undefined } as Partial<UserFunctions> as UserFunctions,
    });
    const chain = { operators: [], compile: () => () => 0 } as unknown as Chain;
    const edge = { edge: { fromOperator: 0 }, channels: [output] } as unknown as EdgeOutput;
    const logic = { watermarks } as unknown as SourceLogic;
    task.vertexOperators = [{ feeder: -1, uid: "source" }];
    task.wireSource(logic, reader as SourceReader, chain, [edge]);
    task.takeCheckpoints(
      new TaskCheckpoints({
        task,
        vertex: 0,
        subtask: 0,
        store: undefined,
        inlineBytes: 0,
        inputs: [],
        outputs: [{ channel: output, edge: 0, from: 0, to: 0, alwaysAligned: false }],
        operators: [{ uid: "source", parts: [], splits: () => reader.snapshot() }],
        blobPath: String,
        now: () => 0,
        wallNow: () => 0,
        events: {
          acknowledge: (checkpoint, snapshot) => this.acknowledged.set(checkpoint, snapshot),
          decline: (_checkpoint, error) => {
            throw error;
          },
        },
      }),
    );
    this.task = task;
  }

  async turns(): Promise<void> {
    for (let i = 0; i < 4; i++) this.task.turn();
    await new Promise(setImmediate);
  }

  splitsIn(checkpoint: number): unknown[] {
    return this.acknowledged.get(checkpoint)!.operators[0]!.splits!.map((split) => split["id"]);
  }
}

const stop: Barrier = { ...barrier(1, "aligned"), purpose: "stop" };

describe("source task", () => {
  it("ends its data behind its last record, and waits for a checkpoint of that", async () => {
    const source = new TestSource();
    source.ended = true;
    await source.turns();
    source.task.trigger(barrier(1, "aligned"));
    await source.turns();
    expect(source.acknowledged.get(1)!.finished).to.equal(true);
    expect(source.given).to.deep.equal(["watermark Infinity", "end of data", "barrier 1"]);
    source.task.completed(1);
    await source.turns();
    expect(source.given.at(-1)).to.equal("end");
    expect(source.task.phase).to.equal("committing");
  });

  it("sends nothing behind the barrier of a stop, also where its data ends there", async () => {
    const source = new TestSource();
    source.task.trigger(stop);
    source.ended = true;
    await source.turns();
    expect(source.given).to.deep.equal(["barrier 1"]);
    source.task.completed(1);
    await source.turns();
    expect(source.given).to.deep.equal(["barrier 1", "end"]);
    expect(source.task.phase).to.equal("committing");
  });

  it("goes on when a stop is given up", async () => {
    const source = new TestSource();
    source.task.trigger(stop);
    source.ended = true;
    await source.turns();
    source.task.aborted(1);
    await source.turns();
    expect(source.given).to.deep.equal(["barrier 1", "watermark Infinity", "end of data"]);
  });

  it("keeps splits out of checkpoints triggered before them, and in those after", async () => {
    const source = new TestSource();
    source.mayOvertake = false;
    source.task.trigger(barrier(1, "unaligned"));
    source.task.addSplits([{ id: "a" }]);
    await source.turns();
    expect(source.splits).to.deep.equal([]);
    source.task.aborted(1);
    source.task.trigger(barrier(2, "unaligned"));
    source.task.addSplits([{ id: "b" }]);
    source.mayOvertake = true;
    await source.turns();
    expect(source.splitsIn(2)).to.deep.equal(["a"]);
    expect(source.splits).to.deep.equal(["a", "b"]);
  });

  it("gives splits that waited before those that come later", () => {
    const source = new TestSource();
    source.mayOvertake = false;
    source.task.trigger(barrier(1, "unaligned"));
    source.task.addSplits([{ id: "a" }]);
    source.mayOvertake = true;
    source.task.trigger(barrier(2, "unaligned"));
    source.task.addSplits(undefined);
    source.task.turn();
    expect(source.splits).to.deep.equal(["a", "no more"]);
  });

  it("does not count among those it is aligned with while it has no split, and is behind until it has a record", () => {
    const alignment = { group: "g", maxDrift: 10 };
    const source = new TestSource(watermarks.monotonous((at: number) => at, { alignment }));
    const shown = () => {
      source.task.turn();
      source.task.report();
      return ["sourceIdle", "watermark"].map((field) => source.metrics.get(field));
    };
    expect(shown()).to.deep.equal([1, Number.NEGATIVE_INFINITY]);
    source.task.addSplits([{ id: "a" }]);
    expect(shown()).to.deep.equal([0, Number.NEGATIVE_INFINITY]);
    source.ended = true;
    source.task.turn();
    expect(shown()[1]).to.equal(Number.POSITIVE_INFINITY);
  });

  it("that had finished says so once those it sends to are open", async () => {
    const source = new TestSource();
    source.task.restoreFinished();
    expect([source.given, source.dataEnded]).to.deep.equal([[], 0]);
    await source.task.open();
    expect(source.given).to.deep.equal(["watermark Infinity", "end of data"]);
    expect(source.dataEnded).to.equal(1);
  });
});
