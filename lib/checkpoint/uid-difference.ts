/** What became of a checkpoint's operators, for people: which are gone, which are new, which were renamed. */

export interface NamedOperator {
  readonly uid: string;
  readonly name: string;
}

/** An operator that is gone, and the new one that it probably is. */
export interface GoneOperator extends NamedOperator {
  readonly renamedTo: string | undefined;
}

export interface UidDifference {
  readonly gone: readonly GoneOperator[];
  readonly added: readonly NamedOperator[];
}

/** Compares by uid. Two operators look like one when their names are the same, or else their uids similar. */
export function uidDifference(
  before: readonly NamedOperator[],
  now: readonly NamedOperator[],
): UidDifference {
  const missing = before.filter(({ uid }) => !now.some((other) => other.uid === uid));
  const added = now.filter(({ uid }) => !before.some((other) => other.uid === uid));
  const free = [...added];
  const renamed = new Map<string, string>();
  const pair = (isLike: (one: NamedOperator, other: NamedOperator) => boolean): void => {
    for (const one of missing) {
      if (renamed.has(one.uid)) continue;
      const found = free.filter((other) => isLike(one, other));
      if (found.length !== 1) continue;
      renamed.set(one.uid, found[0]!.uid);
      free.splice(free.indexOf(found[0]!), 1);
    }
  };
  pair((one, other) => one.name === other.name);
  pair((one, other) => {
    const length = Math.max(one.uid.length, other.uid.length);
    return editDistance(one.uid, other.uid) <= Math.max(2, Math.floor(length / 3));
  });
  return { gone: missing.map((one) => ({ ...one, renamedTo: renamed.get(one.uid) })), added };
}

/** As lines; `note` says what is lost with an operator. */
export function printDifference({ gone, added }: UidDifference, note: (uid: string) => string): string {
  const lines = gone.map(({ uid, name, renamedTo }) => {
    const guess = renamedTo === undefined ? "" : `; renamed to "${renamedTo}"?`;
    return `  - "${uid}" (${name}): ${note(uid)}${guess}`;
  });
  return [...lines, ...added.map(({ uid, name }) => `  + "${uid}" (${name}): new`)].join("\n");
}

/** Characters to insert, remove or replace (Levenshtein). */
export function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = row[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
