/** Thrown when the engine itself is wrong. Never caught to go on. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** States what must hold here if the engine is right. */
export function assert(condition: unknown, message = "assertion failed"): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** The value, which the engine knows to be there. */
export function present<T>(value: T | undefined | null, message = "value is missing"): T {
  if (value === undefined || value === null) throw new AssertionError(message);
  return value;
}
