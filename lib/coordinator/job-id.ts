import { MillraceError } from "../base/error.js";
import { freshSeed } from "../base/random.js";
import { hasEnded, isManifest, jobFolder } from "../checkpoint/paths.js";
import type { BlobStore } from "../storage/contract.js";
import { placeOf } from "../storage/location.js";

/**
 * The id under which a run keeps its checkpoints: the job's name, then when the run began, so that the latest of
 * a name sorts last. With `resume`, the id of the run to go on with: the latest that left a checkpoint, or the
 * one of that id, which may not have come to its first checkpoint. Throws JOB_NOT_RESUMABLE.
 */
export async function jobIdIn(
  store: BlobStore,
  job: string,
  { resume, now }: { resume: boolean | string; now: number },
): Promise<string> {
  const slug = job.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "") || "job";
  if (resume === false) {
    const begun = now.toString(36).padStart(9, "0");
    return `${slug}-${begun}${freshSeed().toString(36).padStart(7, "0")}`;
  }
  const where = placeOf(store.location);
  const own = new RegExp(`^${slug}-[0-9a-z]{16}$`);
  if (typeof resume === "string") {
    const isLeft = own.test(resume) && (await store.list(jobFolder(resume))).length > 0;
    if (isLeft && !(await hasEnded(store, resume))) return resume;
    throw new MillraceError(
      "JOB_NOT_RESUMABLE",
      `run "${resume}" of job "${job}" has ended, or left nothing in ${where}`,
    );
  }
  const ids = (await store.list("")).filter(isManifest).map((path) => path.split("/", 1)[0]!);
  for (const id of [...new Set(ids)].sort().reverse()) {
    if (own.test(id) && !(await hasEnded(store, id))) return id;
  }
  throw new MillraceError("JOB_NOT_RESUMABLE", `no run of job "${job}" has left a checkpoint in ${where}`);
}
