/** The sources of a job on the coordinator: their enumerators, and the splits on their way to readers. */
import type { SourceLogic } from "../operators/source.js";
import type { TaskId } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import { Assignments } from "../source/assignments.js";
import type { Split, SplitEnumerator } from "../source/contract.js";

/** Hands splits on to a reader; false when the reader is gone. */
export type GiveSplits = (splits: readonly Split[] | undefined) => boolean;

interface Answer {
  readonly vertex: number;
  readonly subtask: number;
  readonly given: Promise<void>;
}

export class SplitGivers {
  private readonly plan: Plan;
  private readonly enumerators = new Map<number, SplitEnumerator>();
  private readonly assignments = new Map<number, Assignments>();
  /** Requests being answered: a checkpoint waits for them, or a split would be in no snapshot. */
  private readonly answering = new Set<Answer>();
  private closed = false;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  /** `restored`: what the enumerators' snapshots were, by operator. */
  async open(restored: ReadonlyMap<string, unknown>): Promise<void> {
    const { jobGraph, program } = this.plan;
    for (const vertex of jobGraph.vertices) {
      const node = vertex.operators[0]!;
      const logic = program.logic.get(node.uid)!;
      if (!("source" in logic)) continue;
      const enumerator = (logic as SourceLogic).source.createEnumerator({
        job: jobGraph.job,
        operator: node.name,
        parallelism: vertex.parallelism,
        ...(restored.has(node.uid) ? { restored: restored.get(node.uid) } : {}),
      });
      this.enumerators.set(vertex.id, enumerator);
      this.assignments.set(vertex.id, new Assignments());
      await enumerator.start();
    }
  }

  isSource(vertex: number): boolean {
    return this.enumerators.has(vertex);
  }

  /** Answers a reader's request by calling `give`. What a reader that has gone would have got goes back. */
  async request(vertex: number, subtask: number, give: GiveSplits): Promise<void> {
    const enumerator = this.enumerators.get(vertex)!;
    const answer = {
      vertex,
      subtask,
      given: (async () => {
        const splits = await enumerator.request(subtask);
        if (give(splits)) this.assignments.get(vertex)!.add(subtask, splits ?? []);
        else if (!this.closed) enumerator.addSplitsBack?.(splits ?? [], subtask);
      })(),
    };
    this.answering.add(answer);
    try {
      await answer.given;
    } finally {
      this.answering.delete(answer);
    }
  }

  get isSettled(): boolean {
    return this.answering.size === 0;
  }

  /**
   * Everything requested so far (by these tasks) was given, or has failed. Waits for as long as an enumerator takes
   * to answer.
   */
  async settled(tasks?: readonly TaskId[]): Promise<void> {
    for (;;) {
      const waiting = [...this.answering].filter(
        (answer) =>
          tasks?.some(({ vertex, subtask }) => vertex === answer.vertex && subtask === answer.subtask) ??
          true,
      );
      if (waiting.length === 0) return;
      await Promise.allSettled(waiting.map(({ given }) => given));
    }
  }

  /** Whether the readers among these tasks can begin anew without the others. */
  canTakeBack(tasks: readonly TaskId[]): boolean {
    return tasks.every(({ vertex }) => {
      const enumerator = this.enumerators.get(vertex);
      return enumerator === undefined || enumerator.addSplitsBack !== undefined;
    });
  }

  /** The readers among these tasks begin anew behind the last completed checkpoint. */
  takeBack(tasks: readonly TaskId[]): void {
    for (const { vertex, subtask } of tasks) {
      const back = this.assignments.get(vertex)?.takeBack(subtask);
      if (back !== undefined) this.enumerators.get(vertex)!.addSplitsBack!(back, subtask);
    }
  }

  /** Readers that fail go on from this checkpoint. */
  completed(checkpoint: number): void {
    for (const each of this.assignments.values()) each.onCompleted(checkpoint);
  }

  /** By operator. Call it when `isSettled`, and trigger before anything else is given. */
  snapshot(checkpoint: number): Map<string, unknown> {
    for (const each of this.assignments.values()) each.onTriggered(checkpoint);
    const { vertices } = this.plan.jobGraph;
    return new Map(
      [...this.enumerators].map(([vertex, each]) => [vertices[vertex]!.operators[0]!.uid, each.snapshot()]),
    );
  }

  /** The work of all sources, where they know it. */
  total(): number | undefined {
    let total = 0;
    for (const enumerator of this.enumerators.values()) {
      if (enumerator.total === undefined) return undefined;
      total += enumerator.total;
    }
    return total;
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled([...this.enumerators.values()].map((each) => each.close()));
  }
}
