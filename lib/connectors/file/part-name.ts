/** Names of part files. Hidden ones are not results yet. */

/** Both names lie within the sink's folder, with `/` behind the bucket. It is the file sink's committable. */
export interface Part {
  readonly hidden: string;
  readonly visible: string;
}

/** Who writes a part. */
export interface PartOwner {
  readonly runId: string;
  readonly attempt: number;
  readonly subtask: number;
}

/**
 * Names no other part of the run has: an attempt counts its parts from 0 and, after the first, puts its own
 * number before theirs. `append` adds the run, so that runs do not meet either.
 */
export function partName(
  { runId, attempt, subtask }: PartOwner,
  number: number,
  extension: string,
  append: boolean,
  bucket: string,
): Part {
  const run = append ? `${runId}-` : "";
  const again = attempt > 1 ? `${attempt}-` : "";
  const visible = `part-${run}${subtask}-${again}${number}.${extension}`;
  const folder = bucket === "" ? "" : `${bucket}/`;
  return { hidden: `${folder}.${visible}.${runId}.inprogress`, visible: `${folder}${visible}` };
}

export function isVisiblePart(name: string): boolean {
  return name.startsWith("part-");
}

export function isHiddenPartOf(name: string, runId: string): boolean {
  return name.startsWith(".part-") && name.endsWith(`.${runId}.inprogress`);
}

/** Who writes a hidden part of a run, in a bucket or not. */
export function writerOf(name: string, runId: string, append: boolean): Omit<PartOwner, "runId"> | undefined {
  const place = name.slice((append ? `.part-${runId}-` : ".part-").length);
  const [, subtask, attempt = "1"] = /^(\d+)-(?:(\d+)-)?\d+\./.exec(place) ?? [];
  return subtask === undefined ? undefined : { subtask: Number(subtask), attempt: Number(attempt) };
}

/** Names the run that will replace what is visible: while it is there, the run has not committed anything. */
export function replaceMark(runId: string): string {
  return `.replace.${runId}`;
}
