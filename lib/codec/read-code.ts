/** Generates the source of a channel's batch reader: one loop that rebuilds records of every known shape. */
import { TAG } from "./batch-layout.js";
import { type Column, layOut, type Section, TIMESTAMP_AT } from "./section.js";
import { DICTIONARY_ENTRIES_MAX, DICTIONARY_TEXT_MAX, dictionaryColumns, type Shape } from "./shape.js";

export interface DrainCode {
  open(
    memory: { readonly i32: Int32Array; readonly f64: Float64Array; readonly i64: BigInt64Array },
    firstRow: number,
    rows: number,
    text: string,
    packed: readonly unknown[],
  ): void;
  drain(limit: number): number;
  remaining(): number;
  redirect(
    accept: ((record: unknown, timestamp: number, keyGroup: number) => void) | undefined,
    through: boolean,
  ): void;
}

/** Body of a function (accept, gate, own, cut) => DrainCode. */
export function readerSource(shapes: readonly Shape[]): string {
  const functions: string[] = [];
  const cases = shapes.map((shape, i) => {
    const section = layOut(shape.type, true);
    const remembered = dictionaryColumns(shape, section);
    for (const { id } of remembered) functions.push(`const words${i}_${id} = [];`);
    const reader = new SectionReader(
      `s${i}`,
      section,
      functions,
      new Map(remembered.map(({ id }) => [id, `words${i}_${id}`])),
    );
    const body = reader.source();
    return `case ${i}: { ${body}
      give(v0, f64[d + ${TIMESTAMP_AT}], g); break; }`;
  });
  return `"use strict";
let give = accept, open = gate;
let i32, f64, i64, q = 0, row = 0, rows = 0, c = 0, text = "", packed = [];
const word = (words, length) => {
  const value = cut(text, c, c += length);
  if (length > ${DICTIONARY_TEXT_MAX} || words.length >= ${DICTIONARY_ENTRIES_MAX}) return value;
  const kept = own(value);
  words.push(kept);
  return kept;
};
${functions.join("\n")}
return {
  open(memory, firstRow, count, strings, values) {
    i32 = memory.i32; f64 = memory.f64; i64 = memory.i64;
    q = firstRow; row = 0; rows = count; c = 0; text = strings; packed = values;
  },
  remaining: () => rows - row,
  redirect(to, through) { give = to ?? accept; open = through ? { level: 0 } : gate; },
  drain(limit) {
    const first = row;
    const last = limit < rows - row ? row + limit : rows;
    while (row < last) {
      row++;
      const w = q >> 2, d = q >> 3;
      const g = i32[w] >>> 16;
      switch (i32[w] & 0xffff) {
        ${cases.join("\n")}
        default: throw new Error("unknown shape in a batch");
      }
      if (open.level !== 0) break;
    }
    if (row === rows) { text = ""; packed = []; }
    return row - first;
  },
};`;
}

/** Statements that leave the section's value in `v0`, with `w` and `d` pointing at it. */
class SectionReader {
  private readonly lines: string[] = [];
  private readonly lists: string[] = [];

  private readonly name: string;
  private readonly section: Section;
  private readonly functions: string[];
  private readonly words: ReadonlyMap<number, string>;

  constructor(name: string, section: Section, functions: string[], words: ReadonlyMap<number, string>) {
    this.name = name;
    this.section = section;
    this.functions = functions;
    this.words = words;
  }

  source(): string {
    const declared = this.section.columns
      .map(({ id, tag }) => (tag === undefined ? `v${id}` : `v${id}, m${id}`))
      .join(", ");
    this.scalar(this.section.root);
    const fixed = this.lines.splice(0);
    this.assemble(this.section.root);
    return `let ${declared};
      q += ${this.section.bytes};
      ${fixed.join("\n      ")}
      ${this.lists.join("\n      ")}
      ${this.lines.join("\n      ")}`;
  }

  /** First everything of the fixed part, texts in order, as the writer appended them. */
  private scalar(column: Column): void {
    const { type, tag, id } = column;
    const begin = this.lines.length;
    const small = column.small === undefined ? "" : `i32[w + ${this.section.smallAt(column.small)}]`;
    const large = column.large === undefined ? "" : `d + ${this.section.largeAt(column.large)}`;
    switch (type.kind) {
      case "int":
        this.lines.push(`v${id} = ${small};`);
        break;
      case "number":
        this.lines.push(`v${id} = f64[${large}];`);
        break;
      case "date":
        this.lines.push(`v${id} = new Date(f64[${large}]);`);
        break;
      case "bigint":
        this.lines.push(`v${id} = i64[${large}];`);
        break;
      case "boolean":
        this.lines.push(`v${id} = ${small} === 1;`);
        break;
      case "packed":
        this.lines.push(`v${id} = packed[${small}];`);
        break;
      case "string": {
        const words = this.words.get(id);
        const plain = `cut(text, c, c += ${small})`;
        this.lines.push(
          words === undefined
            ? `v${id} = ${plain};`
            : `v${id} = ${small} < 0 ? ${words}[~${small}] : word(${words}, ${small});`,
        );
        break;
      }
      case "list":
        this.list(column, type.element, small);
        break;
      case "record":
        for (const field of column.fields) this.scalar(field.column);
        break;
      default:
    }
    if (tag === undefined) return;
    const inner = this.lines.splice(begin);
    const at = `i32[w + ${this.section.smallAt(tag)}]`;
    this.lines.push(`m${id} = ${at};`);
    const value = inner.length > 0 ? `if (m${id} === ${TAG.VALUE}) { ${inner.join(" ")} } else ` : "";
    this.lines.push(`${value}v${id} = m${id} === ${TAG.NULL} ? null : undefined;`);
  }

  private list(column: Column, elementType: Column["type"], small: string): void {
    const element = `${this.name}_${column.id}`;
    const section = layOut(elementType, false);
    const reader = new SectionReader(element, section, this.functions, new Map());
    this.functions.push(`function ${element}() {
      const w = q >> 2, d = q >> 3;
      ${reader.source()}
      return v0;
    }`);
    this.lines.push(`v${column.id} = ${small};`);
    // `new Array(n)` would make holes; pushing keeps the elements packed.
    this.lists.push(
      `if (typeof v${column.id} === "number") { const n = v${column.id}, list = [];`,
      `  for (let i = 0; i < n; i++) list.push(${element}());`,
      `  v${column.id} = list; }`,
    );
  }

  /** Then nested records, innermost first, once their lists are there. */
  private assemble(column: Column): void {
    if (column.type.kind !== "record") return;
    const begin = this.lines.length;
    for (const field of column.fields) this.assemble(field.column);
    const firstOptional = column.fields.findIndex((field) => field.column.type.optional === true);
    const literal = column.fields.slice(0, firstOptional < 0 ? undefined : firstOptional);
    this.lines.push(
      `v${column.id} = { ${literal.map((field) => `${key(field.name)}: v${field.column.id}`).join(", ")} };`,
    );
    for (const field of column.fields.slice(literal.length)) {
      const { id, type } = field.column;
      const when = type.optional === true ? `if (m${id} !== ${TAG.ABSENT}) ` : "";
      this.lines.push(`${when}${set(`v${column.id}`, field.name, `v${id}`)}`);
    }
    if (column.tag === undefined) return;
    const inner = this.lines.splice(begin);
    this.lines.push(`if (m${column.id} === ${TAG.VALUE}) { ${inner.join(" ")} }`);
  }
}

function key(name: string): string {
  return name === "__proto__" ? '["__proto__"]' : JSON.stringify(name);
}

function set(object: string, name: string, value: string): string {
  if (name !== "__proto__") return `${object}[${JSON.stringify(name)}] = ${value};`;
  const descriptor = `{ value: ${value}, enumerable: true, configurable: true, writable: true }`;
  return `Object.defineProperty(${object}, "__proto__", ${descriptor});`;
}
