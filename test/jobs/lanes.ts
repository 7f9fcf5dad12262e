/** Lanes of records, each in a slot of its own: what fails in one is no concern of the others. */
import { threadId } from "node:worker_threads";
import {
  collectSink,
  defineJob,
  fileSink,
  jsonl,
  type SinkDefinition,
  type SourceDefinition,
  type,
  unionListState,
} from "millrace";
import { type Crash, crashIf } from "./crash-file.js";
import { type Paced, pacedSource } from "./paced-source.js";

export interface LanesParams {
  /** Records of each lane. */
  readonly counts: readonly number[];
  /** Fails the task of lane 0. */
  readonly crash: string;
  readonly how?: Crash;
  /** Folder of a file sink beside the collected rows. */
  readonly out?: string | undefined;
  /** Why no region can be started again by itself. */
  readonly whole?: "source" | "sink" | "union" | "exchange";
}

export interface LaneRow extends Paced {
  readonly thread: number;
  /** Rows of this thread so far: module-level state. */
  readonly seen: number;
}

let seen = 0;

export default defineJob("lanes", (env, { counts, crash, how, out, whole }: LanesParams) => {
  const source = pacedSource({ counts, perTick: 2 });
  const rows = env.source("rows", whole === "source" ? withoutTakingBack(source) : source).map((row) => {
    if (row.lane === 0) crashIf(crash, how);
    return { ...row, thread: threadId, seen: ++seen } satisfies LaneRow;
  }, "numbered");
  const stream =
    whole === "union"
      ? rows.process("union", {
          out: type<LaneRow>(),
          state: { all: unionListState<number>() },
          element: (row, { state, emit }) => {
            state.all.update([row.id]);
            emit(row);
          },
        })
      : whole === "exchange"
        ? rows.rebalance()
        : rows;
  stream.sink("out", collectSink());
  if (out === undefined) return;
  const files: SinkDefinition<LaneRow> = fileSink({ path: out, format: jsonl<LaneRow>() });
  rows.sink("files", whole === "sink" ? withoutCleaningAfter(files) : files);
});

/** As connectors of others may be. */
function withoutTakingBack<T>(source: SourceDefinition<T, any>): SourceDefinition<T, any> {
  return {
    ...source,
    createEnumerator: (context) => {
      const enumerator = source.createEnumerator(context);
      return Object.assign(enumerator, { addSplitsBack: undefined });
    },
  };
}

function withoutCleaningAfter<T>(sink: SinkDefinition<T>): SinkDefinition<T> {
  return {
    ...sink,
    createCommitter: (context) => Object.assign(sink.createCommitter!(context), { cleanUpAfter: undefined }),
  };
}
