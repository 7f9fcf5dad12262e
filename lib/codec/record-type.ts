/**
 * Types of records as plain JSON: what a channel's writer has learned (or was told) and its reader needs.
 *
 * `nullable` lets null and undefined pass (told apart), `optional` an absent key. `packed` carries whatever
 * msgpackr carries. `null` is a column of which nothing but null has been seen.
 */
export type RecordType = (
  | { readonly kind: "int" | "number" | "boolean" | "string" | "bigint" | "date" | "null" | "packed" }
  | { readonly kind: "record"; readonly fields: readonly (readonly [name: string, type: RecordType])[] }
  | { readonly kind: "list"; readonly element: RecordType }
) & { readonly nullable?: boolean; readonly optional?: boolean };

/** Records whose shared keys are fewer than this share of the longer one's are different shapes. */
const SHARED_KEYS_MIN = 0.6;

/** The type that holds the values of both; undefined where only a packed one would. */
export function mergeTypes(left: RecordType, right: RecordType): RecordType | undefined {
  const nullable =
    left.nullable === true || right.nullable === true || left.kind === "null" || right.kind === "null";
  const optional = left.optional === true || right.optional === true;
  const merged = mergeKinds(left, right);
  if (merged === undefined) return undefined;
  const { nullable: _nullable, optional: _optional, ...bare } = merged;
  return {
    ...bare,
    ...(nullable ? { nullable: true } : {}),
    ...(optional ? { optional: true } : {}),
  } as RecordType;
}

function mergeKinds(left: RecordType, right: RecordType): RecordType | undefined {
  if (left.kind === "null") return right;
  if (right.kind === "null") return left;
  if (left.kind === "packed" || right.kind === "packed") return { kind: "packed" };
  if (left.kind === "record" && right.kind === "record") return mergeRecords(left.fields, right.fields);
  if (left.kind === "list" && right.kind === "list") {
    return {
      kind: "list",
      element: mergeTypes(left.element, right.element) ?? { kind: "packed", nullable: true },
    };
  }
  if (left.kind === right.kind) return left;
  const numbers = ["int", "number"];
  if (numbers.includes(left.kind) && numbers.includes(right.kind)) return { kind: "number" };
  return undefined;
}

type Fields = readonly (readonly [string, RecordType])[];

/** Keys of both in an order that agrees with each; a key that one lacks becomes optional. */
function mergeRecords(left: Fields, right: Fields): RecordType | undefined {
  const rightNames = new Set(right.map(([name]) => name));
  const leftNames = new Set(left.map(([name]) => name));
  const shared = left.filter(([name]) => rightNames.has(name)).length;
  if (shared < Math.max(left.length, right.length) * SHARED_KEYS_MIN) return undefined;
  const fields: [string, RecordType][] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [a, b] = [left[i], right[j]];
    if (a !== undefined && !rightNames.has(a[0])) {
      fields.push([a[0], { ...a[1], optional: true }]);
      i++;
    } else if (b !== undefined && !leftNames.has(b[0])) {
      fields.push([b[0], { ...b[1], optional: true }]);
      j++;
    } else {
      if (a === undefined || b === undefined || a[0] !== b[0]) return undefined;
      const packed: RecordType = { kind: "packed", nullable: true };
      const optional = a[1].optional === true || b[1].optional === true;
      fields.push([a[0], mergeTypes(a[1], b[1]) ?? (optional ? { ...packed, optional } : packed)]);
      i++;
      j++;
    }
  }
  return { kind: "record", fields };
}
