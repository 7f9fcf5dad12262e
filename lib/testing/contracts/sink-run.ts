/**
 * One run of a job that is nothing but a sink, with everything that can happen to it: the test says when
 * checkpoints are taken, complete or are aborted, and when process or attempt ends. The sink operator, its
 * writers and its committer are the real ones.
 */

import type { PendingCommittable } from "../../checkpoint/snapshot.js";
import { ignoredMetrics } from "../../metrics/function-metrics.js";
import type { Operator, OperatorContext } from "../../operators/contract.js";
import { sinkLogic } from "../../operators/sink.js";
import type { Committable, SinkCommitter, SinkDefinition } from "../../sink/contract.js";
import type { StatePart } from "../../state/contract.js";

/** What a checkpoint holds of the sink. */
export interface SinkCheckpoint {
  readonly id: number;
  readonly committables: readonly PendingCommittable[];
  readonly items: readonly unknown[];
}

interface Subtask {
  readonly operator: Operator;
  readonly parts: StatePart[];
}

export class SinkRun {
  subtasks: Subtask[] = [];
  committer: SinkCommitter | undefined;
  attempt = 0;
  /** The checkpoint a restart goes back to. */
  last: SinkCheckpoint | undefined;
  /** Rows sent and not released, and those released with a complete checkpoint. */
  sent: unknown[] = [];
  readonly released: unknown[] = [];
  readonly failures: unknown[] = [];
  now = 1_000_000;
  private readonly definition: SinkDefinition<never>;
  private readonly runId: string;
  private checkpoints = 0;
  private inNewProcess = true;

  constructor(definition: SinkDefinition<never>, runId = "0badcafe") {
    this.definition = definition;
    this.runId = runId;
  }

  /** The next attempt: goes on from the last complete checkpoint, at any parallelism. */
  async start(parallelism: number): Promise<void> {
    const { runId, last } = this;
    this.attempt++;
    this.sent = [];
    if (this.inNewProcess) {
      const place = { job: "job", operator: "sink", runId };
      this.committer = this.definition.createCommitter?.({ ...place, resumed: last !== undefined });
      await this.committer?.open();
      this.inNewProcess = false;
    }
    if (last !== undefined) await this.committer?.commit(namesOf(last));
    if (this.attempt > 1) await this.committer?.cleanUp?.();
    this.subtasks = Array.from({ length: parallelism }, (_, subtask) => this.create(subtask, parallelism));
    for (const [i, item] of (last?.items ?? []).entries()) {
      const { parts } = this.subtasks[i % parallelism]!;
      for (const part of parts) part.load(structuredClone(item), 0, 0);
    }
    for (const { operator } of this.subtasks) await operator.open?.();
  }

  write(subtask: number, record: unknown, timestamp = Number.NaN): void {
    this.subtasks[subtask % this.subtasks.length]!.operator.element(record, timestamp, 0);
  }

  rest(): void {
    for (const { operator } of this.subtasks) operator.rest?.(this.now);
  }

  finish(): void {
    for (const { operator } of this.subtasks) operator.finish?.();
    this.rest();
  }

  /** The barrier passes; what is written while the promise waits belongs to the next checkpoint. */
  async barrier(meanwhile: () => void = () => undefined): Promise<SinkCheckpoint> {
    const id = ++this.checkpoints;
    const items: unknown[] = [];
    const answers = this.subtasks.map(({ operator, parts }) => {
      const answer = operator.prepareCommit!(id);
      for (const part of parts) {
        const frozen = part.freeze("full", { entry: (item) => items.push(structuredClone(item)) });
        while (!frozen.pack(() => false));
      }
      return answer;
    });
    meanwhile();
    const committables = (await Promise.all(answers)).flat();
    return structuredClone({ id, committables, items });
  }

  /** The checkpoint is complete: from now on a restart goes back to it. */
  complete(checkpoint: SinkCheckpoint): void {
    this.last = checkpoint;
    this.released.push(...this.sent.splice(0));
  }

  async commit(checkpoint: SinkCheckpoint, count = Number.POSITIVE_INFINITY): Promise<void> {
    await this.committer?.commit(namesOf(checkpoint).slice(0, count));
  }

  confirm({ id }: SinkCheckpoint): void {
    for (const { operator } of this.subtasks) operator.checkpointComplete?.(id);
  }

  async checkpoint(): Promise<SinkCheckpoint> {
    const checkpoint = await this.barrier();
    this.complete(checkpoint);
    await this.commit(checkpoint);
    this.confirm(checkpoint);
    return checkpoint;
  }

  /** The attempt ends as it stands; with the process, the committer is lost too. */
  async crash(ofProcess: boolean): Promise<void> {
    for (const { operator } of this.subtasks) await operator.close?.(true);
    this.subtasks = [];
    this.inNewProcess = ofProcess;
  }

  private create(subtask: number, parallelism: number): Subtask {
    const parts: StatePart[] = [];
    const context = {
      job: "job",
      operator: "sink",
      subtask,
      parallelism,
      maxParallelism: 128,
      runId: this.runId,
      attempt: this.attempt,
      wallNow: () => this.now,
      lifecycle: () => ({ metrics: ignoredMetrics }),
      parts: { declare: (part: StatePart) => parts.push(part) },
      pause() {},
      resume() {},
      fail: (error: unknown) => this.failures.push(error),
      sendRows: (rows: readonly unknown[]) => this.sent.push(...rows),
    } as unknown as OperatorContext;
    return { operator: sinkLogic(this.definition as unknown as SinkDefinition).create!(context), parts };
  }
}

function namesOf({ committables }: SinkCheckpoint): Committable[] {
  return committables.map(({ committable }) => committable);
}
