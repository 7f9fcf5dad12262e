/** Running fields, and the one-liners of queues. */
import {
  collectSink,
  defineJob,
  type Environment,
  iterableSource,
  type KeyedStream,
  type Operator,
  sum,
  tumbling,
  watermarks,
} from "../../lib/index.js";
import { type Event, seededEvents } from "./events.js";
import { type Paced, pacedSource } from "./paced-source.js";

export interface QueueParams {
  readonly program: string;
  readonly seed: number;
  readonly events: number;
  readonly disorder: number;
}

export const GAP_MS = 40;
export const INTERVAL_MS = 60;
export const BATCH = 7;
export const PACED = 500;
export const LANES = 3;

/** In the order of the source for every key: it has one subtask. */
const eventsOf = (env: Environment, params: QueueParams) =>
  env.source(
    "events",
    iterableSource<Event>(() => seededEvents(params)),
    { watermarks: watermarks.boundedOutOfOrderness(params.disorder, (event) => event.time) },
  );

/** Each over the events of a key. */
const keyed: Record<string, (events: KeyedStream<Event, string>) => Operator<any>> = {
  sum: (events) => events.sum("value"),
  min: (events) => events.min("value"),
  max: (events) => events.max("value"),
  minBy: (events) => events.minBy("value"),
  maxBy: (events) => events.maxBy("value", { ties: "last" }),
  reduce: (events) => events.reduce((left, right) => ({ ...right, value: left.value * 31 + right.value })),
  debounce: (events) => events.debounce(GAP_MS),
  throttle: (events) => events.throttle(INTERVAL_MS, { limit: 2 }),
  batchBy: (events) => events.batchBy({ size: BATCH }),
  dedupe: (events) => events.dedupe((event) => event.value % 10),
  dedupeKeys: (events) => events.dedupe(),
};

/** Each over all events. */
const whole: Record<string, (env: Environment, params: QueueParams) => void> = {
  dedupeAll: (env, params) =>
    void eventsOf(env, params)
      .rebalance()
      .map((event) => event)
      .dedupe((event) => event.value)
      .sink("out", collectSink()),
  batchAll: (env, params) =>
    void eventsOf(env, params)
      .rebalance()
      .map((event) => event)
      .batchBy({ size: BATCH })
      .sink("out", collectSink()),
  /** Windows of batches: one that waits for the end of the input, with the first event, comes in time all the same. */
  batchWindows: (env, params) =>
    void eventsOf(env, params)
      .partitionCustom(({ id }, channels) => (id === 0 ? channels - 1 : 0))
      .map((event) => event)
      .batchBy({ size: params.events })
      .windowAll(tumbling(INTERVAL_MS))
      .aggregate({ events: sum((batch: Event[]) => batch.length) })
      .sink("out", collectSink()),
  /** Behind the source, without an exchange; takes its time. */
  batchPaced: (env, { events }) =>
    void env
      .source("rows", pacedSource({ counts: Array.from({ length: LANES }, () => PACED), perTick: events }), {
        watermarks: watermarks.boundedOutOfOrderness<Paced>(0, ({ id }) => id),
      })
      .batchBy({ size: BATCH })
      .sink("out", collectSink()),
};

export default defineJob("queues", (env, params: QueueParams) => {
  const ofKey = keyed[params.program];
  if (ofKey === undefined) return whole[params.program]!(env, params);
  return void ofKey(eventsOf(env, params).keyBy(({ key }) => key)).sink("out", collectSink());
});
