import { expect } from "chai";
import { SourceAligner } from "../../lib/coordinator/source-aligner.js";
import { createTaskMetrics, TaskMetrics } from "../../lib/metrics/task-metrics.js";
import type { Plan } from "../../lib/protocol/program.js";
import { type AlignmentOptions, watermarks } from "../../lib/time/watermarks.js";
import { ManualTime } from "../base/manual-time.js";

/** Sources by vertex, each with two subtasks; what follows them has no watermarks of its own. */
class Sources {
  readonly time = new ManualTime();
  readonly told: [vertex: number, limit: number][] = [];
  readonly aligner: SourceAligner;
  private readonly metrics: SharedArrayBuffer;

  constructor(alignments: readonly (AlignmentOptions | undefined)[]) {
    const logic = new Map(
      alignments.map((alignment, i) => {
        const options = alignment === undefined ? {} : { alignment };
        return [`${i}`, { watermarks: watermarks.monotonous((n: number) => n, options) }];
      }),
    );
    const vertices = alignments.map((_, id) => ({ id, operators: [{ uid: `${id}` }] }));
    const plan = {
      jobGraph: { vertices: [...vertices, { id: vertices.length, operators: [{ uid: "map" }] }] },
      program: { logic: logic.set("map", {} as never) },
    } as unknown as Plan;
    const tasks = alignments.flatMap((_, vertex) =>
      [0, 1].map((subtask) => ({ vertex, subtask, metricsRow: vertex * 2 + subtask })),
    );
    this.metrics = createTaskMetrics(tasks.length);
    this.aligner = new SourceAligner({
      plan,
      view: () => ({ tasks, metrics: this.metrics }),
      scheduler: this.time,
      tell: (vertex, limit) => this.told.push([vertex, limit]),
    });
  }

  at(vertex: number, subtask: number, watermark: number, idle = false): this {
    const row = new TaskMetrics(this.metrics, vertex * 2 + subtask);
    row.set("watermark", watermark);
    row.set("sourceIdle", idle ? 1 : 0);
    return this;
  }

  async after(ms: number): Promise<[number, number][]> {
    this.told.length = 0;
    await this.time.pass(ms);
    return this.told.splice(0);
  }
}

const group = (maxDrift: number): AlignmentOptions => ({ group: "g", maxDrift, updateInterval: 1000 });

describe("the alignment of sources", () => {
  it("limits a group's sources to the smallest watermark and each one's drift", async () => {
    const sources = new Sources([group(100), undefined, group(7)]);
    // Who has said nothing yet counts as far behind.
    sources.at(0, 0, 500);
    expect(await sources.after(50)).to.deep.equal([
      [0, Number.NEGATIVE_INFINITY],
      [2, Number.NEGATIVE_INFINITY],
    ]);
    sources.at(0, 1, 300).at(1, 0, 1).at(2, 0, 200).at(2, 1, 250);
    expect(await sources.after(949)).to.deep.equal([]);
    expect(await sources.after(1)).to.deep.equal([
      [0, 300],
      [2, 207],
    ]);
    sources.aligner.stop();
    expect(await sources.after(5000)).to.deep.equal([]);
  });

  it("does not count who is idle or has ended", async () => {
    const sources = new Sources([group(100), group(100)]);
    sources.at(0, 0, 500).at(0, 1, 400).at(1, 0, 3, true).at(1, 1, Number.POSITIVE_INFINITY);
    expect(await sources.after(50)).to.deep.equal([
      [0, 500],
      [1, 500],
    ]);
    sources.at(0, 0, 500, true).at(0, 1, Number.POSITIVE_INFINITY);
    expect((await sources.after(950)).map(([, limit]) => limit)).to.deep.equal([Infinity, Infinity]);
  });

  it("keeps groups apart", async () => {
    const sources = new Sources([group(100), { group: "other", maxDrift: 1, updateInterval: 10 }]);
    for (const subtask of [0, 1]) sources.at(0, subtask, 500).at(1, subtask, 20);
    expect(await sources.after(10)).to.deep.equal([
      [1, 21],
      [1, 21],
    ]);
    expect((await sources.after(40)).filter(([vertex]) => vertex === 0)).to.deep.equal([[0, 600]]);
  });
});
