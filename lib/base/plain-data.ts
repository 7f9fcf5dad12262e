/** Copies and freezes records as far as they are plain data; instances of classes stay what they are. */

/** A copy that shares no plain object with the original. */
export function copyOf<T>(value: T, made = new Map<object, object>()): T {
  if (typeof value !== "object" || value === null) return value;
  const known = made.get(value);
  if (known !== undefined) return known as T;
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    made.set(value, copy);
    for (const each of value) copy.push(copyOf(each, made));
    return copy as T;
  }
  if (isPlainObject(value)) {
    const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(value));
    made.set(value, copy);
    for (const [name, each] of Object.entries(value)) copy[name] = copyOf(each, made);
    return copy as T;
  }
  if (value instanceof Date || value instanceof Map || value instanceof Set) return structuredClone(value);
  return value;
}

/** Frozen here, all in them included: others may have frozen no more than the surface. */
const frozen = new WeakSet<object>();

/** Freezes plain objects and arrays, and all in them. */
export function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || frozen.has(value)) return value;
  if (!Array.isArray(value) && !isPlainObject(value)) return value;
  frozen.add(Object.freeze(value));
  for (const each of Object.values(value)) freeze(each);
  return value;
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
