/** Commands of the launcher. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { MillraceError } from "../base/error.js";
import { cancelJob, type JobFlags, listJobs, rescaleJob, savepointJob, stopJob } from "./job-commands.js";
import { exitCodeOf, reportError } from "./report.js";
import { addRunFlags } from "./run-command.js";
import type { RunFlags } from "./run-options.js";
import { NODE_FLAGS } from "./supervisor.js";

const EXIT_CODES = `
Exit codes: 0 done, 1 the job failed, 2 wrong usage or configuration, 3 the state does not fit the job,
4 a checkpoint or savepoint failed, 130 SIGINT, 143 SIGTERM
`;

const OVERVIEW = `
Examples:
  $ millrace run job.ts
  $ millrace list
  $ millrace stop orders --drain`;

const JOB = "the job's name or process id";
const DIR = "folder for the savepoint (default: savepoints in the folder of the checkpoints)";

/** Runs an action; prints its error and notes the exit code. */
type Guard = (flags: { json?: boolean; verbose?: boolean }, action: () => Promise<unknown>) => Promise<void>;

/** Runs the launcher; answers the exit code. */
export async function main(given: readonly string[]): Promise<number> {
  let exitCode = 0;
  const guard: Guard = async (flags, action) => {
    try {
      await action();
    } catch (error) {
      reportError(error, flags);
      exitCode = exitCodeOf(error);
    }
  };
  const program = new Command("millrace")
    .description("Stateful stream processing for Node.js.")
    .version(version())
    .exitOverride()
    .configureOutput({ outputError: (text, write) => (given.includes("--json") ? undefined : write(text)) })
    .showSuggestionAfterError()
    .addHelpText("after", OVERVIEW + EXIT_CODES);
  addRunFlags(program.command("run").description("Run a job module (.ts, .js or .mjs) on every core."))
    .addHelpText("after", EXIT_CODES)
    .action((job: string, flags: RunFlags) =>
      guard(flags, async () => {
        // The other commands need no engine: they answer at once.
        const { runJob } = await import("./run-job.js");
        exitCode = await runJob(job, flags);
      }),
    );
  program
    .command("doctor")
    .description("Tell what there is here to run jobs with, and what slots are given.")
    .option("--json", "as JSON")
    .addHelpText("after", "\nExamples:\n  $ millrace doctor\n  $ millrace doctor --json\n")
    .action((flags: JobFlags) =>
      guard(flags, async () => {
        const { describeReport, examine } = await import("./doctor.js");
        const report = examine(version(), NODE_FLAGS);
        const text =
          flags.json === true ? JSON.stringify({ schemaVersion: 1, ...report }) : describeReport(report);
        process.stdout.write(`${text}\n`);
      }),
    );
  addJobCommands(program, guard);
  try {
    await program.parseAsync(["node", "millrace", ...given]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    const command = program.commands.find((each) => each.name() === given[0]);
    const hint = `See \`millrace ${command === undefined ? "" : `${command.name()} `}--help\`.`;
    if (given.includes("--json")) {
      reportError(new MillraceError("OPTION_INVALID", error.message.replace(/^error: /, ""), { hint }), {
        json: true,
      });
    }
    return 2;
  }
  return exitCode;
}

/** Commands for jobs that `millrace run` has started on this machine. */
function addJobCommands(program: Command, guard: Guard): void {
  program
    .command("list")
    .description("List the jobs that run on this machine.")
    .option("--json", "as JSON")
    .addHelpText("after", "\nExamples:\n  $ millrace list\n  $ millrace list --json\n")
    .action((flags: JobFlags) => guard(flags, () => listJobs(flags)));
  program
    .command("savepoint")
    .description("Write a savepoint of a running job; print its folder.")
    .argument("<job>", JOB)
    .option("--dir <dir>", DIR)
    .option("--json", "print the folder, and errors, as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ millrace savepoint orders\n  $ millrace savepoint 4711 --dir /backup\n",
    )
    .action((job: string, flags: JobFlags) => guard(flags, () => savepointJob(job, flags)));
  program
    .command("stop")
    .description("End a running job behind a savepoint; print its folder.")
    .argument("<job>", JOB)
    .option(
      "--drain",
      "event time comes to its end first, so that windows close: for a job that will not go on",
    )
    .option("--dir <dir>", DIR)
    .option("--json", "print the folder, and errors, as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ millrace stop orders\n  $ millrace stop orders --drain --dir /backup\n",
    )
    .action((job: string, flags: JobFlags) => guard(flags, () => stopJob(job, flags)));
  program
    .command("rescale")
    .description("Let a running job go on with another parallelism, from a checkpoint taken for it.")
    .argument("<job>", JOB)
    .argument(
      "<parallelism>",
      "subtasks of every operator that does not say its own; a reactive job keeps it until it is told 'auto': " +
        "as many as there are cores",
      (text) => (text === "auto" ? text : Number(text)),
    )
    .option("--json", "print the pause, and errors, as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ millrace rescale orders 4\n  $ millrace rescale orders auto\n" +
        "  $ millrace rescale 4711 2 --json\n",
    )
    .action((job: string, parallelism: number | "auto", flags: JobFlags) =>
      guard(flags, () => rescaleJob(job, parallelism, flags)),
    );
  program
    .command("cancel")
    .description("End a running job; what was not committed is thrown away.")
    .argument("<job>", JOB)
    .option("--json", "print what became of it, and errors, as JSON")
    .addHelpText("after", "\nExamples:\n  $ millrace cancel orders\n  $ millrace cancel 4711 --json\n")
    .action((job: string, flags: JobFlags) => guard(flags, () => cancelJob(job, flags)));
}

function version(): string {
  const file = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
