/**
 * Every error code with its default hint. A code is part of the public surface: it never changes its meaning.
 * Each code is thrown by a test (test/base/error-catalogue.test.ts lists where).
 */
interface CatalogueEntry {
  /** What the user can do. */
  hint: string;
  /** Whether running again can succeed without a change by the user. */
  retryable: boolean;
}

const entry = (hint: string, retryable = false): CatalogueEntry => ({ hint, retryable });

export const catalogue = {
  INTERNAL: entry("This is a bug in Millrace. Please report it with the stack."),

  // A user's program
  JOB_NOT_FOUND: entry("Check the path of the job module."),
  JOB_INVALID: entry(
    "A job module has one default export made by defineJob(name, (env, params) => { ... }).",
  ),
  JOB_BUILD_FAILED: entry("The job module does not compile; fix the place shown."),
  JOB_STARTS_ITSELF: entry(
    "Move the call of run() to another file: a job module is imported by every thread.",
  ),
  JOB_NOT_DETERMINISTIC: entry(
    "Every thread rebuilds the graph from the job module. Build it from `params` and constants only: " +
      "no clock, no random numbers, no environment that differs between threads.",
  ),
  GRAPH_INVALID: entry("Every stream must lead to a sink, and names and uids must be unique."),
  PARALLELISM_INVALID: entry(
    "Parallelism is a whole number from 1 to maxParallelism (default at least 128).",
  ),
  OPTION_INVALID: entry("See `millrace run --help` and the option's documentation."),
  USER_FUNCTION_FAILED: entry(
    "The function given to this operator threw; see the record and the line shown.",
  ),
  USER_FUNCTION_ASYNC: entry("This operator's function must not return a promise."),
  RECORD_INVALID: entry("The record does not match the schema given at the source."),
  AGGREGATE_NOT_NUMBER: entry("count, sum, min, max and avg take numbers; null and undefined are skipped."),
  KEY_INVALID: entry(
    "A key is a string, number, boolean, bigint, Date, null, or an array or object of these.",
  ),
  RECORD_NOT_CARRIABLE: entry(
    "A record that crosses threads holds plain data. Remove the function, symbol or class instance at the path shown.",
  ),
  RECORD_TOO_LARGE: entry("Split the record or raise limits.recordBytesMax."),

  // State
  STATE_INCOMPATIBLE: entry(
    "Undo the change to the state, give it another name (it begins empty), or start without the checkpoint.",
  ),
  STATE_BACKEND_INVALID: entry(
    "A state backend is `heap`, `lmdb` or a module whose default export is { name, open(context) }.",
  ),

  // Input and output
  FILE_NOT_FOUND: entry("Check the path; relative paths start at the working directory."),
  FILE_GLOB_EMPTY: entry("No file matches the pattern; names starting with '.' or '_' are skipped."),
  FILE_FORMAT_INVALID: entry("The file is not of the format the source names, or it is damaged."),
  FILE_TRUNCATED: entry("The file ends too early; fetch it again."),
  SINK_EXISTS: entry(
    "The sink's folder already holds results; choose mode 'replace' or 'append', or another path.",
  ),
  SINK_FAILED: entry("Writing failed; see the cause.", true),
  RESULTS_UNKNOWN: entry("job.results(name) takes the name of a collectSink()."),
  RESULTS_NOT_READ: entry(
    "Read the rows with `for await (const row of job.results(name))`, or use another sink.",
  ),

  // The machine
  SLOT_CRASHED: entry("The thread of this slot ended by itself.", true),
  SLOT_EXITED: entry("Code in the job called process.exit(); throw an error instead."),
  SLOT_HEAP_EXHAUSTED: entry("Raise --slot-heap, use more parallelism, or keep less in state.", true),
  SLOT_BUFFERS_EXHAUSTED: entry(
    "Buffers outside the heap exceed the slot's limit; keep fewer of them alive.",
    true,
  ),
  SLOT_HUNG: entry(
    "A function ran longer than hangTimeout without returning; raise it or split the work.",
    true,
  ),
  JOB_CANCELLED: entry("The job was cancelled."),
} as const satisfies Record<string, CatalogueEntry>;

/** The code of a MillraceError: stable, part of the public surface. */
export type ErrorCode = keyof typeof catalogue;
