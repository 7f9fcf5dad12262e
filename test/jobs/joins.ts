import {
  collectSink,
  datagenSource,
  defineJob,
  type Environment,
  session,
  sliding,
  tumbling,
  watermarks,
} from "../../lib/index.js";
import { pacedSource } from "./paced-source.js";

export interface Part {
  readonly id: number;
  readonly key: string;
  readonly at: number;
}

export const PARTS = 1500;
export const partOf = (id: number): Part => ({ id, key: `k${id % 13}`, at: id * 10 });

const parts = (env: Environment, name: string, count = PARTS) =>
  env.source(name, datagenSource({ count, record: partOf }), {
    watermarks: watermarks.boundedOutOfOrderness("1s", (part) => part.at),
  });

const keyOf = ({ key }: Part) => key;

/** Numbered records of a lane, at a pace. */
const paced = (env: Environment, name: string, count: number, perTick: number) =>
  env.source(name, pacedSource({ counts: [count, count], perTick }), {
    watermarks: watermarks.boundedOutOfOrderness(0, ({ id }) => id),
  });

export interface JoinParams {
  readonly program: string;
  /** Of those that take their time: records per tick and lane. */
  readonly perTick?: number;
}

/** One small program per name: `params.program` chooses. */
const programs: Record<string, (env: Environment, params: JoinParams) => void> = {
  interval(env) {
    const [left, right] = [parts(env, "left"), parts(env, "right")];
    left
      .keyBy(keyOf)
      .intervalJoin(right.keyBy(keyOf), { lower: "-300ms", upper: 130, upperExclusive: true }, (l, r) => [
        l.id,
        r.id,
      ])
      .sink("out", collectSink());
  },
  /** Each record meets all of the other side. */
  burst(env) {
    const [left, right] = [parts(env, "left", 600), parts(env, "right", 600)];
    left
      .keyBy(() => 1)
      .intervalJoin(
        right.keyBy(() => 1),
        { lower: "-1d", upper: "1d" },
        (l, r) => l.id * 600 + r.id,
      )
      .sink("out", collectSink());
  },
  window(env) {
    const [left, right] = [parts(env, "left"), parts(env, "right")];
    left
      .join(right)
      .on(keyOf, keyOf)
      .window(sliding({ size: 400, slide: 200 }))
      .apply((l, r, { key, window }) => [key, window.start, l.id, r.id])
      .sink("out", collectSink());
  },
  /** Keyed streams, of which the second has every third record only. */
  coGroup(env) {
    const left = parts(env, "left").keyBy(keyOf);
    const right = parts(env, "right")
      .filter(({ id }) => id % 3 === 0)
      .keyBy(keyOf);
    left
      .coGroup(right)
      .window(session(100))
      .apply((ls, rs, { key, window }) => [
        {
          key,
          start: window.start,
          left: ls.map(({ id }) => id).sort(),
          right: rs.map(({ id }) => id).sort(),
        },
      ])
      .sink("out", collectSink());
  },
  itself(env) {
    const left = parts(env, "left", 300);
    left
      .join(left)
      .on(keyOf, keyOf)
      .window(tumbling(500))
      .apply((one, other) => [one.id, other.id])
      .sink("out", collectSink());
  },
  /** One window, in which each record meets all of the other side. */
  windowBurst(env) {
    const [left, right] = [parts(env, "left", 600), parts(env, "right", 600)];
    left
      .keyBy(() => 1)
      .join(right.keyBy(() => 1))
      .window(tumbling("1d"))
      .apply((l, r) => l.id * 600 + r.id)
      .sink("out", collectSink());
  },
  paced(env, { perTick = 1 }) {
    const [left, right] = [paced(env, "left", PACED, perTick), paced(env, "right", PACED, perTick)];
    const joined = left
      .join(right)
      .on(
        ({ id }) => id % PACED_KEYS,
        ({ id }) => id % PACED_KEYS,
      )
      .window(tumbling(PACED_WINDOW_MS));
    joined.apply((l, r, { key }) => [key, l.lane, l.id, r.lane, r.id]).sink("out", collectSink());
  },
};

export const PACED = 400;
export const PACED_KEYS = 7;
export const PACED_WINDOW_MS = 50;

export default defineJob("joins", (env, params: JoinParams) => {
  programs[params.program]!(env, params);
});
