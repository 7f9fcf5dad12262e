import type { CsvError, Options } from "csv-parse";
import { MillraceError } from "../base/error.js";
import type { FilePart, ReadFormat, WriteFormat } from "./contract.js";
import { fileBytes, isPacked } from "./file-bytes.js";

/** What a column's text becomes; an empty text becomes null, except for "string". */
export type CsvType = "string" | "number" | "boolean" | "date";

/** What `csv` takes. */
export interface CsvOptions {
  /** Between fields. Default `,`. */
  readonly delimiter?: string;
  /** true (default): the first line names the columns; otherwise their names. */
  readonly header?: true | readonly string[];
  /** Types of columns; text unless given. */
  readonly types?: Readonly<Record<string, CsvType>>;
}

const BATCH_RECORDS = 1024;

/**
 * Comma-separated values (RFC 4180): quoted fields may hold delimiters, quotes and line ends. Records are
 * objects by column name.
 *
 * @example
 * csv<Trip>({ types: { seconds: "number", startedAt: "date" } })
 */
export function csv<T = Record<string, string>>(options: CsvOptions = {}): ReadFormat<T> & WriteFormat<T> {
  const { delimiter = ",", header = true } = options;
  return {
    name: "csv",
    description: { delimiter, header: header === true ? "first line" : header, types: options.types ?? {} },
    extension: "csv",
    splitsAnywhere: false,
    read: (part, signal) => readRecords<T>(part, options, signal),
    createEncoder: () => {
      let columns = header === true ? undefined : header;
      return {
        encode(record) {
          const row = record as Record<string, unknown>;
          if (columns !== undefined)
            return line(
              columns.map((name) => row[name]),
              delimiter,
            );
          columns = Object.keys(row);
          return line(columns, delimiter) + line(Object.values(row), delimiter);
        },
      };
    },
  };
}

/** Every thread of every job imports this file; few read CSV. */
async function openParser(settings: Options) {
  return (await import("csv-parse")).parse(settings);
}

async function* readRecords<T>(part: FilePart, options: CsvOptions, signal: AbortSignal) {
  const { path } = part;
  const { delimiter = ",", header = true, types = {} } = options;
  const converters = Object.entries(types).map(([name, type]) => [name, convert[type]] as const);
  const settings: Options = {
    bom: true,
    delimiter,
    columns: header === true ? true : [...header],
    skip_empty_lines: true,
  };
  const parser = await openParser(settings);
  const packed = isPacked(path);
  let [bytes, records] = [0, [] as T[]];
  const take = () => {
    for (
      let row = parser.read() as Record<string, unknown> | null;
      row !== null;
      row = parser.read() as never
    ) {
      for (const [name, converter] of converters) {
        row[name] = converter(
          row[name] as string,
          () => `${path}: record ${parser.info.records}, column ${name}`,
        );
      }
      records.push(row as T);
    }
  };
  let failure: unknown;
  parser.on("error", (error) => {
    failure ??= error;
  });
  const check = () => {
    if (failure !== undefined) throw coded(failure, path);
  };
  for await (const chunk of fileBytes(part, 0, signal)) {
    if (chunk.includes(0))
      throw new MillraceError("FILE_FORMAT_INVALID", `${path} is not text: it has NUL bytes`);
    if (!packed) bytes += chunk.length;
    for (let at = 0; at < chunk.length; at += 16_384) {
      await new Promise<void>((resolve) => {
        parser.write(chunk.subarray(at, at + 16_384), () => {
          resolve();
        });
        // At once: a parser that is full calls back only when its records were taken.
        take();
        if (failure !== undefined) resolve();
      });
      check();
      if (records.length < BATCH_RECORDS) continue;
      yield { records, bytes };
      [bytes, records] = [0, []];
    }
  }
  await new Promise<void>((resolve) => {
    parser.once("end", resolve).once("error", () => {
      resolve();
    });
    parser.on("readable", () => {
      try {
        take();
      } catch (error) {
        failure ??= error;
      }
    });
    parser.end();
  });
  check();
  if (records.length > 0 || bytes > 0) yield { records, bytes };
}

const convert: Record<CsvType, (value: string, where: () => string) => unknown> = {
  string: (value) => value,
  number: (value, where) => {
    if (value === "" || value === undefined) return null;
    const number = Number(value);
    if (Number.isNaN(number) && value !== "NaN") refuse(value, "a number", where());
    return number;
  },
  boolean: (value, where) => {
    if (value === "" || value === undefined) return null;
    if (/^(true|t|yes|1)$/i.test(value)) return true;
    return /^(false|f|no|0)$/i.test(value) ? false : refuse(value, "a boolean", where());
  },
  date: (value, where) => {
    if (value === "" || value === undefined) return null;
    const date = new Date(value);
    return Number.isNaN(date.getTime()) ? refuse(value, "a date", where()) : date;
  },
};

function refuse(value: string, what: string, where: string): never {
  throw new MillraceError(
    "FILE_FORMAT_INVALID",
    `${where}: ${JSON.stringify(value.slice(0, 80))} is not ${what}`,
  );
}

function coded(error: unknown, path: string): unknown {
  const { code, message } = error as CsvError;
  if (typeof code !== "string" || !code.startsWith("CSV_")) return error;
  const isCut = code === "CSV_QUOTE_NOT_CLOSED";
  return new MillraceError(isCut ? "FILE_TRUNCATED" : "FILE_FORMAT_INVALID", `${path}: ${message}`, {
    cause: error,
  });
}

function line(fields: readonly unknown[], delimiter: string): string {
  return `${fields.map((field) => quoted(field, delimiter)).join(delimiter)}\n`;
}

function quoted(field: unknown, delimiter: string): string {
  if (field === null || field === undefined) return "";
  const written =
    field instanceof Date
      ? field.toISOString()
      : typeof field === "object"
        ? JSON.stringify(field)
        : String(field);
  return /["\r\n]/.test(written) || written.includes(delimiter)
    ? `"${written.replaceAll('"', '""')}"`
    : written;
}
