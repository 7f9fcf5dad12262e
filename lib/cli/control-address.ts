/**
 * Where the sockets of running jobs lie: `<job>-<pid>.sock` in a folder that belongs to this user alone. Whoever
 * can open one can stop its job, and whoever could replace one would be told where savepoints lie, so a folder
 * of somebody else is refused by both sides.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { MillraceError, messageOf } from "../base/error.js";

/** A running job as its socket's name tells of it. */
export interface ControlAddress {
  readonly path: string;
  /** The job's name as far as it fits into that of a file. */
  readonly job: string;
  readonly pid: number;
}

const PIPES = "\\\\.\\pipe\\";
const NAME = /^(.+)-(\d+)\.sock$/;
const NAME_CHARS = 32;
/** macOS allows 104 bytes, a zero at the end among them; Linux four more. Longer ones are cut off silently. */
const PATH_BYTES_MAX = 103;
/** Between the making of a socket and the moment it listens. */
const YOUNG_MS = 60_000;

/** The address of a job of this process. Throws CONTROL_FOLDER_UNSAFE, CONTROL_FAILED. */
export function ownAddress(job: string, pid: number): ControlAddress {
  const slug = job.replace(/[^A-Za-z0-9]+/g, "-").slice(0, NAME_CHARS) || "job";
  const name = `${slug}-${pid}.sock`;
  if (process.platform === "win32") return { path: `${PIPES}${pipePrefix()}${name}`, job: slug, pid };
  const path = join(ownFolder(), name);
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw new MillraceError("CONTROL_FAILED", `the path of the socket is too long: ${path}`, {
      hint: "Set TMPDIR or XDG_RUNTIME_DIR to a folder with a shorter path.",
    });
  }
  return { path, job: slug, pid };
}

/** Every socket there is, of living and dead processes, sorted. Throws CONTROL_FOLDER_UNSAFE. */
export function allAddresses(): ControlAddress[] {
  const isWindows = process.platform === "win32";
  const found = isWindows
    ? namesIn(PIPES).flatMap((name) => {
        const prefix = pipePrefix();
        return name.startsWith(prefix) ? parse(PIPES + name, name.slice(prefix.length)) : [];
      })
    : folders().flatMap((folder) => {
        if (!isThere(folder)) return [];
        refuseForeign(folder);
        return namesIn(folder).flatMap((name) => parse(join(folder, name), name));
      });
  return found.sort((a, b) => a.job.localeCompare(b.job) || a.pid - b.pid);
}

/** Removes the sockets of processes that are dead. On Windows there are none: a pipe goes with its process. */
export function removeDead(): void {
  if (process.platform === "win32") return;
  for (const { path, pid } of allAddresses()) if (!isAlive(pid)) rmSync(path, { force: true });
}

/**
 * Removes a socket on which nobody listens, though another process may have its number by now. One that is
 * only being made is left alone.
 */
export function removeRefused({ path, pid }: ControlAddress, now: number): void {
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now;
  if (!isAlive(pid) || now - made > YOUNG_MS) rmSync(path, { force: true });
}

/** The folder of this user's sockets, made when it is missing. */
function ownFolder(): string {
  let failed: unknown;
  for (const folder of folders()) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        failed = error;
        continue;
      }
    }
    refuseForeign(folder);
    chmodSync(folder, 0o700);
    return folder;
  }
  throw new MillraceError("CONTROL_FAILED", `no folder for sockets: ${messageOf(failed)}`, { cause: failed });
}

/** In the order in which they are tried: XDG_RUNTIME_DIR is set in some places where it does not exist. */
function folders(): string[] {
  const runtime = process.env["XDG_RUNTIME_DIR"];
  const temporary = join(tmpdir(), `millrace-${uid()}`);
  return runtime === undefined || runtime === "" ? [temporary] : [join(runtime, "millrace"), temporary];
}

function refuseForeign(folder: string): void {
  const stat = lstatSync(folder);
  if (stat.isDirectory() && stat.uid === uid()) return;
  const what = stat.isDirectory() ? `belongs to user ${stat.uid}, not to ${uid()}` : "is no folder";
  throw new MillraceError("CONTROL_FOLDER_UNSAFE", `${folder} ${what}`);
}

/** By number: in a container a user may have no name. */
function uid(): number {
  return process.getuid!();
}

function isThere(folder: string): boolean {
  return lstatSync(folder, { throwIfNoEntry: false }) !== undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new MillraceError("CONTROL_FAILED", `${folder}: ${messageOf(cause)}`, { cause });
  }
}

function parse(path: string, name: string): ControlAddress[] {
  const [, job, pid] = NAME.exec(name) ?? [];
  return job === undefined ? [] : [{ path, job, pid: Number(pid) }];
}

function pipePrefix(): string {
  return `millrace-${userInfo().username.replace(/[^A-Za-z0-9]+/g, "-")}-`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
