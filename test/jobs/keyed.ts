import {
  aggregating,
  broadcastState,
  collectSink,
  datagenSource,
  defineJob,
  type Environment,
  iterableSource,
  list,
  listState,
  map,
  reducing,
  sideOutput,
  type,
  unionListState,
  value,
  watermarks,
} from "../../lib/index.js";

interface Reading {
  readonly id: number;
  readonly key: string;
  readonly at: number;
}

const N = 3000;
const KEYS = 17;
const small = sideOutput<Reading>("small");

const readings = (env: Environment, name = "readings") =>
  env.source(
    name,
    datagenSource({ count: N, record: (id): Reading => ({ id, key: `k${id % KEYS}`, at: id * 10 }) }),
    { watermarks: watermarks.boundedOutOfOrderness("1s", (reading) => reading.at) },
  );

/** One small program per name: `params.program` chooses. */
const programs: Record<string, (env: Environment) => void> = {
  state(env) {
    readings(env)
      .keyBy(({ key }) => key)
      .process("all kinds", {
        out: type<object>(),
        state: {
          last: value<number>(),
          tail: list<number>(),
          parity: map<boolean, number>(),
          highest: reducing<number>((left, right) => Math.max(left, right)),
          mean: aggregating({
            create: () => ({ sum: 0, n: 0 }),
            add: ({ sum, n }, id: number) => ({ sum: sum + id, n: n + 1 }),
            result: ({ sum, n }) => sum / n,
          }),
        },
        element({ id }, { state, timers }) {
          state.last.update(id);
          if (id >= N - 2 * KEYS) state.tail.add(id);
          state.parity.set(id % 2 === 0, (state.parity.get(id % 2 === 0) ?? 0) + 1);
          state.highest.add(id);
          state.mean.add(id);
          timers.eventTime(N * 10);
        },
        timer(time, ctx) {
          ctx.emit({
            key: ctx.key,
            at: [time, ctx.timestamp, ctx.watermark >= time],
            last: ctx.state.last.get(),
            tail: [...ctx.state.tail.get()].sort((a, b) => a - b),
            even: ctx.state.parity.get(true),
            highest: ctx.state.highest.get(),
            mean: ctx.state.mean.get(),
          });
        },
      })
      .sink("out", collectSink());
  },
  /** An object as key; timers that register timers; deleted ones; a side output. */
  timers(env) {
    const process = readings(env)
      .keyBy(({ id }) => ({ group: id % 5 }))
      .process("chains", {
        out: type<{ group: number; time: number }>(),
        element(reading, ctx) {
          if (reading.id < 5) {
            ctx.timers.eventTime(1000);
            ctx.timers.eventTime(1000);
            ctx.timers.eventTime(1500);
            ctx.timers.deleteEventTime(1500);
            ctx.timers.processingTime(Number.POSITIVE_INFINITY);
            ctx.timers.deleteProcessingTime(Number.POSITIVE_INFINITY);
          }
          const { side } = ctx;
          if (reading.id % 1000 === 0) side(small, reading);
        },
        timer(time, { key, emit, timers }) {
          emit({ group: key.group, time });
          if (time < 50_000) timers.eventTime(time + 1000);
        },
      });
    process.sink("out", collectSink());
    process.side(small).sink("small", collectSink());
  },
  /** More timers due at once than every buffer takes. */
  manyTimers(env) {
    readings(env)
      .keyBy(({ id }) => id)
      .process("burst", {
        out: type<{ id: number; n: number }>(),
        element(_reading, ctx) {
          for (let n = 0; n < 40; n++) ctx.timers.eventTime(N * 100 + n);
        },
        timer(time, ctx) {
          ctx.emit({ id: ctx.key, n: time - N * 100 });
        },
      })
      .keyBy(({ n }) => n)
      .process("count", {
        out: type<{ n: number; count: number }>(),
        state: { count: value<number>() },
        element(_row, ctx) {
          ctx.state.count.update((ctx.state.count.get() ?? 0) + 1);
          ctx.timers.eventTime(N * 1000);
        },
        timer(_time, ctx) {
          ctx.emit({ n: ctx.key, count: ctx.state.count.get()! });
        },
      })
      .sink("out", collectSink());
  },
  processingTime(env) {
    env
      .source(
        "slow",
        iterableSource(async function* () {
          yield { id: 1 };
          yield { id: 2 };
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          yield { id: 3 };
        }),
      )
      .keyBy(({ id }) => id % 2)
      .process("later", {
        out: type<string>(),
        element({ id }, ctx) {
          ctx.emit(`element ${id}`);
          ctx.timers.processingTime(ctx.processingTime() + (id === 3 ? 60_000 : 20));
        },
        timer(time, ctx) {
          ctx.emit(`timer ${ctx.key} ${ctx.processingTime() >= time}`);
        },
      })
      .sink("out", collectSink());
  },
  connected(env) {
    const orders = readings(env, "orders").keyBy(({ id }) => id);
    const payments = readings(env, "payments")
      .filter(({ id }) => id % 3 === 0)
      .map(({ id, at }) => ({ order: id, paid: at }))
      .keyBy(({ order }) => order);
    orders
      .connect(payments)
      .process("paid", {
        out: type<string>(),
        state: { order: value<Reading>(), paid: value<number>() },
        first(order, ctx) {
          if (ctx.state.paid.get() !== undefined) ctx.emit(`${order.id} paid`);
          ctx.state.order.update(order);
          ctx.timers.eventTime(order.at + 5000);
        },
        second(payment, ctx) {
          if (ctx.state.order.get() !== undefined) ctx.emit(`${payment.order} paid`);
          ctx.state.paid.update(payment.paid);
        },
        timer(_time, ctx) {
          if (ctx.state.paid.get() === undefined) ctx.emit(`${ctx.key} open`);
        },
      })
      .sink("out", collectSink());
  },
  connectedPlain(env) {
    const one = readings(env, "one");
    const two = readings(env, "two").map(({ id }) => ({ other: -id - 1 }));
    one
      .connect(two)
      .map(
        ({ id }) => id,
        ({ other }) => other,
      )
      .sink("map", collectSink());
    one
      .connect(two.rebalance())
      .flatMap(
        ({ id }) => (id < 3 ? [id, id] : []),
        function* ({ other }) {
          if (other > -3) yield other;
        },
      )
      .sink("flatMap", collectSink());
    one
      .connect(two)
      .process("both", {
        out: type<number>(),
        state: { seen: listState<number>() },
        first({ id }, ctx) {
          if (id === 0) ctx.emit(1000);
        },
        second({ other }, ctx) {
          ctx.state.seen.add(other);
          if (other === -N) ctx.emit(ctx.subtask >= 0 ? 2000 : 0);
        },
      })
      .sink("process", collectSink());
  },
  /** The rules come first, or the readings wait in state for them. */
  broadcast(env) {
    const rules = env.source(
      "rules",
      iterableSource(() => Array.from({ length: KEYS - 2 }, (_, i) => ({ key: `k${i}`, factor: i }))),
    );
    readings(env)
      .keyBy(({ key }) => key)
      .connect(rules.broadcast(broadcastState<string, number>()))
      .process("rules", {
        out: type<{ key: string; factor: number | undefined; n: number; rules: number }>(),
        state: { n: value<number>() },
        element(_reading, ctx) {
          ctx.state.n.update((ctx.state.n.get() ?? 0) + 1);
          ctx.timers.eventTime(N * 10);
          if ("set" in ctx.broadcast) throw new Error("the keyed side can write");
        },
        broadcastElement({ key, factor }, ctx) {
          ctx.broadcast.set(key, factor);
        },
        timer(_time, ctx) {
          const { key, broadcast } = ctx;
          ctx.emit({ key, factor: broadcast.get(key), n: ctx.state.n.get()!, rules: broadcast.size });
        },
      })
      .sink("out", collectSink());
  },
  operatorState(env) {
    readings(env)
      .process("buffer", {
        state: { waiting: listState<Reading>(), all: unionListState<number>() },
        element(reading, ctx) {
          ctx.state.waiting.add(reading);
          ctx.state.all.addAll([reading.id]);
          if (ctx.state.waiting.get().length < 7 && reading.id < N - 7 * ctx.state.all.get().length) return;
          for (const each of ctx.state.waiting.get()) ctx.emit(each);
          ctx.state.waiting.clear();
        },
      })
      .sink("out", collectSink());
  },
  failInTimer(env) {
    readings(env)
      .keyBy(({ id }) => id)
      .process("explosive", {
        element(_reading, ctx) {
          ctx.timers.eventTime(100);
        },
        timer() {
          throw new Error("at the time");
        },
      })
      .sink("out", collectSink());
  },
  failInSecond(env) {
    const one = readings(env, "one");
    one
      .connect(readings(env, "two"))
      .map(
        ({ id }) => id,
        ({ id }): number => {
          throw new Error(`second ${id}`);
        },
        "halves",
      )
      .sink("out", collectSink());
  },
  noTimerFunction(env) {
    readings(env)
      .keyBy(({ id }) => id)
      .process("deaf", { element: (_reading, ctx) => ctx.timers.eventTime(100) })
      .sink("out", collectSink());
  },
  promised(env) {
    readings(env)
      .keyBy(({ id }) => id)
      .process("wait", { element: async () => undefined })
      .sink("out", collectSink());
  },
  reserved(env) {
    readings(env)
      .keyBy(({ id }) => id)
      .process("named", { state: { timers: value<number>() }, element() {} })
      .sink("out", collectSink());
  },
};

export default defineJob("keyed", (env, params: { program: string }) => {
  programs[params.program]!(env);
});
