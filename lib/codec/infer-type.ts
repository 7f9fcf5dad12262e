/** The type of one value, and the refusal of what no codec can carry. */
import { MillraceError } from "../base/error.js";
import { RECORD_FIELDS_MAX } from "../base/limits.js";
import { mergeTypes, type RecordType } from "./record-type.js";

const DEPTH_MAX = 64;

/** `path` leads to the value from the record, for errors. Throws RECORD_NOT_CARRIABLE. */
export function inferType(value: unknown, where: string, path = "record", depth = 0): RecordType {
  if (depth > DEPTH_MAX) refuse(where, path, "nesting deeper than 64 (a circular reference?)");
  switch (typeof value) {
    case "number":
      return { kind: (value | 0) === value && !Object.is(value, -0) ? "int" : "number" };
    case "string":
      return { kind: "string" };
    case "boolean":
      return { kind: "boolean" };
    case "bigint":
      return { kind: BigInt.asIntN(64, value) === value ? "bigint" : "packed" };
    case "undefined":
      return { kind: "null", nullable: true };
    case "object":
      return value === null ? { kind: "null", nullable: true } : inferObject(value, where, path, depth);
    default:
      return refuse(where, path, `a ${typeof value}`);
  }
}

function inferObject(value: object, where: string, path: string, depth: number): RecordType {
  if (Array.isArray(value)) {
    let element: RecordType = { kind: "null", nullable: true };
    for (let i = 0; i < value.length; i++) {
      const one = inferType(value[i], where, `${path}[${i}]`, depth + 1);
      element = i === 0 ? one : (mergeTypes(element, one) ?? { kind: "packed", nullable: true });
    }
    return { kind: "list", element };
  }
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype) {
    const fields = Object.entries(value).map(
      ([name, field]) => [name, inferType(field, where, `${path}.${name}`, depth + 1)] as const,
    );
    if (fields.length > RECORD_FIELDS_MAX) return { kind: "packed" };
    if ("constructor" in value && value.constructor === Object) return { kind: "record", fields };
    return { kind: "packed" };
  }
  if (value instanceof Date) return { kind: "date" };
  checkCarriable(value, where, path, depth);
  return { kind: "packed" };
}

/** Refuses what msgpackr would silently change or drop. */
export function checkCarriable(value: unknown, where: string, path = "record", depth = 0): void {
  if (depth > DEPTH_MAX) refuse(where, path, "nesting deeper than 64 (a circular reference?)");
  if (typeof value === "function" || typeof value === "symbol") refuse(where, path, `a ${typeof value}`);
  if (typeof value === "string" && !value.isWellFormed())
    refuse(where, path, "a text with half a surrogate pair");
  if (typeof value !== "object" || value === null || value instanceof Date || ArrayBuffer.isView(value))
    return;
  if (value instanceof ArrayBuffer) return;
  if (Array.isArray(value)) {
    value.forEach((each, i) => {
      checkCarriable(each, where, `${path}[${i}]`, depth + 1);
    });
  } else if (value instanceof Map) {
    for (const [key, each] of value) {
      checkCarriable(key, where, `${path} key`, depth + 1);
      checkCarriable(each, where, `${path}.get(${String(key)})`, depth + 1);
    }
  } else if (value instanceof Set) {
    for (const each of value) checkCarriable(each, where, `${path} member`, depth + 1);
  } else {
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype !== Object.prototype && prototype !== null) {
      refuse(where, path, `an instance of ${value.constructor?.name ?? "a class"}`);
    }
    for (const [name, each] of Object.entries(value))
      checkCarriable(each, where, `${path}.${name}`, depth + 1);
  }
}

function refuse(where: string, path: string, what: string): never {
  throw new MillraceError("RECORD_NOT_CARRIABLE", `${path} is ${what}, which cannot cross threads`, {
    operator: where,
  });
}
