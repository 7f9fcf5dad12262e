/** What the documentation says is true: exports are documented, and the README's job runs. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { Command } from "commander";
import ts from "typescript-api";
import { addRunFlags } from "../lib/cli/run-command.js";
import { count, type DataStream, type OwnWindows, run } from "../lib/index.js";
import { testOperator } from "../lib/testing/index.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DATA = join(ROOT, "node_modules/vega-datasets/data/flights-3m.parquet");

describe("documentation", () => {
  it("explains every public export", async () => {
    const entries = ["lib/index.ts", "lib/testing/index.ts"].map((file) => join(ROOT, file));
    const program = ts.createProgram(entries, {
      module: ts.ModuleKind.NodeNext,
      noEmit: true,
      skipLibCheck: true,
    });
    const checker = program.getTypeChecker();
    for (const entry of entries) {
      const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
      const silent = checker
        .getExportsOfModule(module)
        .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
        .filter((symbol) => symbol.getDocumentationComment(checker).length === 0)
        .map(({ name }) => name);
      expect(silent, entry).to.deep.equal([]);
    }
  }).timeout(60_000);

  it("shows a job in the README that runs as it stands", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const source = /```ts\n\/\/ job\.ts\n([\s\S]*?)```/.exec(readme)![1]!;
    const folder = await mkdtemp(join(tmpdir(), "millrace-readme-"));
    try {
      const path = join(folder, "job.ts");
      await writeFile(path, source.replace("data/*.parquet", DATA));
      await using job = await run(path, { parallelism: 2, params: { out: folder } });
      await job.completed;
      const parts = await readdir(join(folder, "hours"));
      const text = await readFile(join(folder, "hours", parts[0]!), "utf8");
      expect(JSON.parse(text.slice(0, text.indexOf("\n")))).to.have.all.keys([
        "origin",
        "windowStart",
        "flights",
        "meanDelay",
        "worstDelay",
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  }).timeout(60_000);

  it("shows a test of that job in the README that passes as it stands", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const block = (name: string) =>
      new RegExp(`\`\`\`ts\\n// ${name.replaceAll(".", "[.]")}\\n([\\s\\S]*?)\`\`\``).exec(readme)![1]!;
    // Below the package, so that its name is found.
    const folder = await mkdtemp(join(ROOT, "dist/readme-"));
    try {
      const files = ["job.ts", "job.test.ts"].map((name) => join(folder, name));
      await writeFile(files[0]!, block("job.ts"));
      await writeFile(files[1]!, block("job.test.ts"));
      const program = ts.createProgram(files, {
        target: ts.ScriptTarget.ES2022,
        lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
        module: ts.ModuleKind.NodeNext,
        strict: true,
        skipLibCheck: true,
        types: ["node"],
      });
      const diagnostics = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
      expect(
        diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
      ).to.deep.equal([]);
      const path = join(folder, "job.test.js");
      const passes = () =>
        promisify(execFile)(process.execPath, ["--test", path]).then(
          () => "passes",
          ({ stdout }: { stdout: string }) => stdout,
        );
      expect(await passes()).to.equal("passes");
      await writeFile(path, (await readFile(path, "utf8")).replace("meanDelay: 10", "meanDelay: 11"));
      expect(await passes()).to.match(/- \{ flights: 2, meanDelay: 11.*\n.*\+ \{ flights: 2, meanDelay: 10/);
    } finally {
      await rm(folder, { recursive: true });
    }
  }).timeout(60_000);

  it("shows windows of one's own in the README that are those of the calendar", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const source = /```ts\n\/\/ months\.ts\n([\s\S]*?)```/.exec(readme)![1]!;
    const folder = await mkdtemp(join(ROOT, "dist/readme-"));
    try {
      const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
      const path = join(folder, "months.mjs");
      await writeFile(path, ts.transpileModule(source, { compilerOptions: options }).outputText);
      const { months } = (await import(path)) as { months: OwnWindows };
      await using t = await testOperator((orders: DataStream<number>) =>
        orders.windowAll(months).aggregate({ orders: count() }),
      );
      for (const at of ["2024-02-01T00:00Z", "2024-02-29T23:59Z", "2024-03-01T00:00Z"])
        t.push(1, { at: new Date(at) });
      t.advanceWatermark(new Date("2024-03-01T00:00Z"));
      await t.expect().toEqual([{ windowStart: Date.UTC(2024, 1), windowEnd: Date.UTC(2024, 2), orders: 2 }]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("lists the launcher's options", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const options = addRunFlags(new Command("run")).options.map(({ long }) => long!);
    expect(options).to.include.members(["--parallelism", "--checkpoint-dir", "--no-supervise"]);
    expect(options.filter((option) => !readme.includes(option))).to.deep.equal([]);
    const program = await readFile(join(ROOT, "lib/cli/program.ts"), "utf8");
    const commands = [...program.matchAll(/\.command\("(\w+)"\)/g)].map(([, name]) => `millrace ${name}`);
    expect(commands).to.include.members(["millrace run", "millrace list"]);
    expect(commands.filter((command) => !readme.includes(command))).to.deep.equal([]);
  });
});
