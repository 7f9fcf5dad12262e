import { refusePromise } from "../base/promise-check.js";
import { type Aggregate, custom } from "./aggregates.js";

/** Keeps the `n` records with the highest score; among equals the smallest `ties` first. Merges. */
export function topRecords<T>(
  n: number,
  by: (record: T) => number,
  ties: ((record: T) => string | number) | undefined,
): Aggregate<T, T[]> {
  const before = (left: T, right: T): boolean => {
    const [a, b] = [by(left), by(right)];
    if (typeof a === "object") refusePromise(a);
    if (a !== b) return a > b;
    return ties !== undefined && ties(left) < ties(right);
  };
  const add = (best: T[], record: T): T[] => {
    if (best.length === n && !before(record, best[n - 1]!)) return best;
    let at = best.length;
    while (at > 0 && before(record, best[at - 1]!)) at--;
    best.splice(at, 0, record);
    if (best.length > n) best.length = n;
    return best;
  };
  return custom<T, T[], T[]>({
    create: () => [],
    add,
    merge: (best, other) => other.reduce(add, best),
    result: (best) => best,
  });
}
