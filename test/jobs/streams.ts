import {
  collectSink,
  count,
  datagenSource,
  defineJob,
  type Environment,
  iterableSource,
  max,
  nexmarkSource,
  sideOutput,
  sum,
  tumbling,
  type,
  watermarks,
} from "../../lib/index.js";

interface Numbered {
  id: number;
}

const odd = sideOutput<Numbered>("odd");
const N = 5000;

/** One small program per name: `params.program` chooses. */
const programs: Record<string, (env: Environment, params: any) => void> = {
  flatMap(env) {
    const numbers = env.source("numbers", datagenSource({ count: 100, record: (id) => ({ id }) }));
    numbers
      .flatMap(({ id }) => Array.from({ length: id % 4 }, (_, i) => `${id}/${i}`))
      .sink("out", collectSink());
  },
  hugeFlatMap(env) {
    const seeds = env.source(
      "seeds",
      iterableSource(() => [1, 2, 3]),
    );
    seeds
      .flatMap(function* (seed) {
        for (let i = 0; i < 200_000; i++) yield { seed, i };
      })
      .keyBy(({ i }) => i % 100)
      .aggregate({ n: count(), last: max((row) => row.i) }, { miniBatch: true })
      .sink("out", collectSink());
  },
  /** One record of which a function that knows no gate emits more than every buffer takes, into a cursor. */
  burstIntoFlatMap(env) {
    env
      .source(
        "seed",
        iterableSource(() => [1]),
      )
      .process("burst", {
        out: type<number>(),
        element(_seed, ctx) {
          for (let i = 0; i < 150_000; i++) ctx.emit(i);
        },
      })
      .flatMap((i) => [i, -i])
      .rebalance()
      .map((i) => i)
      .keyBy((i) => Math.abs(i) % 10)
      .aggregate({ n: count() }, { miniBatch: true })
      .sink("out", collectSink());
  },
  process(env) {
    const numbers = env.source("numbers", datagenSource({ count: 100, record: (id): Numbered => ({ id }) }));
    const split = numbers.process("split", {
      out: type<Numbered>(),
      element(record, context) {
        if (record.id % 2 === 1) context.side(odd, record);
        else context.emit(record);
      },
    });
    split.sink("out", collectSink());
    split
      .side(odd)
      .map(({ id }) => -id)
      .sink("odd", collectSink());
  },
  union(env) {
    const one = env.source("one", datagenSource({ count: 50, record: (id) => ({ id }) }));
    const two = env.source("two", datagenSource({ count: 50, record: (id) => ({ id: 50 + id }) }));
    one
      .union(two)
      .keyBy(({ id }) => id % 5)
      .reduce((left, right) => ({ id: left.id + right.id }), { miniBatch: true })
      .sink("out", collectSink());
  },
  running(env, params: { miniBatch: boolean }) {
    const numbers = env.source(
      "numbers",
      datagenSource({ count: N, record: (id) => ({ id, key: `k${id % 13}` }) }),
    );
    numbers
      .keyBy(({ key }) => key)
      .aggregate({ n: count(), sum: sum((row) => row.id) }, { miniBatch: params.miniBatch })
      .sink("out", collectSink());
  },
  keys(env) {
    const keys = [
      1,
      "1",
      true,
      null,
      undefined,
      -0,
      0,
      Number.NaN,
      1.5,
      10n,
      new Date(5),
      [1, "a"],
      { a: 1 },
    ];
    const records = Array.from({ length: keys.length * 4 }, (_, i) => ({ i: i % keys.length }));
    env
      .source(
        "records",
        iterableSource(() => records),
      )
      .rebalance()
      .keyBy(({ i }) => keys[i])
      .aggregate(
        { n: count() },
        ({ n }, { key }) =>
          `${typeof key} ${typeof key === "bigint" ? key : (JSON.stringify(key) ?? key)} ${n}`,
        {
          miniBatch: true,
        },
      )
      .sink("out", collectSink());
  },
  late(env) {
    const times = [1000, 2500, 5000, 900, 9000, 950, 10_000];
    env
      .source(
        "times",
        iterableSource(() => times),
        { watermarks: watermarks.boundedOutOfOrderness(0, (time) => time) },
      )
      .windowAll(tumbling(1000))
      .aggregate({ n: count() })
      .sink("out", collectSink());
  },
  nexmark(env, params: { disorder: number }) {
    env
      .source("events", nexmarkSource({ events: 60_000, disorder: params.disorder }), {
        watermarks: watermarks.boundedOutOfOrderness("4s", (event) => event.dateTime),
      })
      .filter((event) => event.kind === "bid")
      .windowAll(tumbling("1s"))
      .aggregate({ n: count() })
      .sink("out", collectSink());
  },
};

for (const spread of ["rebalance", "rescale", "shuffle", "broadcast", "forward", "global"] as const) {
  programs[spread] = (env) => {
    const numbers = env.source("numbers", datagenSource({ count: N, record: (id) => ({ id }) }));
    numbers
      .map((record) => record)
      .disableChaining()
      [spread]()
      .map(({ id }) => id)
      .sink("out", collectSink());
  };
}

programs.partitionCustom = (env) => {
  const numbers = env.source("numbers", datagenSource({ count: N, record: (id) => ({ id }) }));
  numbers
    .partitionCustom(({ id }, channels) => id % channels)
    .map(({ id }) => id)
    .sink("out", collectSink());
};

export default defineJob("streams", (env, params: { program: string } & Record<string, unknown>) => {
  programs[params.program]!(env, params as never);
});
