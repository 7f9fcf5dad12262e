export type Row = Readonly<Record<string, string | number | boolean>>;

/** Prints rows as they come: JSON objects, one a line, or a table. */
export class Report {
  private readonly json: boolean;
  private columns: readonly string[] = [];

  constructor(json: boolean) {
    this.json = json;
  }

  row(row: Row): void {
    if (this.json) {
      process.stdout.write(`${JSON.stringify(row)}\n`);
      return;
    }
    const names = Object.keys(row);
    if (names.join() !== this.columns.join()) {
      this.columns = names;
      process.stdout.write(`${names.map((name) => name.padEnd(widthOf(name))).join("  ")}\n`);
    }
    process.stdout.write(`${names.map((name) => String(row[name]).padEnd(widthOf(name))).join("  ")}\n`);
  }
}

function widthOf(name: string): number {
  return Math.max(name.length, 9);
}
