/** Functions that are objects: each says in a file when it is opened and closed. `params.program` chooses the kind. */
import { appendFileSync } from "node:fs";
import {
  accumulators,
  broadcastState,
  collectSink,
  custom,
  type DataStream,
  datagenSource,
  defineJob,
  type Environment,
  type FunctionContext,
  type FunctionLifecycle,
  type MapFunction,
  type ProcessContext,
  type ProcessFunction,
  tumbling,
  type,
  watermarks,
} from "../../lib/index.js";
import { crashIf } from "./crash-file.js";

export interface LifecycleParams {
  readonly program: string;
  readonly log: string;
  /** Where something fails: "open", "close" or "record". */
  readonly fails?: string;
  /** Without it the job has no end. */
  readonly count?: number;
  readonly crash?: string;
}

interface Row {
  readonly id: number;
}

const later = () => new Promise<void>((resolve) => setTimeout(resolve, 5));

/** `open` and `close` take a while, and say that they were there. */
function lifecycle({ log, fails }: LifecycleParams): Required<FunctionLifecycle> {
  let me = "";
  return {
    async open({ operator, subtask, parallelism, attempt, job, signal }) {
      me = `${operator} ${subtask}/${parallelism} ${attempt} ${job} ${signal.aborted}`;
      appendFileSync(log, `open ${me}\n`);
      await later();
      if (fails === "open") throw new RangeError("cannot be opened");
    },
    async close() {
      await later();
      appendFileSync(log, `close ${me}\n`);
      if (fails === "close") throw new RangeError("cannot be closed");
    },
  };
}

const check = (row: Row, { fails }: LifecycleParams): Row => {
  if (fails === "record" && row.id === 40) throw new RangeError("no such row");
  return row;
};

const kinds: Record<string, (rows: DataStream<Row>, given: LifecycleParams) => DataStream<any>> = {
  map: (rows, given) => rows.map({ ...lifecycle(given), map: (row) => check(row, given) }, "own"),
  filter: (rows, given) =>
    rows.filter({ ...lifecycle(given), filter: (row) => check(row, given) === row }, "own"),
  flatMap: (rows, given) =>
    rows.flatMap({ ...lifecycle(given), flatMap: (row) => [check(row, given)] }, "own"),
  asyncMap: (rows, given) =>
    rows.asyncMap(
      {
        ...lifecycle(given),
        async asyncMap(row, { signal, attempt }) {
          if (signal.aborted || attempt !== 1) throw new Error("not called as it should be");
          return check(row, given);
        },
      },
      { name: "own" },
    ),
  process: (rows, given) =>
    rows.process("own", {
      ...lifecycle(given),
      out: type<Row>(),
      element: (row, ctx) => ctx.emit(check(row, given)),
    }),
  keyed: (rows, given) =>
    rows
      .keyBy(({ id }) => id)
      .process("own", {
        ...lifecycle(given),
        out: type<Row>(),
        element: (row, ctx) => ctx.emit(check(row, given)),
        timer() {},
      }),
  connected: (rows, given) =>
    rows.connect(rows).process("own", {
      ...lifecycle(given),
      out: type<Row>(),
      first: (row, ctx) => ctx.emit(check(row, given)),
      second() {},
    }),
  keyedConnected: (rows, given) =>
    rows
      .keyBy(({ id }) => id)
      .connect(rows.keyBy(({ id }) => id))
      .process("own", {
        ...lifecycle(given),
        out: type<Row>(),
        first: (row, ctx) => ctx.emit(check(row, given)),
        second() {},
      }),
  broadcast: (rows, given) =>
    rows
      .keyBy(({ id }) => id)
      .connect(rows.broadcast(broadcastState<number, number>()))
      .process("own", {
        ...lifecycle(given),
        out: type<Row>(),
        element: (row, ctx) => ctx.emit(check(row, given)),
        broadcastElement() {},
      }),
  window: (rows, given) =>
    rows
      .keyBy(({ id }) => id)
      .window(tumbling(1))
      .process("own", {
        ...lifecycle(given),
        out: type<Row>(),
        window: (all, ctx) => ctx.emit(check(all[0]!, given)),
      }),
};

export const KINDS = Object.keys(kinds);

const rows = (env: Environment, { count }: LifecycleParams) =>
  env.source(
    "rows",
    datagenSource({ ...(count === undefined ? {} : { count }), record: (id): Row => ({ id }) }),
    { watermarks: watermarks.boundedOutOfOrderness("1h", ({ id }) => id) },
  );

/** State that only the instance may touch. */
class Counting implements MapFunction<Row, number> {
  #seen = 0;
  private factor = 0;

  open(): void {
    this.factor = 2;
  }

  map(row: Row): number {
    this.#seen++;
    if (this.#seen < 1) throw new Error("never");
    return row.id * this.factor;
  }
}

class Halving implements ProcessFunction<number, number> {
  readonly out = type<number>();
  readonly onError = "skip" as const;
  #opened = false;

  open(): void {
    this.#opened = true;
  }

  element(n: number, ctx: ProcessContext<number>): void {
    if (!this.#opened) return;
    if (n === 14) throw new RangeError("not this one");
    ctx.emit(n / 2);
  }
}

const programs: Record<string, (env: Environment, given: LifecycleParams) => void> = {
  instances(env, given) {
    rows(env, given).map(new Counting()).process("halved", new Halving()).sink("out", collectSink());
  },
  /** All that functions can count. */
  counting(env, given) {
    const ids = env.accumulator("ids", accumulators.int());
    const large = env.accumulator("large", accumulators.long());
    const halves = env.accumulator("halves", accumulators.double());
    const least = env.accumulator("least", accumulators.min());
    const most = env.accumulator("most", accumulators.max());
    const mean = env.accumulator("mean", accumulators.avg());
    const subtasks = env.accumulator("subtasks", accumulators.list<string>());
    const digits = env.accumulator("digits", accumulators.histogram());
    const words = env.accumulator(
      "words",
      accumulators.custom<number, Set<string>, string>({
        create: () => new Set(),
        add: (set, id) => set.add(`w${id % 7}`),
        merge(set, other) {
          for (const each of other) set.add(each);
          return set;
        },
        result: (set) => [...set].sort().join(),
      }),
    );
    env.accumulator("unused", accumulators.int());
    const counted = {
      open(ctx: FunctionContext) {
        ctx.accumulator(subtasks).add(`${ctx.operator} ${ctx.subtask} ${ctx.attempt}`);
        ctx.metrics.gauge("subtask", () => ctx.subtask);
      },
      map(row: Row, ctx: FunctionContext): Row {
        crashIf(given.crash);
        ctx.accumulator(ids).add(1);
        ctx.accumulator(large).add(2n ** 60n);
        ctx.accumulator(halves).add(0.5);
        ctx.accumulator(least).add(row.id);
        ctx.accumulator(most).add(row.id);
        ctx.accumulator(mean).add(row.id);
        ctx.accumulator(digits).add(row.id % 10);
        ctx.accumulator(words).add(row.id);
        ctx.metrics.counter("rows").increase();
        ctx.metrics.histogram("ids").record(row.id);
        return row;
      },
      close() {},
    };
    rows(env, given)
      .map(counted, "counted")
      .keyBy(({ id }) => id)
      .process("again", {
        out: type<Row>(),
        element(row, ctx) {
          ctx.accumulator(ids).add(1);
          ctx.metrics.counter("rows").increase(2);
          ctx.emit(row);
        },
        close() {},
      })
      .sink("out", collectSink());
  },
  /** What is added while it is closed counts, too. */
  closing(env, given) {
    const closed = env.accumulator("closed", accumulators.int());
    let own: { add(n: number): void } | undefined;
    rows(env, given)
      .map({
        open(ctx) {
          own = ctx.accumulator(closed);
        },
        map: (row) => row,
        close() {
          own?.add(1);
        },
      })
      .sink("out", collectSink());
  },
  /** A source and a sink of one's own that count what they read and write. */
  connectors(env, given) {
    const source = datagenSource({ count: given.count!, record: (id): Row => ({ id }) });
    const sink = collectSink<Row>();
    env
      .source("rows", {
        ...source,
        createReader(context) {
          const reader = source.createReader(context);
          const read = context.metrics.counter("read");
          const next = reader.next.bind(reader);
          return Object.assign(reader, {
            next() {
              const row = next();
              if (row !== undefined) read.increase();
              return row;
            },
          });
        },
      })
      .rebalance()
      .sink("out", {
        ...sink,
        createWriter(context) {
          const writer = sink.createWriter(context);
          const write = writer.write.bind(writer);
          return Object.assign(writer, {
            write(row: Row, timestamp: number) {
              context.metrics.histogram("written").record(row.id);
              write(row, timestamp);
            },
          });
        },
      });
  },
  sameName(env) {
    env.accumulator("n", accumulators.int());
    env.accumulator("n", accumulators.double());
  },
  undeclared: (env, given) =>
    adding(env, given, (ctx) => ctx.accumulator({ name: "n", ...accumulators.int() }).add(1)),
  half: (env, given) => {
    const n = env.accumulator("n", accumulators.int());
    adding(env, given, (ctx) => ctx.accumulator(n).add(0.5));
  },
  noBigint: (env, given) => {
    const n = env.accumulator("n", accumulators.long());
    adding(env, given, (ctx) => ctx.accumulator(n).add(1 as never));
  },
  functions: (env, given) => {
    const n = env.accumulator("n", accumulators.list<unknown>());
    adding(env, given, (ctx) => ctx.accumulator(n).add(() => 1));
  },
  unmerged: (env, given) => {
    const merge = (): number => {
      throw new RangeError("cannot be merged");
    };
    const sum = custom<number, number, number>({
      create: () => 0,
      add: (a, b) => a + b,
      merge,
      result: (a) => a,
    });
    const n = env.accumulator("n", accumulators.custom(sum.custom!));
    adding(env, given, (ctx) => ctx.accumulator(n).add(1));
  },
  otherMetric: (env, given) =>
    adding(env, given, (ctx) => {
      ctx.metrics.counter("n").increase();
      ctx.metrics.histogram("n").record(1);
    }),
  otherGauge: (env, given) =>
    adding(env, given, (ctx) => {
      ctx.metrics.counter("n").increase();
      ctx.metrics.gauge("n", () => 1);
    }),
  badGauge: (env, given) => adding(env, given, (ctx) => ctx.metrics.gauge("n", () => "many" as never)),
  noFunction(env, given) {
    rows(env, given)
      .map({ filter: () => true } as never)
      .sink("out", collectSink());
  },
};

function adding(env: Environment, given: LifecycleParams, add: (ctx: FunctionContext) => void): void {
  rows(env, given)
    .map(
      {
        map(row, ctx) {
          add(ctx);
          return row;
        },
      },
      "adding",
    )
    .sink("out", collectSink());
}

export default defineJob("lifecycles", (env, params: LifecycleParams) => {
  const kind = kinds[params.program];
  if (kind !== undefined) kind(rows(env, params), params).sink("out", collectSink());
  else programs[params.program]!(env, params);
});
