import type { Row } from "../report.js";

/** Rows of the same keys as lines of text: numbers to the right, the rest to the left. */
export function alignedTable(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = names.map((name) => {
    const cells = rows.map((row) => textOf(row[name]));
    const width = Math.max(name.length, ...cells.map((cell) => cell.length));
    const isNumeric = rows.some((row) => typeof row[name] === "number");
    return [name, ...cells].map((cell) => (isNumeric ? cell.padStart(width) : cell.padEnd(width)));
  });
  const lines = [...rows.keys(), rows.length].map((i) => columns.map((column) => column[i]).join("  "));
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

function textOf(value: Row[string] | undefined): string {
  return value === undefined ? "" : typeof value === "number" ? value.toLocaleString("en-US") : String(value);
}

/** Writes rows to stdout: JSON objects, one a line, or a table. */
export function printRows(rows: readonly Row[], json: boolean): void {
  const text = json ? rows.map((row) => `${JSON.stringify(row)}\n`).join("") : `${alignedTable(rows)}\n`;
  process.stdout.write(text);
}
