import type { Chain } from "./chain-code.js";

/** A committable with the uid of the sink it belongs to. */
export interface NamedCommittable {
  readonly uid: string;
  readonly committable: Readonly<Record<string, unknown>>;
}

/** What the sinks of a job without checkpoints ask to be committed: as for one that is never restored. */
export async function committablesOf(operators: Chain["operators"]): Promise<NamedCommittable[]> {
  const named: NamedCommittable[] = [];
  for (const { node, operator } of operators) {
    const made = await operator.prepareCommit?.(1);
    for (const { committable } of made ?? []) named.push({ uid: node.uid, committable });
  }
  return named;
}
