/** The order of the house: layers, cycles, sizes, where clocks and dependencies may be used. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import ts from "typescript-api";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Folders of lib by layer; an import points to the same folder or a lower layer. */
const LAYERS: readonly (readonly string[])[] = [
  ["base"],
  ["metrics", "codec", "exchange"],
  ["time", "storage", "graph", "state", "formats"],
  ["operators", "source", "sink", "checkpoint"],
  ["protocol", "planner", "connectors"],
  ["runtime", "api"],
  ["coordinator", "table"],
  ["host", "engine.ts", "job.ts", "run.ts", "testing", "sim", "server"],
  ["cli", "web", "index.ts"],
];

/** Same-layer imports that are part of the picture: contracts that the layer's others implement. */
const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  operators: ["source", "sink", "checkpoint"],
  planner: ["protocol"],
  time: ["state"],
  "engine.ts": ["host", "job.ts"],
  "run.ts": ["host", "engine.ts", "job.ts"],
  "job.ts": ["host"],
  testing: ["host"],
  "index.ts": ["cli"],
};

/** Where each dependency may be imported. */
const DEPENDENCIES: Readonly<Record<string, readonly string[]>> = {
  piscina: ["lib/host"],
  comlink: ["lib/host"],
  esbuild: ["lib/host"],
  "@aws-sdk/client-s3": ["lib/storage/s3"],
  lmdb: ["lib/state/lmdb"],
  msgpackr: ["lib/codec"],
  commander: ["lib/cli"],
  "csv-parse": ["lib/formats"],
  avsc: ["lib/formats"],
  fzstd: ["lib/formats"],
  hyparquet: ["lib/formats"],
  "hyparquet-compressors": ["lib/formats"],
  tinyglobby: ["lib/connectors/file"],
  picomatch: ["lib/connectors/file"],
  "@standard-schema/spec": ["lib/api"],
};

const LINES_MAX = 500;
const LINES_P90 = 350;
const LINE_CHARS = 120;
const FUNCTION_LINES = 70;

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name));
}

const library = filesUnder("lib");
const texts = new Map(
  [...library, ...filesUnder("workers"), ...filesUnder("test"), ...filesUnder("benchmarks")].map(
    (file) => [file, readFileSync(join(ROOT, file), "utf8")] as const,
  ),
);

interface Import {
  readonly from: string;
  readonly to: string;
}

function importsOf(file: string): Import[] {
  const { importedFiles } = ts.preProcessFile(texts.get(file) ?? "", true, true);
  return importedFiles.map(({ fileName }) => ({
    from: file,
    to: fileName.startsWith(".") ? join(dirname(file), fileName).replace(/\.js$/, ".ts") : fileName,
  }));
}

/** `lib/codec/packed.ts` -> `codec`; `lib/engine.ts` -> `engine.ts`. */
function folderOf(file: string): string {
  return relative("lib", file).split("/")[0]!;
}

function layerOf(folder: string): number {
  return LAYERS.findIndex((folders) => folders.includes(folder));
}

const imports = library.flatMap(importsOf);
const inner = imports.filter(({ to }) => to.startsWith("lib/"));

describe("the house", () => {
  it("has a layer for every folder", () => {
    const unknown = library.map(folderOf).filter((folder) => layerOf(folder) < 0);
    expect(unknown).to.deep.equal([]);
  });

  it("imports only downwards", () => {
    const upwards = inner.filter(({ from, to }) => {
      const [user, used] = [folderOf(from), folderOf(to)];
      if (user === used) return user === "connectors" && from.split("/")[2] !== to.split("/")[2];
      return layerOf(used) >= layerOf(user) && NEIGHBOURS[user]?.includes(used) !== true;
    });
    expect(upwards).to.deep.equal([]);
  });

  it("keeps the planes apart", () => {
    const forbidden = inner.filter(({ from, to }) => {
      const [user, used] = [folderOf(from), folderOf(to)];
      if (user === "runtime") return ["api", "planner", "coordinator"].includes(used);
      return user === "coordinator" && used === "runtime";
    });
    expect(forbidden).to.deep.equal([]);
  });

  it("has no import cycles", () => {
    const next = new Map<string, string[]>();
    for (const { from, to } of inner) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file))
        expect.fail(`cycle: ${[...path.slice(path.indexOf(file)), file].join(" -> ")}`);
      if (done.has(file)) return;
      for (const each of next.get(file) ?? []) visit(each, [...path, file]);
      done.add(file);
    };
    for (const file of library) visit(file, []);
  });

  it("imports each dependency in one folder only", () => {
    const outside = imports.filter(({ from, to }) => {
      if (to.startsWith("lib/") || to.startsWith("workers/") || to.startsWith("node:")) return false;
      const name = to
        .split("/")
        .slice(0, to.startsWith("@") ? 2 : 1)
        .join("/");
      return !(DEPENDENCIES[name] ?? []).some((folder) => from.startsWith(folder));
    });
    expect(outside).to.deep.equal([]);
  });

  it("reads clock, random numbers and timers only in lib/base", () => {
    const pattern =
      /\bDate\.now\(|\bnew Date\(\)|performance\.now\(|Math\.random\(|\bset(Timeout|Interval|Immediate)\(/;
    const found = library.filter((file) => {
      const code = withoutComments(texts.get(file)!);
      return !file.startsWith("lib/base/") && pattern.test(code);
    });
    expect(found).to.deep.equal([]);
  });

  it("keeps files and lines short", () => {
    const lengths = library.map((file) => texts.get(file)!.split("\n").length).sort((a, b) => a - b);
    expect(lengths.at(-1)).to.be.at.most(LINES_MAX);
    expect(lengths[Math.floor(lengths.length * 0.9)]).to.be.at.most(LINES_P90);
    const long = [...texts].flatMap(([file, text]) =>
      text.split("\n").flatMap((line, i) => (line.length > LINE_CHARS ? [`${file}:${i + 1}`] : [])),
    );
    expect(long).to.deep.equal([]);
  });

  it("keeps functions short", () => {
    const long: string[] = [];
    for (const file of library) {
      const source = ts.createSourceFile(file, texts.get(file)!, ts.ScriptTarget.Latest, true);
      const visit = (node: ts.Node): void => {
        if (ts.isFunctionLike(node)) {
          const lines =
            source.getLineAndCharacterOfPosition(node.end).line -
            source.getLineAndCharacterOfPosition(node.getStart()).line +
            1;
          if (lines > FUNCTION_LINES) long.push(`${file}: ${node.getText().split("\n")[0]} (${lines})`);
        }
        ts.forEachChild(node, visit);
      };
      visit(source);
    }
    expect(long).to.deep.equal([]);
  });

  it("names files by what they are", () => {
    const vague = library.filter((file) => /(utils?|helpers?|common|misc|Impl)\.ts$/i.test(file));
    expect(vague).to.deep.equal([]);
  });

  it("holds no async and no spread call in hot files", () => {
    const hot = library.filter((file) => texts.get(file)!.startsWith("// @hot"));
    expect(hot.length).to.be.greaterThan(3);
    const slow = hot.filter((file) => /\basync\b|\bawait\b|\(\.\.\./.test(withoutComments(texts.get(file)!)));
    expect(slow).to.deep.equal([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
}
