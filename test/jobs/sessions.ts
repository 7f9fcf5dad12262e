import {
  collectSink,
  count,
  defineJob,
  type Environment,
  evictors,
  globalWindows,
  iterableSource,
  max,
  session,
  sideOutput,
  sliding,
  triggers,
  tumbling,
  type,
  watermarks,
} from "../../lib/index.js";
import { type Event, seededEvents } from "./events.js";

export interface SessionParams {
  program: string;
  seed: number;
  events: number;
  disorder: number;
}

const late = sideOutput<Event>("late");

const eventsOf = (env: Environment, params: SessionParams, disorder = params.disorder) =>
  env.source(
    "events",
    iterableSource<Event>(() => seededEvents(params)),
    { watermarks: watermarks.boundedOutOfOrderness(disorder, (event) => event.time) },
  );

/** One small program per name, each with windows that do not share panes. */
const programs: Record<string, (env: Environment, params: SessionParams) => void> = {
  sessions(env, params) {
    eventsOf(env, params)
      .rebalance()
      .map((event) => event)
      .keyBy(({ key }) => key)
      .window(session(15))
      .aggregate({ n: count(), highest: max((event) => event.value) }, (result, { key, window }) => ({
        key,
        start: window.start,
        end: window.end,
        ...result,
      }))
      .sink("out", collectSink());
  },
  dynamic(env, params) {
    eventsOf(env, params)
      .keyBy(({ key }) => key)
      .window(session((event) => (event.value % 2 === 0 ? 10 : 20)))
      .process("ids", {
        out: type<object>(),
        window(events, { key, window, emit }) {
          const ids = events.map(({ id }) => id).sort((a, b) => a - b);
          emit({ key, start: window.start, end: window.end, ids });
        },
      })
      .sink("out", collectSink());
  },
  all(env, params) {
    eventsOf(env, params)
      .windowAll(session(3))
      .reduce(
        (left, right) => (left.id < right.id ? left : right),
        (first, { window }) => ({ start: window.start, end: window.end, first: first.id }),
      )
      .sink("out", collectSink());
  },
  counts(env, params) {
    eventsOf(env, params)
      .keyBy(({ key }) => key)
      .countWindow(4)
      .aggregate({ n: count() }, ({ n }, { key }) => ({ key, n }))
      .sink("out", collectSink());
  },
  slidingCounts(env, params) {
    eventsOf(env, params)
      .countWindowAll(5, 2)
      .process("ids", {
        out: type<object>(),
        window: (events, { emit }) => emit({ ids: events.map(({ id }) => id) }),
      })
      .sink("out", collectSink());
  },
  lateness(env, params) {
    const hours = eventsOf(env, params, 0)
      .keyBy(({ key }) => key)
      .window(tumbling(20), { allowedLateness: params.disorder / 4, lateData: late })
      .aggregate({ n: count() }, ({ n }, { key, window }) => ({ key, start: window.start, n }));
    hours.sink("out", collectSink());
    hours.side(late).sink("late", collectSink());
  },
  evicting(env, params) {
    eventsOf(env, params)
      .keyBy(({ key }) => key)
      .window(globalWindows(), { trigger: triggers.count(3), evictor: evictors.count(2) })
      .reduce((left, right) => (left.value > right.value ? left : right))
      .sink("out", collectSink());
  },
  top(env, params) {
    eventsOf(env, params)
      .windowAll(sliding({ size: 40, slide: 20 }), { allowedLateness: 1 })
      .topN(2, { by: ({ value }) => value, ties: ({ id }) => id }, ({ id }, rank, { window }) => ({
        start: window.start,
        rank,
        id,
      }))
      .sink("out", collectSink());
  },
  unstamped(env, params) {
    env
      .source(
        "events",
        iterableSource<Event>(() => seededEvents(params)),
      )
      .keyBy(({ key }) => key)
      .window(tumbling(20))
      .aggregate({ n: count() })
      .sink("out", collectSink());
  },
};

export default defineJob("sessions", (env, params: SessionParams) => programs[params.program]!(env, params));
