/** The sources of a job on the coordinator: their enumerators, and the splits on their way to readers. */
import type { SourceLogic } from "../operators/source.js";
import type { TaskId } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import { Assignments } from "../source/assignments.js";
import type { Split, SplitEnumerator } from "../source/contract.js";

/** A reader asks for splits. */
export interface SplitRequest {
  readonly vertex: number;
  readonly subtask: number;
  /** What it says with that. */
  readonly report?: unknown;
  /** Hands splits on to it; false when it is gone. */
  give(splits: readonly Split[] | undefined): boolean;
  /** Its enumerator has failed. */
  failed(error: unknown): void;
}

/** One source. */
interface Giver {
  readonly enumerator: SplitEnumerator;
  readonly assignments: Assignments;
  /** By subtask: what was answered with "not now". */
  readonly waiting: Map<number, SplitRequest>;
  /** How often there was said to be something. */
  availables: number;
}

interface Answer {
  readonly vertex: number;
  readonly subtask: number;
  readonly given: Promise<void>;
}

export class SplitGivers {
  private readonly plan: Plan;
  private readonly givers = new Map<number, Giver>();
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
        available: () => this.askAgain(vertex.id),
      });
      const assignments = new Assignments();
      this.givers.set(vertex.id, { enumerator, assignments, waiting: new Map(), availables: 0 });
      await enumerator.start();
    }
  }

  isSource(vertex: number): boolean {
    return this.givers.has(vertex);
  }

  /** Answers a reader's request, or has it wait. What a reader that has gone would have got goes back. */
  async request(request: SplitRequest): Promise<void> {
    const { vertex, subtask } = request;
    const giver = this.givers.get(vertex)!;
    giver.waiting.delete(subtask);
    const answer = { vertex, subtask, given: this.answer(giver, request) };
    this.answering.add(answer);
    try {
      await answer.given;
    } catch (error) {
      request.failed(error);
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
      const giver = this.givers.get(vertex);
      return giver === undefined || giver.enumerator.addSplitsBack !== undefined;
    });
  }

  /** The readers among these tasks begin anew behind the last completed checkpoint. */
  takeBack(tasks: readonly TaskId[]): void {
    for (const { vertex, subtask } of tasks) {
      const giver = this.givers.get(vertex);
      if (giver === undefined) continue;
      giver.waiting.delete(subtask);
      giver.enumerator.addSplitsBack!(giver.assignments.takeBack(subtask), subtask);
    }
  }

  /** Readers that fail go on from this checkpoint. */
  completed(checkpoint: number): void {
    for (const { assignments } of this.givers.values()) assignments.onCompleted(checkpoint);
  }

  /** By operator. Call it when `isSettled`, and trigger before anything else is given. */
  snapshot(checkpoint: number): Map<string, unknown> {
    for (const { assignments } of this.givers.values()) assignments.onTriggered(checkpoint);
    const { vertices } = this.plan.jobGraph;
    return new Map(
      [...this.givers].map(([vertex, { enumerator }]) => [
        vertices[vertex]!.operators[0]!.uid,
        enumerator.snapshot(),
      ]),
    );
  }

  /** The work of all sources, where they know it. */
  total(): number | undefined {
    let total = 0;
    for (const { enumerator } of this.givers.values()) {
      if (enumerator.total === undefined) return undefined;
      total += enumerator.total;
    }
    return total;
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled([...this.givers.values()].map(({ enumerator }) => enumerator.close()));
  }

  private async answer(giver: Giver, request: SplitRequest): Promise<void> {
    const { enumerator, assignments, waiting } = giver;
    const { subtask, report } = request;
    for (;;) {
      const { availables } = giver;
      const splits = await enumerator.request(subtask, report);
      if (splits?.length === 0) {
        // What came while it was being answered may have come behind the answer.
        if (giver.availables !== availables) continue;
        waiting.set(subtask, request);
      } else if (request.give(splits)) assignments.add(subtask, splits ?? []);
      else if (!this.closed) enumerator.addSplitsBack?.(splits ?? [], subtask);
      return;
    }
  }

  private askAgain(vertex: number): void {
    const giver = this.givers.get(vertex);
    if (giver === undefined || this.closed) return;
    giver.availables++;
    const waiting = [...giver.waiting.values()];
    giver.waiting.clear();
    for (const request of waiting) void this.request(request);
  }
}
