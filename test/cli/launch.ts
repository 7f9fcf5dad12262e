/** Starts the launcher as its users do: as a process. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Jobs of these tests see only each other: sockets lie below the folder for temporary files. */
const PLACE = mkdtempSync(join(tmpdir(), "millrace-cli-"));
process.on("exit", () => rmSync(PLACE, { recursive: true, force: true }));

const MAIN = fileURLToPath(new URL("../../lib/cli/main.js", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface LaunchOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const running = new Set<ChildProcess>();

/** Ends what a failed test left behind. */
export function killStarted(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Starts `millrace run ...`; colour is as the options say, not as in the process of the tests. */
export function launch(given: readonly string[], options: LaunchOptions = {}): Launched {
  return start(["run", ...given], options);
}

function start(given: readonly string[], options: LaunchOptions): Launched {
  const { FORCE_COLOR: _force, NO_COLOR: _no, NODE_OPTIONS: _options, ...inherited } = process.env;
  const place = { HOME: PLACE, TMPDIR: PLACE, XDG_RUNTIME_DIR: "" };
  const child = spawn(process.execPath, [MAIN, ...given], {
    env: { ...inherited, ...place, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  running.add(child);
  child.on("close", () => running.delete(child));
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

export function millrace(given: readonly string[], options: LaunchOptions = {}): Promise<Ended> {
  return launch(given, options).ended;
}

/** Another command of the launcher, to its end. */
export function command(given: readonly string[], options: LaunchOptions = {}): Promise<Ended> {
  return start(given, options).ended;
}

/** The error that `--json` printed. */
export function jsonError({ stderr }: Ended): { code: string; message: string; hint: string; at?: string } {
  const { schemaVersion, error } = JSON.parse(stderr) as { schemaVersion: number; error: never };
  if (schemaVersion !== 1) throw new Error(`schemaVersion is ${schemaVersion}`);
  return error;
}
