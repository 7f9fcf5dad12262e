import { collectSink, datagenSource, defineJob, type Environment, watermarks } from "../../lib/index.js";

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

/** One small program per name: `params.program` chooses. */
const programs: Record<string, (env: Environment) => void> = {
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
};

export default defineJob("joins", (env, params: { program: string }) => {
  programs[params.program]!(env);
});
