/**
 * Makes a job module importable by every thread: a TypeScript module is bundled once with esbuild (its own
 * files inside, packages outside, inline source map); JavaScript is imported as it is.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MillraceError, messageOf } from "../base/error.js";

const PACKAGE = new URL("../index.js", import.meta.url);

/** The URL that threads import for a job module. */
export async function importableUrl(module: string | URL): Promise<string> {
  const path = module instanceof URL ? fileURLToPath(module) : resolve(module);
  if (!existsSync(path)) throw new MillraceError("JOB_NOT_FOUND", `no job module at ${path}`);
  if (![".ts", ".mts", ".tsx", ".js", ".mjs", ".cts", ".cjs"].includes(extname(path))) {
    throw new MillraceError("JOB_NOT_FOUND", `${path} is not a .ts, .js or .mjs module`);
  }
  const url = pathToFileURL(path).href;
  if (![".ts", ".mts", ".tsx"].includes(extname(path)) && resolvesPackage(path)) return url;
  return pathToFileURL(await bundle(path)).href;
}

/** Whether `import "millrace"` in this file finds this very copy of the package. */
function resolvesPackage(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "node_modules", "millrace"))) return true;
    if (existsSync(join(folder, "package.json"))) {
      const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: string };
      if (name === "millrace") return true;
    }
    if (folder === dirname(folder)) return false;
  }
}

interface CacheEntry {
  readonly output: string;
  readonly inputs: readonly { readonly path: string; readonly stamp: string }[];
}

/** Bundles, unless nothing it was made of has changed since. */
async function bundle(path: string): Promise<string> {
  const folder = cacheFolder(path);
  const name = createHash("sha1").update(`${path}|${PACKAGE.href}`).digest("hex").slice(0, 12);
  const indexPath = join(folder, `${name}.json`);
  const known = readCache(indexPath);
  if (known !== undefined) return known;
  const { build } = await import("esbuild");
  let result: Awaited<ReturnType<typeof build>>;
  try {
    result = await build({
      entryPoints: [path],
      bundle: true,
      write: false,
      format: "esm",
      platform: "node",
      target: "node20",
      packages: "external",
      sourcemap: "inline",
      sourcesContent: false,
      outfile: join(folder, `${name}.mjs`),
      metafile: true,
      absWorkingDir: dirname(path),
      logLevel: "silent",
      plugins: [
        {
          name: "millrace",
          setup(setup) {
            // The job gets the running copy of the package, wherever the job lies.
            setup.onResolve({ filter: /^millrace$/ }, () => ({ path: PACKAGE.href, external: true }));
            setup.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, (file) => {
              const source = readFileSync(file.path, "utf8");
              if (!source.includes("import.meta.url")) return undefined;
              const own = JSON.stringify(pathToFileURL(file.path).href);
              const loader = /\.[cm]?ts$/.test(file.path) ? "ts" : file.path.endsWith("x") ? "tsx" : "js";
              return { contents: source.replaceAll("import.meta.url", own), loader };
            });
          },
        },
      ],
    });
  } catch (error) {
    throw new MillraceError("JOB_BUILD_FAILED", messageOf(error), { cause: error });
  }
  const text = result.outputFiles![0]!.text;
  const output = join(folder, `${name}-${createHash("sha1").update(text).digest("hex").slice(0, 8)}.mjs`);
  writeWhole(output, text);
  const inputs = Object.keys(result.metafile!.inputs).map((input) => {
    const file = resolve(dirname(path), input);
    return { path: file, stamp: stampOf(file) };
  });
  const entry: CacheEntry = { output, inputs };
  writeWhole(indexPath, JSON.stringify(entry));
  return output;
}

function readCache(indexPath: string): string | undefined {
  try {
    const entry = JSON.parse(readFileSync(indexPath, "utf8")) as CacheEntry;
    const fresh =
      existsSync(entry.output) && entry.inputs.every(({ path, stamp }) => stampOf(path) === stamp);
    return fresh ? entry.output : undefined;
  } catch {
    return undefined;
  }
}

function stampOf(path: string): string {
  const { mtimeMs, size } = statSync(path);
  return `${mtimeMs}:${size}`;
}

/** Another process may write the same file at the same time: whole or not at all. */
function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/** In the user's project, so that the job's own packages resolve; kept out of version control. */
function cacheFolder(path: string): string {
  let root = dirname(path);
  for (let folder = root; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) {
      root = folder;
      break;
    }
  }
  const folder = existsSync(join(root, "node_modules"))
    ? join(root, "node_modules", ".cache", "millrace")
    : join(root, ".millrace");
  mkdirSync(folder, { recursive: true });
  if (folder.endsWith(".millrace")) writeFileSync(join(folder, ".gitignore"), "*\n");
  return folder;
}
