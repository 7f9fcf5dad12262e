/** How values of Avro are values of JavaScript. */
import type { Schema, Type } from "avsc";

export type AvroLibrary = typeof import("avsc");

/** Microseconds or so of one millisecond, by logical type. */
const PER_MS: Readonly<Record<string, bigint>> = {
  "timestamp-millis": 1n,
  "local-timestamp-millis": 1n,
  "timestamp-micros": 1000n,
  "local-timestamp-micros": 1000n,
};
const DAY_MS = 86_400_000;
const LONG_MAX = 2n ** 63n - 1n;
/** Varints of so many bytes are whole numbers of less than 2^53. */
const SMALL_BYTES = 7;
const SMALL_MAX = 2 ** 47;

/** Throws what the library says of a schema that is none. */
export function typeOf(avro: AvroLibrary, schema: unknown): Type {
  const long = longType(avro, {
    from: (value) => value,
    to: (value) => (isLong(value) ? value : undefined),
  });
  const times = new Map(Object.entries(PER_MS).map(([name, perMs]) => [name, timeType(avro, perMs)]));
  const made = avro.Type.forSchema(schema as Schema, {
    omitRecordMethods: true,
    logicalTypes: { date: dateType(avro) },
    typeHook: (each) => {
      if (each === "long") return long;
      const { type, logicalType = "" } = each as { type?: unknown; logicalType?: string };
      return type === "long" ? (times.get(logicalType) ?? long) : undefined;
    },
  });
  return plain(made);
}

/** The record with these of its fields only. */
export function projected(avro: AvroLibrary, type: Type, names: readonly string[]): Type {
  const fields = (type as RecordLike).fields.filter(({ name }) => names.includes(name));
  const schema = {
    type: "record",
    name: type.name ?? "Record",
    fields: fields.map((field) => ({ name: field.name, type: field.type })),
  };
  return plain(avro.Type.forSchema(schema as unknown as Schema, { omitRecordMethods: true }));
}

/** Names of a record's fields; undefined of what is no record. */
export function fieldsOf(type: Type): string[] | undefined {
  return (type as Partial<RecordLike>).fields?.map(({ name }) => name);
}

interface RecordLike extends Type {
  readonly fields: readonly { readonly name: string; readonly type: Type }[];
}

/** What of the library's types has types within, and what makes their values. */
interface Inner {
  readonly fields?: readonly { readonly type: Type }[];
  readonly itemsType?: Type;
  readonly valuesType?: Type;
  readonly types?: readonly Type[];
  readonly recordConstructor?: { prototype: unknown };
  readonly _branchConstructor?: { prototype: unknown } | null;
}

/** Records are made by constructors, of one hidden class; here they become plain objects nevertheless. */
function plain(root: Type): Type {
  const seen = new Set<Type>();
  const visit = (type: Type): void => {
    if (seen.has(type)) return;
    seen.add(type);
    const inner = type as unknown as Inner;
    if (inner.recordConstructor !== undefined) inner.recordConstructor.prototype = Object.prototype;
    for (const branch of inner.types ?? []) {
      const { _branchConstructor: wrap } = branch as unknown as Inner;
      if (wrap) wrap.prototype = Object.prototype;
      visit(branch);
    }
    for (const field of inner.fields ?? []) visit(field.type);
    for (const each of [inner.itemsType, inner.valuesType]) if (each !== undefined) visit(each);
  };
  visit(root);
  return root;
}

type Long = number | bigint;

interface LongValue {
  from(value: Long): unknown;
  /** Undefined: the value is none of the type. */
  to(value: unknown): Long | undefined;
}

/** The library's own longs end at 2^53. */
function longType({ types }: AvroLibrary, { from, to }: LongValue): Type {
  const methods = {
    fromBuffer: (bytes: Buffer) => from(longIn(bytes)),
    toBuffer: (value: unknown) => varint(to(value)!),
    fromJSON: (value: Long) => from(value),
    toJSON: (value: unknown) => Number(to(value)),
    isValid: (value: unknown) => to(value) !== undefined,
    compare: (a: unknown, b: unknown) => Math.sign(Number(to(a)) - Number(to(b))),
  };
  return types.LongType.__with(methods, true);
}

function timeType(avro: AvroLibrary, perMs: bigint): Type {
  return longType(avro, {
    from: (value) => new Date(Number(perMs === 1n ? value : BigInt(value) / perMs)),
    to: (value) => {
      const ms = timeOf(value);
      return ms === undefined ? undefined : BigInt(ms) * perMs;
    },
  });
}

function dateType({ types }: AvroLibrary) {
  return class DateType extends types.LogicalType {
    protected override _fromValue(days: number): Date {
      return new Date(days * DAY_MS);
    }

    protected override _toValue(value: unknown): number | undefined {
      const ms = timeOf(value);
      return ms === undefined ? undefined : Math.floor(ms / DAY_MS);
    }

    protected override _resolve(type: Type): ((value: never) => Date) | undefined {
      if (type instanceof DateType) return (date) => date;
      return type.typeName === "int" ? (days) => this._fromValue(days) : undefined;
    }
  };
}

/** Ms of a Date, or of what is ms already. */
function timeOf(value: unknown): number | undefined {
  const ms = value instanceof Date ? value.getTime() : value;
  return Number.isSafeInteger(ms) ? (ms as number) : undefined;
}

function isLong(value: unknown): value is Long {
  return typeof value === "bigint"
    ? value <= LONG_MAX && value >= -LONG_MAX - 1n
    : Number.isSafeInteger(value);
}

function longIn(bytes: Buffer): Long {
  if (bytes.length <= SMALL_BYTES) {
    let [n, scale] = [0, 1];
    for (let i = 0; i < bytes.length; i++) {
      n += (bytes[i]! & 0x7f) * scale;
      scale *= 128;
    }
    return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
  }
  let [n, shift] = [0n, 0n];
  for (const byte of bytes) {
    n |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
  }
  const value = BigInt.asIntN(64, (n >> 1n) ^ -(n & 1n));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** A long as files have it, zigzag and seven bits a byte. */
export function varint(value: Long): Buffer {
  const bytes: number[] = [];
  if (typeof value === "number" && Math.abs(value) < SMALL_MAX) {
    let n = value >= 0 ? value * 2 : -value * 2 - 1;
    for (; n >= 128; n = Math.floor(n / 128)) bytes.push((n % 128) | 128);
    bytes.push(n);
    return Buffer.from(bytes);
  }
  const long = BigInt(value);
  let n = long >= 0n ? long * 2n : -long * 2n - 1n;
  for (; n >= 128n; n >>= 7n) bytes.push(Number(n & 127n) | 128);
  bytes.push(Number(n));
  return Buffer.from(bytes);
}
