import { MillraceError } from "../base/error.js";

/**
 * JSON of a value that must come back as it is. Connectors give splits and committables of their own; what JSON
 * would change in silence (a Date, a Map, NaN) is refused with CHECKPOINT_NOT_JSON and the path to it.
 */
export function jsonText(value: object): string {
  const fault = faultIn(value, "");
  if (fault !== undefined) throw new MillraceError("CHECKPOINT_NOT_JSON", fault);
  return JSON.stringify(value);
}

/** The first thing that is not JSON. An absent property or item (undefined) is left out, and may be. */
function faultIn(value: unknown, path: string): string | undefined {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? undefined : `${path} is ${value}`;
    case "string":
    case "boolean":
    case "undefined":
      return undefined;
    case "object":
      return value === null ? undefined : faultInObject(value, path);
    default:
      return `${path} is a ${typeof value}`;
  }
}

function faultInObject(value: object, path: string): string | undefined {
  const prototype = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null)
    return `${path} is a ${value.constructor?.name ?? "class instance"}`;
  for (const [name, item] of Object.entries(value)) {
    const fault = faultIn(item, path === "" ? name : `${path}.${name}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
