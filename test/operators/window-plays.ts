/** Drawn plays of windows by event time, on one subtask or on ever others that are restored before every element. */
import { expect } from "chai";
import fc from "fast-check";
import type { OperatorLogic } from "../../lib/operators/contract.js";
import type { WindowAssigner } from "../../lib/operators/window-assigner.js";
import { canonicalKey, keyGroupOf } from "../../lib/state/key.js";
import { Bench, type Saved } from "../../lib/testing/operator-bench.js";
import { session, sliding, tumbling } from "../../lib/time/windows.js";
import type { ModelRecord, WindowModel } from "./window-model.js";

export type Step = ModelRecord | { readonly watermark: number };

export interface Played {
  readonly rows: string[];
  /** Times of late records that were given out. */
  readonly late: number[];
  /** Late records that were only counted. */
  readonly dropped: number;
}

/** Windows of the kinds that there are. */
export const windowKinds = fc.constantFrom<WindowAssigner<ModelRecord>>(
  session(5),
  session((record: ModelRecord) => record.gap),
  tumbling(7, { offset: -3 }),
  sliding({ size: 10, slide: 3 }),
  sliding({ size: 3, slide: 5, offset: 1 }),
);

/** What `playsOf` draws. */
export interface PlayRange {
  readonly keys: readonly string[];
  readonly stepMax: number;
  readonly maxLength: number;
  /** One in so many records has no watermark behind it; fast-check's own share unless given. */
  readonly unmarked?: number;
}

/** Times that creep on, with watermarks that lag now and then: late records and merges of all kinds. */
export function playsOf({ keys, stepMax, maxLength, unmarked }: PlayRange): fc.Arbitrary<Step[]> {
  const drawn = fc.record({
    key: fc.constantFrom(...keys),
    step: fc.integer({ min: -12, max: stepMax }),
    gap: fc.integer({ min: 1, max: 9 }),
    lag: fc.option(fc.integer({ min: -2, max: 15 }), {
      nil: undefined,
      ...(unmarked === undefined ? {} : { freq: unmarked }),
    }),
  });
  return fc.array(drawn, { maxLength }).map((records) => {
    let time = -20;
    let watermark = Number.NEGATIVE_INFINITY;
    const steps: Step[] = [];
    for (const { key, step, gap, lag } of records) {
      time += Math.max(step, -1);
      steps.push({ key, at: time + Math.min(step, 0), gap });
      if (lag === undefined || time - lag <= watermark) continue;
      watermark = time - lag;
      steps.push({ watermark });
    }
    return [...steps, { watermark: Number.POSITIVE_INFINITY }];
  });
}

export const plays = playsOf({ keys: ["a", "b", "c"], stepMax: 14, maxLength: 60 });

export const texts = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();

/** What the model says. */
export function expected(model: WindowModel, steps: readonly Step[]): { rows: string[]; late: number[] } {
  for (const step of steps) {
    if ("watermark" in step) model.advance(step.watermark);
    else model.add(step);
  }
  return { rows: texts(model.rows), late: model.late };
}

export function played(logic: OperatorLogic, steps: readonly Step[]): Played {
  const bench = new Bench(logic);
  for (const step of steps) {
    if ("watermark" in step) bench.operator.advance!(step.watermark);
    else bench.operator.element(step, step.at, 0);
  }
  return { rows: texts(bench.take()), late: latesOf(bench), dropped: bench.counters.lateRecordsDropped };
}

/** Plays the steps on subtasks that are restored before each one, each time as many as `parallelism` says. */
export function restored(
  logicOf: () => OperatorLogic,
  steps: readonly Step[],
  parallelism: (step: number) => number,
): Played {
  let saved: Saved | undefined;
  let dropped = 0;
  const rows: unknown[] = [];
  const late: number[] = [];
  for (const [i, step] of steps.entries()) {
    const subtasks = Array.from({ length: parallelism(i) }, (_, subtask) => {
      const bench = new Bench(logicOf(), subtask, parallelism(i));
      return saved === undefined ? bench : bench.load(saved);
    });
    for (const bench of subtasks) {
      if ("watermark" in step) expect(bench.operator.advance!(step.watermark)).to.equal(true);
      else if (bench.owns(keyGroupOf(canonicalKey(step.key), 128))) bench.operator.element(step, step.at, 0);
      rows.push(...bench.take());
      late.push(...latesOf(bench));
      dropped += bench.counters.lateRecordsDropped;
    }
    saved = {};
    for (const bench of subtasks) {
      for (const [name, entries] of Object.entries(bench.freeze()())) {
        saved[name] = [...(saved[name] ?? []), ...entries];
      }
    }
  }
  return { rows: texts(rows), late, dropped };
}

function latesOf(bench: Bench): number[] {
  return bench.sides.map(([, record]) => (record as ModelRecord).at);
}
