/**
 * The supervising process of `millrace run`: starts the working process, passes signals on, and turns an
 * end that no code could report (an exhausted heap aborts the whole process) into a coded error.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { MillraceError } from "../base/error.js";
import { reportError } from "./report.js";

const CHILD_MARK = "MILLRACE_SUPERVISED";
/** Collections that use helper threads would compete with slots for the cores. */
const NODE_FLAGS = ["--single-threaded-gc", "--enable-source-maps", "--no-warnings"];

export function wantsSupervision(given: readonly string[]): boolean {
  const inProcess = ["--inline", "--explain", "--help", "-h", "--no-supervise"];
  return (
    given[0] === "run" &&
    process.env[CHILD_MARK] === undefined &&
    !given.some((each) => inProcess.includes(each))
  );
}

/** Runs the command in a child; answers the exit code. */
export function supervise(given: readonly string[]): Promise<number> {
  const main = fileURLToPath(new URL("./main.js", import.meta.url));
  // A group of its own: a terminal's Ctrl-C reaches only this process, which passes it on once.
  const child = spawn(process.execPath, [...NODE_FLAGS, main, ...given], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: process.platform !== "win32",
    env: { ...process.env, [CHILD_MARK]: "1" },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on("error", (error) => {
      reportError(new MillraceError("INTERNAL", `the working process did not start: ${error.message}`), {});
      resolve(1);
    });
    child.on("exit", (code, signal) => {
      if (code === 134 || signal === "SIGABRT") {
        reportError(
          new MillraceError(
            "SLOT_HEAP_EXHAUSTED",
            "the process ran out of heap before any slot could say so",
          ),
          { json: given.includes("--json") },
        );
        resolve(1);
      } else resolve(code ?? 128 + (constants.signals[signal!] ?? 0));
    });
  });
}
