/** The sinks of a job on the coordinator: what their writers wrote becomes visible here. */
import { MillraceError, messageOf } from "../base/error.js";
import type { Manifest } from "../checkpoint/snapshot.js";
import type { JobRestore } from "../checkpoint/task-restore.js";
import type { Plan } from "../protocol/program.js";
import type { Committable, FailedWriters, SinkCommitter, SinkDefinition } from "../sink/contract.js";

export class Committers {
  private readonly byUid = new Map<string, { readonly name: string; readonly committer: SinkCommitter }>();

  /** Opens every sink's committer. */
  async open({ jobGraph, program }: Plan, runId: string, resumed: boolean): Promise<void> {
    for (const { uid, name } of jobGraph.vertices.flatMap(({ operators }) => operators)) {
      const logic = program.logic.get(uid)!;
      if (!("sink" in logic)) continue;
      const { sink } = logic as unknown as { sink: SinkDefinition };
      const committer = sink.createCommitter?.({ job: jobGraph.job, operator: name, runId, resumed });
      if (committer === undefined) continue;
      this.byUid.set(uid, { name, committer });
      await committer.open();
    }
  }

  /** Makes what a checkpoint names visible; again does no harm. Throws SINK_FAILED, or what the sink says. */
  async commit(committables: ReadonlyMap<string, readonly Committable[]>): Promise<void> {
    for (const [uid, { name, committer }] of this.byUid) {
      try {
        await committer.commit(committables.get(uid) ?? []);
      } catch (cause) {
        if (MillraceError.is(cause)) throw cause;
        throw new MillraceError("SINK_FAILED", `committing failed: ${messageOf(cause)}`, {
          operator: name,
          cause,
        });
      }
    }
  }

  /** Before a restored attempt begins: removes what no checkpoint names. */
  async cleanUp(): Promise<void> {
    for (const { committer } of this.byUid.values()) await committer.cleanUp?.();
  }

  /** Whether the writers of some subtasks of these operators can begin anew without the others. */
  canCleanUpAfter(uids: readonly string[]): boolean {
    return uids.every((uid) => {
      const committer = this.byUid.get(uid)?.committer;
      return committer?.cleanUp === undefined || committer.cleanUpAfter !== undefined;
    });
  }

  /** Writers of an operator have failed: removes what they left and no checkpoint names. */
  async cleanUpAfter(uid: string, writers: FailedWriters): Promise<void> {
    await this.byUid.get(uid)?.committer.cleanUpAfter?.(writers);
  }

  /** The job has failed for good or was cancelled. */
  async abort(): Promise<void> {
    await Promise.allSettled([...this.byUid.values()].map(({ committer }) => committer.abort()));
  }
}

/** What a checkpoint names to be committed, by operator. */
export function committablesOf({ operators }: Manifest): Map<string, readonly Committable[]> {
  return new Map(
    operators.map(({ uid, subtasks }) => [
      uid,
      subtasks.flatMap((subtask) => subtask?.committables ?? []).map(({ committable }) => committable),
    ]),
  );
}

/** What a job has to commit (again) before its tasks go on, by operator. */
export function committablesToSettle({ committables }: JobRestore): Map<string, readonly Committable[]> {
  return new Map(
    committables.map((each) => [each.uid, each.committables.map(({ committable }) => committable)]),
  );
}
