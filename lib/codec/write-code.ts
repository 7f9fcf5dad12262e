/**
 * Generates the source of a channel's batch writer: one `attempt` function per shape, which guards a record
 * (exact: prototype, key names and their order, types, ranges) and stores it, answering WRITTEN, FULL or
 * MISMATCH. Nothing of a record is kept unless it was written whole.
 */
import { BATCH_HEADER, TAG } from "./batch-layout.js";
import type { RecordType } from "./record-type.js";
import { type Column, hasLists, layOut, type Section, TIMESTAMP_AT } from "./section.js";
import {
  DICTIONARY_ENTRIES_MAX,
  DICTIONARY_HITS_MIN,
  DICTIONARY_TEXT_MAX,
  DICTIONARY_TRIAL_ROWS,
  dictionaryColumns,
  type Shape,
} from "./shape.js";

export const Attempt = { WRITTEN: 1, FULL: 0, MISMATCH: -1 } as const;

/** The open batch, as the generated code hands it over to be finished. */
export interface OpenBatch {
  readonly rows: number;
  /** Where rows end. */
  readonly end: number;
  readonly text: string;
  readonly packed: readonly unknown[];
}

export interface BatchCode {
  write(record: unknown, timestamp: number, keyGroup: number): void;
  attempt(record: unknown, timestamp: number, keyGroup: number): number;
  rows(): number;
  batch(): OpenBatch;
  clear(packedCost: number): void;
  /** Empties the dictionaries. */
  forget(): void;
  use(i32: Int32Array, f64: Float64Array, i64: BigInt64Array, limit: number): void;
  /** [shape, column] of each dictionary that does not pay. */
  useless(): readonly (readonly [shape: number, column: number])[];
}

/** Body of a function (slow, own, check) => BatchCode. */
export function writerSource(shapes: readonly Shape[]): string {
  const functions: string[] = [];
  const dictionaries: string[] = [];
  const useless: string[] = [];
  const forget: string[] = [];
  shapes.forEach((shape, i) => {
    const section = layOut(shape.type, true);
    const remembered = dictionaryColumns(shape, section);
    for (const { id } of remembered) {
      const name = `words${i}_${id}`;
      dictionaries.push(`const ${name} = new Map(); let hits${i}_${id} = 0, size${i}_${id} = 0;`);
      forget.push(`${name}.clear(); hits${i}_${id} = 0; size${i}_${id} = 0;`);
      const served = `hits${i}_${id} + ${name}.size - size${i}_${id}`;
      useless.push(`if (${served} < seen * ${DICTIONARY_HITS_MIN}) list.push([${i}, ${id}]);`);
      useless.push(`hits${i}_${id} = 0; size${i}_${id} = ${name}.size;`);
    }
    const writer = new SectionWriter(`s${i}`, section, functions, i, new Set(remembered.map(({ id }) => id)));
    functions.push(writer.source());
  });
  const tries = shapes.map((_, i) => `const a${i} = s${i}(r, t, g); if (a${i} >= 0) return a${i};`);
  return `"use strict";
const NONE = [];
let i32, f64, i64, limit = 0;
let p = ${BATCH_HEADER}, rows = 0, seen = 0, chars = 0, text = "";
let packed = [], packedBytes = 0, packedCost = 256;
${dictionaries.join("\n")}
${functions.join("\n")}
function attempt(r, t, g) { ${tries.join("\n")} return -1; }
return {
  attempt,
  write(r, t, g) { ${shapes.length > 0 ? "if (s0(r, t, g) !== 1)" : ""} slow(r, t, g); },
  rows: () => rows,
  batch: () => ({ rows, end: p, text, packed }),
  clear(cost) {
    seen += rows;
    p = ${BATCH_HEADER}; rows = 0; chars = 0; text = "";
    packed = []; packedBytes = 0; packedCost = cost;
  },
  forget() { seen = 0; ${forget.join(" ")} },
  use(a, b, c, bytes) { i32 = a; f64 = b; i64 = c; limit = bytes; },
  useless() {
    const list = [];
    if (seen < ${DICTIONARY_TRIAL_ROWS}) return list;
    ${useless.join("\n    ")}
    seen = 0;
    return list;
  },
};`;
}

/** Writes one section: a record with a head, or an element of a list. */
class SectionWriter {
  private readonly guards: string[] = [];
  private readonly stores: string[] = [];
  private readonly texts: string[] = [];
  private readonly lists: { readonly value: string; readonly element: string }[] = [];
  private packedColumns = 0;

  private readonly name: string;
  private readonly section: Section;
  private readonly functions: string[];
  private readonly shape: number;
  private readonly remembered: ReadonlySet<number>;

  constructor(
    name: string,
    section: Section,
    functions: string[],
    shape: number,
    remembered: ReadonlySet<number>,
  ) {
    this.name = name;
    this.section = section;
    this.functions = functions;
    this.shape = shape;
    this.remembered = remembered;
  }

  source(): string {
    const { section, shape } = this;
    const isRecord = shape >= 0;
    this.value(section.root, "r");
    const lengths = this.texts.map((each) => `${each}.length`);
    const space = ["p", String(section.bytes), "chars", "packedBytes", ...lengths].join(" + ");
    const packedSpace = this.packedColumns > 0 ? ` + packedCost * ${this.packedColumns}` : "";
    const begin = isRecord && hasLists(section);
    const failed = begin
      ? "{ p = p0; chars = chars0; text = text0; packed.length = packed0; packedBytes = bytes0; return a; }"
      : "return a;";
    const variables = section.columns.flatMap((column) => [
      `v${column.id}${this.initial(column)}`,
      ...(column.tag === undefined ? [] : [`m${column.id} = 0`]),
    ]);
    return `function ${this.name}(r${isRecord ? ", t, g" : ""}) {
  let ${variables.join(", ")};
  ${this.guards.join("\n  ")}
  if (${space}${packedSpace} > limit) return 0;
  const w = p >> 2, d = p >> 3;
  ${begin ? "const p0 = p, chars0 = chars, text0 = text, packed0 = packed.length, bytes0 = packedBytes;" : ""}
  ${isRecord ? `i32[w] = ${shape} | (g << 16); f64[d + ${TIMESTAMP_AT}] = t;` : ""}
  ${this.stores.join("\n  ")}
  p += ${section.bytes};
  ${this.texts.length > 0 ? `chars += ${lengths.join(" + ")}; text += ${this.texts.join(" + ")};` : ""}
  ${this.lists.map(({ value, element }) => writeElements(value, element, failed)).join("\n  ")}
  ${isRecord ? "rows++;" : ""}
  return 1;
}`;
  }

  private initial({ type, tag }: Column): string {
    const mayMiss = tag !== undefined || this.section.columns.some((column) => column.tag !== undefined);
    if (!mayMiss) return "";
    return type.kind === "string" ? ' = ""' : type.kind === "list" ? " = NONE" : "";
  }

  /** Guards and stores of a column whose value `expression` gives. */
  private value(column: Column, expression: string): void {
    const v = `v${column.id}`;
    this.guards.push(`${v} = ${isInherited(column, expression) ? ownValue(expression) : expression};`);
    if (column.tag === undefined) {
      this.present(column, v);
      return;
    }
    const { type } = column;
    const tag = `i32[w + ${this.section.smallAt(column.tag)}]`;
    const isNullable = type.nullable === true;
    const [guards, stores] = [this.guards.splice(0), this.stores.splice(0)];
    this.present(column, v);
    const [innerGuards, innerStores] = [this.guards.splice(0), this.stores.splice(0)];
    const m = `m${column.id}`;
    const missing = isNullable ? `${v} == null` : `${v} === undefined`;
    const absent = type.optional === true ? isOwn(expression) : `${TAG.UNDEFINED}`;
    this.guards.push(
      ...guards,
      `${m} = ${TAG.VALUE};`,
      `if (${missing}) {`,
      `${m} = ${isNullable ? `${v} === null ? ${TAG.NULL} : ` : ""}${absent}; ${this.miss(column, v)}`,
      isNullable ? "}" : `if (${m} !== ${TAG.ABSENT}) return -1; }`,
      `else { ${innerGuards.join("\n  ")} }`,
    );
    this.stores.push(...stores, `${tag} = ${m};`);
    // Texts, lists and nested records store by default values; the rest only when there is a value.
    if (innerStores.length > 0)
      this.stores.push(`if (${m} === ${TAG.VALUE}) { ${innerStores.join("\n  ")} }`);
  }

  private miss({ type }: Column, v: string): string {
    return type.kind === "string" ? `${v} = "";` : type.kind === "list" ? `${v} = NONE;` : "";
  }

  private present(column: Column, v: string): void {
    const { type } = column;
    const { guards, stores, section } = this;
    const small = column.small === undefined ? "" : `i32[w + ${section.smallAt(column.small)}]`;
    const large = column.large === undefined ? "" : `d + ${section.largeAt(column.large)}`;
    switch (type.kind) {
      case "int":
        guards.push(
          `if (typeof ${v} !== "number" || (${v} | 0) !== ${v} || (${v} === 0 && 1 / ${v} < 0)) return -1;`,
        );
        stores.push(`${small} = ${v};`);
        break;
      case "number":
        guards.push(`if (typeof ${v} !== "number") return -1;`);
        stores.push(`f64[${large}] = ${v};`);
        break;
      case "boolean":
        guards.push(`if (typeof ${v} !== "boolean") return -1;`);
        stores.push(`${small} = ${v} ? 1 : 0;`);
        break;
      case "string":
        this.text(column, v, small);
        break;
      case "bigint":
        guards.push(`if (typeof ${v} !== "bigint" || BigInt.asIntN(64, ${v}) !== ${v}) return -1;`);
        stores.push(`i64[${large}] = ${v};`);
        break;
      case "date":
        guards.push(`if (typeof ${v} !== "object" || ${v} === null || ${v}.constructor !== Date) return -1;`);
        stores.push(`f64[${large}] = ${v}.getTime();`);
        break;
      case "null":
        guards.push("return -1;");
        break;
      case "packed":
        this.packedColumns++;
        guards.push(`check(${v});`);
        stores.push(`${small} = packed.push(${v}) - 1; packedBytes += packedCost;`);
        break;
      case "list": {
        const element = `${this.name}_${column.id}`;
        this.functions.push(
          new SectionWriter(element, layOut(type.element, false), this.functions, -1, new Set()).source(),
        );
        guards.push(
          `if (typeof ${v} !== "object" || ${v} === null || ${v}.constructor !== Array) return -1;`,
        );
        stores.push(`${small} = ${v}.length;`);
        this.lists.push({ value: v, element });
        break;
      }
      case "record":
        this.record(column, type, v);
    }
  }

  private text(column: Column, v: string, small: string): void {
    this.guards.push(`if (typeof ${v} !== "string") return -1;`);
    this.texts.push(v);
    if (!this.remembered.has(column.id)) {
      this.stores.push(`${small} = ${v}.length;`);
      return;
    }
    const words = `words${this.shape}_${column.id}`;
    this.stores.push(
      `{ const known = ${words}.get(${v}); if (known !== undefined) {`,
      `hits${this.shape}_${column.id}++; ${small} = known; ${v} = ""; } else {`,
      `${small} = ${v}.length;`,
      `if (${v}.length <= ${DICTIONARY_TEXT_MAX} && ${words}.size < ${DICTIONARY_ENTRIES_MAX})`,
      `  ${words}.set(own(${v}), ~${words}.size); } }`,
    );
  }

  private record(column: Column, type: RecordType & { kind: "record" }, v: string): void {
    const names = JSON.stringify(type.fields.map(([name]) => name));
    const isOptional = type.fields.map(([, field]) => field.optional === true);
    const [n, k] = [`at${column.id}`, `key${column.id}`];
    const keys = `${this.name}_keys${column.id}`;
    this.functions.push(`const ${keys} = ${names};`);
    this.guards.push(
      `if (typeof ${v} !== "object" || ${v} === null || ${v}.constructor !== Object) return -1;`,
      `let ${n} = 0;`,
    );
    if (isOptional.includes(true)) {
      const may = `${this.name}_may${column.id}`;
      this.functions.push(`const ${may} = ${JSON.stringify(isOptional)};`);
      this.guards.push(
        `for (const ${k} in ${v}) {`,
        `  while (${keys}[${n}] !== ${k}) { if (${may}[${n}] !== true) return -1; ${n}++; }`,
        `  ${n}++;`,
        "}",
        `for (; ${n} < ${type.fields.length}; ${n}++) if (!${may}[${n}]) return -1;`,
      );
    } else {
      this.guards.push(
        `for (const ${k} in ${v}) if (${k} !== ${keys}[${n}++]) return -1;`,
        `if (${n} !== ${type.fields.length}) return -1;`,
      );
    }
    for (const { name, column: field } of column.fields) this.value(field, `${v}[${JSON.stringify(name)}]`);
  }
}

function writeElements(value: string, element: string, failed: string): string {
  return `for (let i = 0; i < ${value}.length; i++) { const a = ${element}(${value}[i]); if (a !== 1) ${failed} }`;
}

/** An absent key that every object inherits (`toString`) reads as a function. */
function isInherited({ type }: Column, expression: string): boolean {
  return type.optional === true && (nameOf(expression) as string) in Object.prototype;
}

function ownValue(expression: string): string {
  const owner = ownerOf(expression);
  const name = JSON.stringify(nameOf(expression));
  return `(Object.hasOwn(${owner}, ${name}) ? ${expression} : undefined)`;
}

/** Tells an undefined field from an absent one. */
function isOwn(expression: string): string {
  const name = JSON.stringify(nameOf(expression));
  return `Object.hasOwn(${ownerOf(expression)}, ${name}) ? ${TAG.UNDEFINED} : ${TAG.ABSENT}`;
}

/** Of `v3["name"]`: `v3`. */
function ownerOf(expression: string): string {
  return expression.slice(0, expression.indexOf("["));
}

/** Of `v3["name"]`: `name`. */
function nameOf(expression: string): unknown {
  return JSON.parse(expression.slice(expression.indexOf("[") + 1, -1));
}
