/** Every kind of state that moves when a job goes on with another parallelism, each with a sink that shows it. */
import {
  broadcastState,
  collectSink,
  count,
  type DataStream,
  defineJob,
  listState,
  map,
  sum,
  tumbling,
  type,
  unionListState,
  value,
  watermarks,
} from "millrace";
import { type Paced, pacedSource } from "./paced-source.js";

export const LANES = 4;
export const KINDS_KEYS = 11;
export const WINDOW_MS = 100;
export const RULES = 5;

export interface KindsParams {
  /** Records of each lane. */
  readonly count: number;
  readonly perTick: number;
  /** What is different about the program. */
  readonly change?: "uid" | "type" | "added";
}

export default defineJob("kinds-of-state", (env, { count: each, perTick, change }: KindsParams) => {
  const counts = Array.from({ length: LANES }, () => each);
  const rows = env.source("rows", pacedSource({ counts, perTick }), {
    watermarks: watermarks.boundedOutOfOrderness(0, ({ id }) => id),
  });
  const byKey = () => rows.keyBy(keyOf);

  byKey()
    .window(tumbling(WINDOW_MS))
    .aggregate({ n: count(), sum: sum(({ id }) => id) })
    .sink("windows", collectSink());
  byKey()
    .aggregate({ n: count() }, ({ n }, { key }) => ({ key, n }))
    .sink("running", collectSink());
  keyed(rows, change);
  lists(rows);

  const rules = env.source("rules", pacedSource({ counts: [RULES], perTick: RULES }));
  byKey()
    .connect(rules.broadcast(broadcastState<number, number>()))
    .process("rules", {
      out: type<{ id: number; rules: number }>(),
      element({ id }, { broadcast, emit }) {
        emit({ id, rules: broadcast.size });
      },
      broadcastElement({ id }, { broadcast }) {
        broadcast.set(id, id);
      },
    })
    .sink("rules seen", collectSink());
  if (change !== "added") return;
  byKey()
    .process("added", {
      state: { n: value<number>() },
      out: type<Paced>(),
      element: (row, ctx) => ctx.emit(row),
    })
    .sink("more", collectSink());
});

export function keyOf({ lane, id }: Paced): number {
  return (lane * 7 + id) % KINDS_KEYS;
}

/** Map and value state with a timer for each window. */
function keyed(rows: DataStream<Paced>, change: KindsParams["change"]): void {
  const settings = (types: string) => ({ types: { n: change === "type" ? "text" : types } });
  rows
    .keyBy(keyOf)
    .process("timers", {
      out: type<{ key: number; end: number; n: number; total: number }>(),
      state: { open: map<number, number>(), total: value<number>(settings("number")) },
      element({ id }, { state, timers }) {
        const end = id - (id % WINDOW_MS) + WINDOW_MS;
        const n = state.open.get(end) ?? 0;
        state.open.set(end, n + 1);
        if (n === 0) timers.eventTime(end - 1);
      },
      timer(time, { key, state, emit }) {
        const n = state.open.get(time + 1)!;
        state.open.delete(time + 1);
        state.total.update((state.total.get() ?? 0) + n);
        emit({ key, end: time + 1, n, total: state.total.get()! });
      },
    })
    .uid(change === "uid" ? "timers-renamed" : "timers")
    .sink("timed", collectSink());
}

/** List state is dealt out, union state is given to all. */
function lists(rows: DataStream<Paced>): void {
  rows
    .rebalance()
    .process("lists", {
      out: type<{ subtask: number; seen: number; restored: number }>(),
      state: { seen: listState<number>(), all: unionListState<number>() },
      element(_row, { state, subtask, emit }) {
        const seen = state.seen.get().reduce((total, n) => total + n, 0) + 1;
        const restored = state.all.get().length;
        state.seen.update([seen]);
        state.all.update([subtask]);
        emit({ subtask, seen, restored });
      },
    })
    .sink("lists", collectSink());
}
