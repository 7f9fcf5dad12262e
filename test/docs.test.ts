/** What the documentation says is true: exports are documented, and the README's job runs. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { Command } from "commander";
import ts from "typescript";
import { addRunFlags } from "../lib/cli/run-command.js";
import { run } from "../lib/index.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DATA = join(ROOT, "node_modules/vega-datasets/data/flights-3m.parquet");

describe("documentation", () => {
  it("explains every public export", () => {
    const entry = join(ROOT, "lib/index.ts");
    const program = ts.createProgram([entry], {
      module: ts.ModuleKind.NodeNext,
      noEmit: true,
      skipLibCheck: true,
    });
    const checker = program.getTypeChecker();
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
    const silent = checker
      .getExportsOfModule(module)
      .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
      .filter((symbol) => symbol.getDocumentationComment(checker).length === 0)
      .map(({ name }) => name);
    expect(silent).to.deep.equal([]);
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
