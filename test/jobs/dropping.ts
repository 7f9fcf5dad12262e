/** Operators that keep state for a while, over keys that come once and never again: none of it may stay. */
import {
  avg,
  blackholeSink,
  count,
  datagenSource,
  defineJob,
  type Environment,
  max,
  session,
  tumbling,
  watermarks,
} from "../../lib/index.js";

export interface DroppingParams {
  readonly program: keyof typeof programs;
}

interface Tick {
  /** Of KEY_RECORDS records one after the other. */
  readonly key: string;
  readonly at: number;
}

/** Of a source: how far one may be ahead of the other, in records, which come one a ms. */
export const MAX_DRIFT = 2000;
export const KEY_RECORDS = 20;

const ticks = (env: Environment, name: string) =>
  env.source(
    name,
    datagenSource({ splits: 4, record: (at): Tick => ({ key: `k${Math.floor(at / KEY_RECORDS)}`, at }) }),
    {
      watermarks: watermarks.boundedOutOfOrderness(10, ({ at }) => at, {
        alignment: { group: "ticks", maxDrift: MAX_DRIFT, updateInterval: 10 },
      }),
    },
  );

const keyOf = ({ key }: Tick) => key;

const programs = {
  sessions: (env: Environment) =>
    ticks(env, "ticks")
      .keyBy(keyOf)
      .window(session(50))
      .aggregate({ n: count(), mean: avg(({ at }) => at) })
      .sink("out", blackholeSink()),
  "sessions of records": (env: Environment) =>
    ticks(env, "ticks")
      .keyBy(keyOf)
      .window(
        session(({ at }) => 10 + (at % 40)),
        { allowedLateness: 30 },
      )
      .process("all", { window: (records, ctx) => ctx.emit([...records].length as never) })
      .sink("out", blackholeSink()),
  "windows with lateness": (env: Environment) =>
    ticks(env, "ticks")
      .keyBy(keyOf)
      .window(tumbling(50), { allowedLateness: 30 })
      .aggregate({ last: max(({ at }) => at) })
      .sink("out", blackholeSink()),
  "an interval join": (env: Environment) =>
    ticks(env, "left")
      .keyBy(keyOf)
      .intervalJoin(ticks(env, "right").keyBy(keyOf), { lower: -30, upper: 100 }, (l, r) => l.at - r.at)
      .sink("out", blackholeSink()),
} satisfies Record<string, (env: Environment) => unknown>;

export default defineJob("dropping", (env, { program }: DroppingParams) => {
  programs[program](env);
});
