/** Commands and options of the launcher. */
import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { MillraceError } from "../base/error.js";
import { exitCodeOf, reportError } from "./report.js";
import { type RunFlags, runJob } from "./run-job.js";

const EXAMPLES = `
Examples:
  $ millrace run job.ts
  $ millrace run job.ts --parallelism 4 --param out=/data --json
  $ millrace run job.ts --explain

Exit codes: 0 done, 1 the job failed, 2 wrong usage or configuration, 130 SIGINT, 143 SIGTERM
`;

/** Runs the launcher; answers the exit code. */
export async function main(given: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command("millrace")
    .description("Stateful stream processing for Node.js.")
    .version(version())
    .exitOverride()
    .configureOutput({ outputError: (text, write) => (given.includes("--json") ? undefined : write(text)) })
    .showSuggestionAfterError();
  program
    .command("run")
    .description("Run a job module (.ts, .js or .mjs) on every core.")
    .argument("<job>", "the job module")
    .option("-p, --parallelism <n>", "subtasks of each operator, or 'auto' for one per core (default)")
    .option("--max-parallelism <n>", "key groups: the most a job can ever be scaled to")
    .option("--param <key=value...>", "given to the job; may be repeated", [])
    .option("--inline", "run on the main thread, for debugging with breakpoints")
    .addOption(
      new Option("--explain [format]", "print the plan instead of running it").choices([
        "tree",
        "mermaid",
        "json",
      ]),
    )
    .option("--json", "print metrics at the end, and errors, as JSON")
    .option("--config <file>", "options as a JSON file; flags win")
    .option("--hang-timeout <duration>", "how long a function may run without returning (default: 30s)")
    .option("--slot-heap <mib>", "heap of each slot")
    .addOption(
      new Option("--preset <name>", "garbage collection for throughput or latency").choices([
        "throughput",
        "latency",
      ]),
    )
    .option("--quiet", "no progress")
    .option("--verbose", "stacks with errors")
    .addOption(new Option("--no-supervise", "do the work in this process"))
    .addHelpText("after", EXAMPLES)
    .action(async (job: string, flags: RunFlags) => {
      try {
        exitCode = await runJob(job, flags);
      } catch (error) {
        reportError(error, flags);
        exitCode = exitCodeOf(error);
      }
    });
  program.addHelpText("after", EXAMPLES);
  try {
    await program.parseAsync(["node", "millrace", ...given]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    const hint = "See `millrace run --help`.";
    if (given.includes("--json")) {
      reportError(new MillraceError("OPTION_INVALID", error.message.replace(/^error: /, ""), { hint }), {
        json: true,
      });
    }
    return 2;
  }
  return exitCode;
}

function version(): string {
  const file = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
