import { MillraceError } from "../base/error.js";
import { freshSeed } from "../base/random.js";
import type { BlobStore } from "../storage/contract.js";

/**
 * The id under which a run keeps its checkpoints: the job's name, then when the run began, so that the latest of
 * a name sorts last. With `resume`, the id of that run: the latest that left a checkpoint. Throws JOB_NOT_RESUMABLE.
 */
export async function jobIdIn(
  store: BlobStore,
  job: string,
  { resume, now }: { resume: boolean; now: number },
): Promise<string> {
  const slug = job.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "") || "job";
  if (!resume) {
    const begun = now.toString(36).padStart(9, "0");
    return `${slug}-${begun}${freshSeed().toString(36).padStart(7, "0")}`;
  }
  const own = new RegExp(`^(${slug}-[0-9a-z]{16})/chk-\\d+/manifest$`);
  const ids = (await store.list("")).flatMap((path) => own.exec(path)?.[1] ?? []);
  const latest = ids.sort().at(-1);
  if (latest !== undefined) return latest;
  const where = store.location.kind === "filesystem" ? store.location.directory : "memory";
  throw new MillraceError("JOB_NOT_RESUMABLE", `no run of job "${job}" has left a checkpoint in ${where}`);
}
