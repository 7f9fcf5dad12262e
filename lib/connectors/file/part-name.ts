/** Names of part files. Hidden ones are not results yet. */

export interface Part {
  /** The hidden name and the final one, both within the sink's folder. */
  readonly hidden: string;
  readonly visible: string;
}

export function partName(
  runId: string,
  subtask: number,
  number: number,
  extension: string,
  append: boolean,
): Part {
  const visible = `part-${append ? `${runId}-` : ""}${subtask}-${number}.${extension}`;
  return { hidden: `.${visible}.${runId}.inprogress`, visible };
}

export function isVisiblePart(name: string): boolean {
  return name.startsWith("part-");
}

export function isHiddenPartOf(name: string, runId: string): boolean {
  return name.startsWith(".part-") && name.endsWith(`.${runId}.inprogress`);
}
