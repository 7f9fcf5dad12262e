import fc from "fast-check";

/**
 * What JSON can say and msgpackr gives back as it was: not -0, which comes back as 0, and no field named
 * `__proto__`, whose name msgpackr changes.
 */
export function carriedJson(maxDepth?: number): fc.Arbitrary<unknown> {
  return fc
    .jsonValue(maxDepth === undefined ? {} : { maxDepth })
    .map((value) => JSON.parse(JSON.stringify(value).replaceAll('"__proto__":', '"proto":')) as unknown);
}
