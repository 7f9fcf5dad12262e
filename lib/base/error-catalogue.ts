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
  RESOURCES_INVALID: entry(
    "Say { name, cpu, heapMb } (both above 0) and, if needed, offHeapMb, managedMb, diskMb and external, all from 0.",
  ),
  RESOURCES_UNFULFILLABLE: entry(
    "Ask for less, use less parallelism, or say what the machine has: resources: { cpu, memoryMb, external }.",
  ),
  RESOURCES_UNREADABLE: entry(
    "The job keeps its parallelism until the files can be understood again. Or say what there is: resources: { cpu }.",
    true,
  ),
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
  USER_FUNCTION_ASYNC: entry(
    "This operator's function must not return a promise; what has to be awaited goes into asyncMap.",
  ),
  RECORD_CHANGED: entry(
    "Whoever else reads the record would see the change, or not, as threads happen to lie. Emit a copy: " +
      "{ ...record, field: value }; so also of objects in state.",
  ),
  RECORD_INVALID: entry(
    "The record does not match its schema: the one given at the source, or that of the sink's format.",
  ),
  AGGREGATE_NOT_NUMBER: entry("count, sum, min, max and avg take numbers; null and undefined are skipped."),
  KEY_INVALID: entry(
    "A key is a string, number, boolean, bigint, Date, null, undefined, or an array or plain object of these.",
  ),
  ACCUMULATOR_INVALID: entry(
    "Declare it once by env.accumulator(name, accumulators.int()) or another kind, and add values of that kind; what " +
      "it holds is plain data.",
  ),
  METRIC_INVALID: entry("A metric of a function keeps its kind; a gauge answers a number."),
  TIMER_INVALID: entry(
    "A timer takes a time in ms, and `process` a function `timer(time, ctx)`; without `watermarks` at the source " +
      "records have no timestamp to count from.",
  ),
  TIMESTAMP_MISSING: entry(
    "Give the source `watermarks` whose function answers a time in ms or a Date for every record, or use windows by " +
      "processing time.",
  ),
  WINDOW_INVALID: entry(
    "`assignWindows` of a window assigner of one's own answers an array of { start, end }, in ms, each with its " +
      "start below its end.",
  ),
  TIMESTAMP_INVALID: entry(
    "A timestamp is a time in ms since the epoch (not in s, us or ns) or a Date, at most 8.64e15 ms from it. The " +
      "place says which record gave another one, and where it was read.",
  ),
  WATERMARK_INVALID: entry(
    "The generator given to `watermarks.periodic` or `punctuated` answers a time in ms, a Date, or undefined.",
  ),
  ASYNC_TIMEOUT: entry(
    "Raise `timeout` (it covers all attempts of a record), or say with `onError` what becomes of such records.",
    true,
  ),
  GRAPH_CYCLE: entry(
    "Millrace has no loops of streams: keep what comes round in keyed state with timers (`process`), join a stream " +
      "with its own history, or write the feedback to a topic that the job also reads.",
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
  SPLIT_CHANGED: entry(
    "What the source reads has changed since the checkpoint; restore it as it was, or start the job anew.",
  ),
  SOURCE_CHAIN_INVALID: entry(
    "hybridSource(first, ...next) takes sources, and functions that make one. All but the last must end. What a " +
      "function makes is what is said of it beforehand: hybridSource(first, { source, boundedness, replayable }).",
  ),
  POSITION_INVALID: entry(
    "With `start`, the iterable gives pairs [record, position]; a position is JSON and says where to go on " +
      "behind the record.",
  ),
  SINK_EXISTS: entry(
    "The sink's folder already holds results; choose mode 'replace' or 'append', or another path.",
  ),
  SINK_FAILED: entry("Writing failed; see the cause.", true),
  SINK_DISK_FULL: entry("Free space where the sink writes, then start the job again.", true),
  SINK_DENIED: entry("Let the process write in the sink's folder, or choose another path."),
  SINK_PART_LOST: entry(
    "Put the file back where it was. Without it the checkpoint's results are incomplete: start from an earlier one.",
  ),
  SINK_BUCKET_INVALID: entry(
    "A bucket is folder names with '/' between them, without '..' or characters that some system refuses; " +
      "none begins with '.' or '_'.",
  ),
  RESULTS_UNKNOWN: entry("job.results(name) takes the name of a collectSink()."),
  RESULTS_NOT_READ: entry(
    "Read the rows with `for await (const row of job.results(name))`, or use another sink.",
  ),

  // Checkpoints and where they lie
  BLOB_MISSING: entry(
    "A file of the store is gone or too short; restore from another checkpoint or savepoint.",
  ),
  BLOB_EXISTS: entry("Somebody else writes to the same place; give this run a folder of its own."),
  BLOB_CHANGED: entry("Leave objects alone while a job reads them; write new ones under other names."),
  BUCKET_MISSING: entry("Create the bucket, or correct its name: a job makes none."),
  STORAGE_DENIED: entry(
    "Check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE) and what they may do in the bucket.",
  ),
  STORAGE_UNFIT: entry(
    "Checkpoints need a server that keeps to `If-None-Match: *` (AWS, Ceph from 16 on, MinIO): without it two " +
      "coordinators of a job could not be kept apart.",
  ),
  STORAGE_FAILED: entry("The store of the checkpoints cannot be read or written; see the cause.", true),
  STORAGE_PATH_INVALID: entry(
    "Paths in a store are relative, with forward slashes, and no part of them begins with '.'.",
  ),
  CHECKPOINT_NOT_FOUND: entry(
    "Name the folder of a checkpoint or savepoint: the one that holds a file `manifest`.",
  ),
  CHECKPOINT_FOREIGN: entry("The file is no manifest of Millrace; check the path."),
  CHECKPOINT_TORN: entry("The manifest ends too early; copy it again or restore from another checkpoint."),
  CHECKPOINT_DAMAGED: entry(
    "The manifest's checksum does not match; copy it again or restore from another checkpoint.",
  ),
  CHECKPOINT_VERSION: entry("Restore it with the version of Millrace that wrote it, or a later one."),
  CHECKPOINT_INCOMPLETE: entry(
    "Files that the manifest names are gone; restore from another checkpoint or savepoint.",
  ),
  CHECKPOINT_LOST: entry(
    "None of the job's checkpoints can be read. Restore from a savepoint, or remove the job's folder to start anew.",
  ),
  CHECKPOINT_FENCED: entry(
    "Another process runs the same job from the same store and has taken over; this one must end.",
  ),
  CHECKPOINT_NOT_JSON: entry(
    "Splits, committables and an enumerator's snapshot are plain JSON: no Date, Map, class, NaN or function.",
  ),

  // Checkpoints and recovery
  CHECKPOINTS_FAILED: entry(
    "See the cause and job.checkpoints(). Raise the checkpoints' timeout, interval or tolerable failures.",
    true,
  ),
  STOP_FAILED: entry("The job is restarted from its last checkpoint; try to stop it again.", true),
  STATE_NOT_RESTORED: entry(
    "Give operators their old uid back with .uid(...), or set allowNonRestoredState to drop their state.",
  ),
  MAX_PARALLELISM_CHANGED: entry(
    "Keyed state is cut into maxParallelism key groups for good; set the maxParallelism it was written with.",
  ),
  UNION_STATE_PARTLY_FINISHED: entry("Restore an earlier checkpoint: this one lacks a part of the union."),
  CHANNEL_STATE_MOVED: entry(
    "Records in flight fit the edges they were sent on. Change the job from a savepoint, which holds none.",
  ),
  FINISHED_OPERATORS_CHANGED: entry(
    "What had processed all of its input stays as it was; change the job elsewhere, or start without this checkpoint.",
  ),

  // Taking checkpoints
  CHECKPOINTS_OFF: entry("Start the job with checkpoints: run(module, { checkpoint: { dir, interval } })."),
  CHECKPOINT_FAILED: entry("See the message and job.checkpoints(); ask again.", true),
  CHECKPOINT_SUBSUMED: entry("Nothing is lost: a later checkpoint holds everything.", true),
  JOB_NOT_RESUMABLE: entry("Check checkpoint.dir and the job's name, or start the job without resume."),
  SOURCE_NOT_REPLAYABLE: entry(
    'Use a source with positions (iterableSource(..., { start })), or checkpoint mode "at-least-once".',
  ),

  // Running jobs of this machine
  JOB_UNKNOWN: entry("`millrace list` shows the jobs that run on this machine for this user."),
  JOB_AMBIGUOUS: entry("Say which one by its process id."),
  CONTROL_FAILED: entry("See `millrace list`; ask again, or end the job by a signal.", true),
  CONTROL_FOLDER_UNSAFE: entry(
    "Somebody else could listen to what is said to your jobs. Remove what is there, or set XDG_RUNTIME_DIR.",
  ),

  // The machine
  PROCESS_KILLED: entry(
    "Often the system does so when memory runs out. With checkpoints in a folder the job goes on; see --resume.",
    true,
  ),
  SLOT_CRASHED: entry("The thread of this slot ended by itself.", true),
  SLOT_EXITED: entry("Code in the job called process.exit(); throw an error instead."),
  SLOT_HEAP_EXHAUSTED: entry(
    "Raise --slot-heap (with a resource profile: heapMb), use more parallelism, or keep less in state.",
    true,
  ),
  SLOT_BUFFERS_EXHAUSTED: entry(
    "Buffers outside the heap exceed the slot's limit; keep fewer alive, or raise offHeapMb of its resource profile.",
    true,
  ),
  SLOT_DISK_EXHAUSTED: entry(
    "Raise diskMb of the slot sharing group, use more parallelism, or keep less in state.",
    true,
  ),
  SLOT_HUNG: entry(
    "A function ran longer than hangTimeout without returning; raise it or split the work.",
    true,
  ),
  JOB_CANCELLED: entry("The job was cancelled."),

  // Tests of jobs, and of what others have implemented (millrace/testing)
  TEST_EXPECTATION_FAILED: entry(
    "Lines with - were expected, lines with + have come; what a variation tries is in its message.",
  ),
  TEST_TARGET_UNKNOWN: entry("Use a name that the message lists."),
  TEST_STEP_INVALID: entry("Watermarks and the clock only go forward, and nothing comes behind the end."),
  TEST_ENDLESS: entry(
    "Look for a function that emits without end, a timer that sets itself again at once, or a promise that is never " +
      "settled.",
  ),
  TEST_CONTRACT_BROKEN: entry("See the contract that the case is named after, and what was expected."),
} as const satisfies Record<string, CatalogueEntry>;

/** The code of a MillraceError: stable, part of the public surface. */
export type ErrorCode = keyof typeof catalogue;
