/**
 * A bounded input beside an unbounded one (FLIP-147): a history that is read to its end, and a feed that goes on.
 *
 *   history (bounded) ──┬─ union ────────────────────────▶ "rows" (files), "ids" (collect), "digest"
 *   feed (unbounded) ───┤
 *                       └─ connect by key ── process ────▶ "known" (collect)
 *
 * When the history has ended its tasks process all of their input, take part in one last checkpoint and finish;
 * checkpoints go on with the tasks that are left. Whatever fails, before, while or after that, every record is in
 * each sink exactly once: `test/coordinator/bounded-beside-unbounded.test.ts` makes it fail at each of these.
 */
import { collectSink, defineJob, digestSink, fileSink, jsonl, type, value, watermarks } from "millrace";
import { type Crash, crashIf } from "./crash-file.js";
import { type Paced, pacedSource } from "./paced-source.js";

export interface BesideParams {
  /** Records of each lane of the history. */
  readonly history: readonly number[];
  readonly historyPerTick?: number;
  /** Records of each lane of the feed; absent: two lanes without an end. */
  readonly feed?: readonly number[];
  readonly out: string;
  /** When this file is there, a function fails. */
  readonly crash?: string;
  readonly how?: Crash;
}

export interface Row extends Paced {
  readonly from: "history" | "feed";
}

export const KEYS = 7;

export default defineJob("bounded-beside-unbounded", (env, params: BesideParams) => {
  const { history, historyPerTick = 4, crash, how } = params;
  const feedLanes = params.feed ?? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const byTime = watermarks.boundedOutOfOrderness<Paced>(0, ({ id }) => id);
  const read = (from: Row["from"], counts: readonly number[], perTick: number) =>
    env
      .source(from, pacedSource({ counts, perTick }), { watermarks: byTime })
      .map(({ lane, id }): Row => ({ from, lane, id }), `${from} rows`);
  const old = read("history", history, historyPerTick);
  const fresh = read("feed", feedLanes, 2);

  const all = old
    .union(fresh)
    .rebalance()
    .map((row) => {
      crashIf(crash, how);
      return row;
    }, "all");
  all.sink("rows", fileSink({ path: params.out, format: jsonl(), mode: "append" }));
  all.sink("ids", collectSink());
  all.sink("digest", digestSink());

  old
    .keyBy(({ id }) => id % KEYS)
    .connect(fresh.keyBy(({ id }) => id % KEYS))
    .process("known", {
      out: type<{ lane: number; id: number; known: number }>(),
      state: { known: value<number>() },
      first(_row, { state }) {
        state.known.update((state.known.get() ?? 0) + 1);
      },
      second({ lane, id }, { state, emit }) {
        emit({ lane, id, known: state.known.get() ?? 0 });
      },
    })
    .sink("known", collectSink());
});
