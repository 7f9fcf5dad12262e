import { MillraceError } from "../base/error.js";
import type { SourceLogic } from "../operators/source.js";
import type { Plan } from "../protocol/program.js";
import type { CheckpointOptions } from "./checkpoint-settings.js";

/** Exactly-once needs sources that give again what a failure took. Throws SOURCE_NOT_REPLAYABLE. */
export function refuseUnrepeatable({ jobGraph, program }: Plan, { mode }: CheckpointOptions): void {
  if (mode === "at-least-once") return;
  for (const { uid, name } of jobGraph.vertices.flatMap(({ operators }) => operators)) {
    const logic = program.logic.get(uid)!;
    if (!("source" in logic) || (logic as SourceLogic).source.replayable) continue;
    throw new MillraceError(
      "SOURCE_NOT_REPLAYABLE",
      `source "${name}" cannot give records again after a failure, so nothing can be exactly once`,
      { job: jobGraph.job, operator: name },
    );
  }
}
