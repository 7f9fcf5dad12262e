import type { Scheduler } from "../base/scheduler.js";
import { TaskMetrics } from "../metrics/task-metrics.js";
import type { SourceLogic } from "../operators/source.js";
import type { TaskAssignment } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import { WATERMARK_MAX } from "../time/watermark-valve.js";
import type { WatermarkAlignment } from "../time/watermarks.js";

/** When a group is looked at first, ms: its sources have stopped behind their first records. */
const FIRST_LOOK_MS = 50;

interface AlignedSource extends WatermarkAlignment {
  readonly vertex: number;
}

/** Where the subtasks' watermarks are read. */
export interface AlignerView {
  readonly tasks: readonly TaskAssignment[];
  readonly metrics: SharedArrayBuffer;
}

export interface AlignerOptions {
  readonly plan: Plan;
  readonly view: () => AlignerView;
  readonly scheduler: Scheduler;
  /** Told to the readers of a source: up to which event time they may read. */
  readonly tell: (vertex: number, limit: number) => void;
}

/**
 * Keeps sources of an alignment group together (FLIP-182): now and then it looks at the watermarks of all their
 * subtasks and tells each source to read no further than the smallest, and its drift. A subtask without a watermark
 * counts as far behind; those that have ended, are idle or have no split do not count.
 */
export class SourceAligner {
  private readonly options: AlignerOptions;
  private readonly cancels: readonly (() => void)[];

  constructor(options: AlignerOptions) {
    this.options = options;
    const { scheduler } = options;
    this.cancels = [...groupsOf(options.plan).values()].flatMap((sources) => {
      const intervalMs = Math.min(...sources.map((each) => each.updateIntervalMs));
      const align = () => this.align(sources);
      return [
        scheduler.after(Math.min(FIRST_LOOK_MS, intervalMs), align),
        scheduler.every(intervalMs, align),
      ];
    });
  }

  stop(): void {
    for (const cancel of this.cancels) cancel();
  }

  private align(sources: readonly AlignedSource[]): void {
    const { view, tell } = this.options;
    const { tasks, metrics } = view();
    let least = WATERMARK_MAX;
    for (const { vertex, metricsRow } of tasks) {
      if (!sources.some((source) => source.vertex === vertex)) continue;
      const row = new TaskMetrics(metrics, metricsRow);
      if (row.get("sourceIdle") === 0) least = Math.min(least, row.get("watermark"));
    }
    for (const { vertex, maxDriftMs } of sources) tell(vertex, least + maxDriftMs);
  }
}

/** Sources by the name of their group. */
function groupsOf({ jobGraph, program }: Plan): Map<string, AlignedSource[]> {
  const groups = new Map<string, AlignedSource[]>();
  for (const { id, operators } of jobGraph.vertices) {
    const logic = program.logic.get(operators[0]!.uid) as SourceLogic;
    const alignment = logic.watermarks?.alignment;
    if (alignment === undefined) continue;
    const sources = groups.get(alignment.group) ?? [];
    groups.set(alignment.group, [...sources, { vertex: id, ...alignment }]);
  }
  return groups;
}
