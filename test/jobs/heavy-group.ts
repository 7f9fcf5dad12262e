/**
 * Two pipelines: a light one, and one whose keyed state is heavy, in a group of its own. Once, behind a checkpoint,
 * the heavy one is asked to use up its heap or Buffers.
 */
import { existsSync, renameSync } from "node:fs";
import { threadId } from "node:worker_threads";
import { collectSink, defineJob, type SlotSharingGroup, type, value } from "millrace";
import { pacedSource } from "./paced-source.js";

export interface HeavyGroupParams {
  readonly records: number;
  /** Of each pipeline, every 5 ms. */
  readonly perTick: number;
  readonly heavy: Omit<SlotSharingGroup, "name">;
  readonly how: "heap" | "buffers";
  /** While it is there, the heavy group is told to use up what it has; taken away by the first to see it. */
  readonly trigger: string;
}

export interface HeavyRow {
  readonly key: number;
  readonly sum: number;
}

export const KEYS = 10;
/** Elements or bytes a record. */
const PIECE = 100_000;
const kept: unknown[] = [];

export default defineJob("heavy-group", (env, params: HeavyGroupParams) => {
  const { records, perTick, heavy, how, trigger } = params;
  const paced = (name: string) => env.source(name, pacedSource({ counts: [records], perTick }));
  paced("light numbers")
    .slotSharingGroup({ name: "light", cpu: 0.25, heapMb: 128 })
    .map(({ id }) => ({ id, threadId }), "light")
    .sink("light rows", collectSink());
  let begun = false;
  paced("heavy numbers")
    .keyBy(({ id }) => id % KEYS)
    .process("heavy", {
      out: type<HeavyRow>(),
      state: { sum: value<number>() },
      element({ id }, { key, state, emit }) {
        begun ||= seen(trigger);
        if (begun && how === "heap") kept.push(new Array(PIECE).fill(id));
        if (begun && how === "buffers") kept.push(Buffer.alloc(PIECE * 10));
        const sum = (state.sum.get() ?? 0) + id;
        state.sum.update(sum);
        emit({ key, sum });
      },
    })
    .slotSharingGroup({ name: "heavy", exclusive: true, ...heavy })
    .sink("sums", collectSink());
});

function seen(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    renameSync(file, `${file}-done`);
    return true;
  } catch {
    return false; // Another thread was faster.
  }
}
