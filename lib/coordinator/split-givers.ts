/** The sources of a job on the coordinator: their enumerators, and the splits on their way to readers. */
import type { SourceLogic } from "../operators/source.js";
import type { Plan } from "../protocol/program.js";
import type { Split, SplitEnumerator } from "../source/contract.js";

export class SplitGivers {
  private readonly plan: Plan;
  private readonly enumerators = new Map<number, SplitEnumerator>();
  /** Requests being answered: a checkpoint waits for them, or a split would be in no snapshot. */
  private readonly answering = new Set<Promise<void>>();

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
      await enumerator.start();
    }
  }

  isSource(vertex: number): boolean {
    return this.enumerators.has(vertex);
  }

  /** Answers a reader's request by calling `give`. */
  async request(
    vertex: number,
    subtask: number,
    give: (splits: readonly Split[] | undefined) => void,
  ): Promise<void> {
    const answer = (async () => {
      give(await this.enumerators.get(vertex)!.request(subtask));
    })();
    this.answering.add(answer);
    try {
      await answer;
    } finally {
      this.answering.delete(answer);
    }
  }

  /** Everything requested so far was given, or has failed. Waits for as long as an enumerator takes to answer. */
  async settled(): Promise<void> {
    while (this.answering.size > 0) await Promise.allSettled(this.answering);
  }

  /** By operator. Call it right after `settled`, and trigger before anything else is given. */
  snapshot(): Map<string, unknown> {
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
    await Promise.allSettled([...this.enumerators.values()].map((each) => each.close()));
  }
}
