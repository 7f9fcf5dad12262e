import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { MillraceError, messageOf } from "../base/error.js";
import type { StateBackend } from "./contract.js";
import { heapBackend } from "./heap/backend.js";

/**
 * The state backend of a name: `heap`, `lmdb`, or a module that exports one as its default: a path (relative
 * ones begin with a dot and start at the folder of `from`, a URL), a URL or the name of a package. Throws
 * STATE_BACKEND_INVALID.
 */
export async function backendByName(name: string, from?: string | URL): Promise<StateBackend> {
  if (name === "heap") return heapBackend;
  // lmdb is a native module: nobody loads it who does not ask for it.
  if (name === "lmdb") return (await import("./lmdb/backend.js")).lmdbBackend;
  const { default: backend } = await importModule(name, from);
  if (isBackend(backend)) return backend;
  throw new MillraceError(
    "STATE_BACKEND_INVALID",
    `the default export of ${name} is no state backend { name, open(context) }`,
  );
}

async function importModule(name: string, from: string | URL | undefined): Promise<{ default?: unknown }> {
  const base = from ?? pathToFileURL(`${process.cwd()}/`);
  let specifier = name;
  if (isAbsolute(name)) specifier = pathToFileURL(name).href;
  else if (name.startsWith(".")) specifier = new URL(name, base).href;
  try {
    return (await import(specifier)) as { default?: unknown };
  } catch (cause) {
    const problem = `the state backend ${name} cannot be loaded: ${messageOf(cause)}`;
    throw new MillraceError("STATE_BACKEND_INVALID", problem, { cause });
  }
}

function isBackend(value: unknown): value is StateBackend {
  if (typeof value !== "object" || value === null) return false;
  const { name, open } = value as Partial<StateBackend>;
  return typeof name === "string" && typeof open === "function";
}
