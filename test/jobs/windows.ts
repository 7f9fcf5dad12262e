import {
  avg,
  collectSink,
  count,
  custom,
  defineJob,
  iterableSource,
  max,
  min,
  sliding,
  sum,
  tumbling,
  watermarks,
} from "../../lib/index.js";
import { type Event, seededEvents } from "./events.js";

export interface WindowParams {
  seed: number;
  events: number;
  size: number;
  slide: number;
  offset: number;
  disorder: number;
}

/** Every window operator over seeded events. */
export default defineJob("windows", (env, params: WindowParams) => {
  const { size, slide, offset, disorder } = params;
  const assigner = slide === size ? tumbling(size, { offset }) : sliding({ size, slide, offset });
  const events = env
    .source(
      "events",
      iterableSource<Event>(() => seededEvents(params)),
      {
        watermarks: watermarks.boundedOutOfOrderness(disorder, (event) => event.time),
      },
    )
    .rebalance()
    .map((event) => event);

  const sums = events
    .keyBy((event) => event.key)
    .window(assigner)
    .aggregate(
      {
        count: count(),
        large: count((event) => event.value > 50),
        sum: sum((event) => event.value),
        min: min((event) => event.value),
        max: max((event) => event.value),
        avg: avg((event) => event.value),
        ids: custom({
          create: (): number[] => [],
          add: (ids: number[], event: Event) => [...ids, event.id],
          merge: (left: number[], right: number[]) => left.concat(right),
          result: (ids: number[]) => ids.sort((a, b) => a - b),
        }),
      },
      (result, { key, window }) => ({ key, start: window.start, end: window.end, ...result }),
    );
  sums.sink("sums", collectSink());

  events
    .keyBy((event) => event.key)
    .window(assigner)
    .reduce((left, right) =>
      left.value > right.value || (left.value === right.value && left.id < right.id) ? left : right,
    )
    .sink("largest", collectSink());

  events
    .windowAll(assigner)
    .aggregate({ count: count() }, ({ count: n }, { window }) => ({ start: window.start, count: n }))
    .sink("all", collectSink());

  // A result is stamped window end - 1: it falls in the window that ends with it.
  if (slide === size) {
    sums
      .windowAll(tumbling(size, { offset }))
      .topN(2, { by: (row) => row.sum, ties: (row) => row.key }, (row, rank, { window }) => ({
        start: window.start,
        rank,
        key: row.key,
        sum: row.sum,
      }))
      .sink("top", collectSink());
  } else {
    sums.filter(() => false).sink("top", collectSink<unknown>());
  }
});
