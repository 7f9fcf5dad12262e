/**
 * What starts jobs. The engine behind it is imported with the first job: a job module imports this library in every
 * thread, and starts none there.
 */
import type { RunOptions } from "./engine.js";
import { refuseSelfStart } from "./host/self-start.js";
import type { Job } from "./job.js";
import type { Plan } from "./protocol/program.js";

const engine = () => import("./engine.js");

/**
 * Starts a job module on all cores of this process.
 * @throws MillraceError JOB_NOT_FOUND, JOB_INVALID, JOB_BUILD_FAILED, GRAPH_INVALID, PARALLELISM_INVALID
 * @example
 * await using job = await run(new URL("./job.ts", import.meta.url), { parallelism: 2 });
 * for await (const row of job.results("worst")) console.log(row);
 */
export function run(module: string | URL, options: RunOptions = {}): Promise<Job> {
  const started = begin(module, options);
  // A module that starts itself may not wait for the answer: its error is told by the import.
  started.catch(() => undefined);
  return started;
}

async function begin(module: string | URL, options: RunOptions): Promise<Job> {
  refuseSelfStart();
  return (await engine()).start(module, options);
}

/** Worker threads that outlive a job, for programs that run many. */
export interface Session extends AsyncDisposable {
  /** As `run`, on the session's threads. Modules imported by earlier jobs stay imported. */
  run(module: string | URL, options?: Omit<RunOptions, "inline" | "slotHeapMb" | "preset">): Promise<Job>;
}

/**
 * Keeps worker threads alive between jobs: no start-up, and code that is already optimised.
 * @example
 * await using session = openSession();
 * await (await session.run(new URL("./job.ts", import.meta.url))).completed;
 */
export function openSession(options: Pick<RunOptions, "slotHeapMb" | "preset"> = {}): Session {
  const opened = engine().then(({ sessionHosts }) => sessionHosts(options));
  // Told by the first run.
  opened.catch(() => undefined);
  return {
    async run(module, runOptions = {}) {
      refuseSelfStart();
      const hosts = await opened;
      return (await engine()).start(module, runOptions, hosts);
    },
    async [Symbol.asyncDispose]() {
      const hosts = await opened.catch(() => undefined);
      await hosts?.destroy();
    },
  };
}

/** The plan of a job module without running it. */
export async function explain(module: string | URL, options: RunOptions = {}): Promise<Plan["jobGraph"]> {
  return (await engine()).planned(module, options);
}
