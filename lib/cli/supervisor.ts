/**
 * The supervising process of `millrace run`: starts the working process, passes signals on, and turns an
 * end that no code could report (an exhausted heap aborts the whole process, the system kills it for want of
 * memory) into a coded error, or into another process that goes on with the run's last checkpoint.
 *
 * States: working -> ended; working -> waiting (the restart strategy's delay) -> working; a signal ends waiting.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { systemClock } from "../base/clock.js";
import { MillraceError } from "../base/error.js";
import { freshSeed, seededRandom } from "../base/random.js";
import { systemScheduler } from "../base/scheduler.js";
import { type RestartStrategy, restartStrategy } from "../checkpoint/restart-strategy.js";
import { reportError } from "./report.js";
import { type Assignment, environmentOf, isSupervised, type WorkerReport } from "./supervision.js";

/** Collections keep V8's helper threads, also where slots fill the cores: `bench -- slots --rows collector`. */
export const NODE_FLAGS = ["--enable-source-maps", "--no-warnings"];

/** Node's exit code where a process cannot abort by a signal, or something between hides it. */
const ABORT_CODE = 134;
const ABORTS: readonly NodeJS.Signals[] = ["SIGABRT", "SIGTRAP", "SIGILL"];
/** What no process asks for: the system or somebody else did it. */
const DEATHS: readonly NodeJS.Signals[] = ["SIGKILL", "SIGSEGV", "SIGBUS"];

export function wantsSupervision(given: readonly string[]): boolean {
  const inProcess = ["--inline", "--explain", "--help", "-h", "--no-supervise"];
  return given[0] === "run" && !isSupervised() && !given.some((each) => inProcess.includes(each));
}

/** Runs the command in a child; answers the exit code. */
export function supervise(given: readonly string[]): Promise<number> {
  return new Supervisor(given).run();
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

class Supervisor {
  private readonly given: readonly string[];
  private readonly since = systemClock.now();
  private readonly random = seededRandom(freshSeed());
  private child: ChildProcess | undefined;
  private failures = 0;
  /** The run that another process could go on with. */
  private resumable: string | undefined;
  private strategy: RestartStrategy | undefined;
  private stoppedBy: "SIGINT" | "SIGTERM" | undefined;
  private endWait: () => void = () => undefined;

  constructor(given: readonly string[]) {
    this.given = given;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        this.stoppedBy ??= signal;
        this.child?.kill(signal);
        this.endWait();
      });
    }
  }

  async run(): Promise<number> {
    let assignment: Assignment = { since: this.since, failures: 0 };
    for (;;) {
      const end = await this.work(assignment).catch((error: Error) => {
        this.tell(new MillraceError("INTERNAL", `the working process did not start: ${error.message}`));
        return { code: 1, signal: null };
      });
      this.child = undefined;
      const death = deathOf(end);
      if (death === undefined) return end.code ?? 128 + constants.signals[end.signal!];
      const delay = this.stoppedBy === undefined ? this.delay() : undefined;
      if (delay === undefined) {
        this.tell(death);
        return 1;
      }
      await this.wait(delay);
      if (this.stoppedBy !== undefined) return 128 + constants.signals[this.stoppedBy];
      const { code, message } = death;
      assignment = {
        since: this.since,
        failures: this.failures,
        goesOn: { run: this.resumable!, code, message },
      };
    }
  }

  private work(assignment: Assignment): Promise<End> {
    const main = fileURLToPath(new URL("./main.js", import.meta.url));
    // A group of its own: a terminal's Ctrl-C reaches only this process, which passes it on once.
    const child = spawn(process.execPath, [...NODE_FLAGS, main, ...this.given], {
      stdio: ["inherit", "inherit", "inherit", "ipc"],
      detached: process.platform !== "win32",
      env: environmentOf(assignment),
    });
    this.child = child;
    child.on("message", (message) => this.onReport(message as WorkerReport));
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      // After the last report: the channel is closed by then.
      child.on("close", (code, signal) => resolve({ code, signal }));
    });
  }

  private onReport(report: WorkerReport): void {
    if (report.kind === "ended") this.resumable = undefined;
    if (report.kind === "restarted") {
      this.failures++;
      this.strategy?.onFailure(systemClock.steady(), this.random);
    }
    if (report.kind === "resumable") {
      this.resumable = report.run;
      this.strategy ??= restartStrategy(report.restart, true);
    }
  }

  /** After how long another process begins; undefined: none does. */
  private delay(): number | undefined {
    if (this.resumable === undefined) return undefined;
    this.failures++;
    return this.strategy!.onFailure(systemClock.steady(), this.random);
  }

  private wait(ms: number): Promise<void> {
    const letGo = systemScheduler.keepAlive();
    return new Promise<void>((resolve) => {
      const cancel = systemScheduler.after(ms, resolve);
      this.endWait = () => {
        cancel();
        resolve();
      };
    }).finally(letGo);
  }

  private tell(error: MillraceError): void {
    reportError(error, { json: this.given.includes("--json") });
  }
}

/** What ended a process that could not say so itself; undefined for an end of its own. */
function deathOf({ code, signal }: End): MillraceError | undefined {
  if (code === ABORT_CODE || (signal !== null && ABORTS.includes(signal))) {
    const what = "the process ran out of heap before any slot could say so";
    return new MillraceError("SLOT_HEAP_EXHAUSTED", what);
  }
  if (signal === null || !DEATHS.includes(signal)) return undefined;
  return new MillraceError("PROCESS_KILLED", `the working process was ended by ${signal}`);
}
