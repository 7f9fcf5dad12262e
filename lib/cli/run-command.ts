/** The flags of `millrace run`, in the groups in which its help shows them. */
import { type Command, Option } from "commander";

const EXAMPLES = `
Examples:
  $ millrace run job.ts
  $ millrace run job.ts --parallelism 4 --param out=/data --json
  $ millrace run job.ts --explain
  $ millrace run job.ts --checkpoint-dir state --checkpoint-interval 30s --retain
  $ millrace run job.ts --checkpoint-dir state --reactive --stabilisation 1m
  $ millrace run job.ts --checkpoint-dir state --resume
  $ millrace run job.ts --from state/savepoints/savepoint-orders-0123456789ab

Durations are ms or text such as 250ms, 10s, 5m, 1h. A configuration file holds the options of run() in a program:
  { "parallelism": 4, "checkpoint": { "dir": "state", "interval": "30s" }, "restart": { "strategy": "none" } }`;

/** A command of the launcher that takes the flags of a run. */
export function addRunFlags(command: Command): Command {
  command
    .argument("<job>", "the job module")
    .optionsGroup("Running:")
    .option("-p, --parallelism <n>", "subtasks of each operator, or 'auto' for one per core (default)")
    .option("--max-parallelism <n>", "key groups: the most a job can ever be scaled to")
    .option(
      "--reactive",
      "use all cores there are, and rescale in place when that changes; needs checkpoints",
    )
    .option(
      "--reactive-max <n>",
      "... but never more subtasks of an operator; implies --reactive, as the next two do",
    )
    .option(
      "--stabilisation <duration>",
      "so long must more cores have been there before they are used (default: 10s)",
    )
    .option("--min-increase <n>", "a smaller increase is not worth the pause (default: 1)")
    .option("--param <key=value...>", "given to the job; may be repeated", [])
    .option("--config <file>", "options as a JSON file; flags win")
    .option("--hang-timeout <duration>", "how long a function may run without returning (default: 30s)")
    .option("--slot-heap <mib>", "heap of each slot")
    .addOption(
      new Option("--preset <name>", "garbage collection for throughput or latency").choices([
        "throughput",
        "latency",
      ]),
    )
    .option(
      "--frozen-records",
      "fail where a function changes a record that was emitted; slow, for development",
    )
    .option("--inline", "run on the main thread, for debugging with breakpoints")
    .addOption(new Option("--no-supervise", "do the work in this process"));
  addCheckpointFlags(command);
  return command
    .optionsGroup("Output:")
    .addOption(
      new Option("--explain [format]", "print the plan instead of running it").choices([
        "tree",
        "mermaid",
        "json",
      ]),
    )
    .option("--json", "print metrics and checkpoints at the end, and errors, as JSON")
    .option("--quiet", "no progress")
    .option("--verbose", "stacks with errors, and where checkpoints go")
    .addHelpOption(new Option("-h, --help", "print this").helpGroup("Output:"))
    .addHelpText("after", EXAMPLES);
}

function addCheckpointFlags(command: Command): void {
  command
    .optionsGroup("Checkpoints:")
    .option("--checkpoint-dir <dir>", "take checkpoints and keep them there")
    .option("--checkpoint-interval <duration>", "time between checkpoints (default with a folder: 10s)")
    .option("--unaligned", "barriers overtake records: fast under back-pressure")
    .option("--aligned-timeout <duration>", "they overtake only after this long; implies --unaligned")
    .option("--checkpoint-timeout <duration>", "a checkpoint that takes longer is given up (default: 10m)")
    .option("--at-least-once", "barriers hold nothing back; after a failure records may count twice")
    .option("--retain", "keep checkpoints when the job fails or is cancelled")
    .option("--num-retained <n>", "complete checkpoints that are kept (default: 1)")
    .option(
      "--debloat <target>",
      "records under way between threads are taken within this time, or 'off' (default: 1s)",
    )
    .option("--state-backend <name>", "heap (default), lmdb: larger than memory, or a module")
    .optionsGroup("Recovery:")
    .option(
      "--restart <strategy>",
      "after a failure: none, fixed-delay, failure-rate or exponential-delay, with options as in " +
        "fixed-delay:attempts=3,delay=10s (default with checkpoints: every second, for ever)",
    )
    .option("--resume", "go on with the latest run of the job in --checkpoint-dir")
    .option("--from <savepoint>", "begin with a savepoint or checkpoint, named by its folder")
    .option("--allow-non-restored-state", "leave state of operators behind that the job has no more");
}
