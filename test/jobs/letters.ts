import {
  broadcastState,
  collectSink,
  datagenSource,
  deadLetter,
  defineJob,
  type Environment,
  type ErrorPolicy,
  type,
  value,
} from "../../lib/index.js";

interface Row {
  readonly id: number;
}

export const ROWS = 400;
const bad = deadLetter("bad");

const rows = (env: Environment, count = ROWS) =>
  env.source("rows", datagenSource({ count, record: (id): Row => ({ id }) }));

/** Throws for every tenth row. */
function checked(row: Row): Row {
  if (row.id % 10 === 3) throw Object.assign(new RangeError(`row ${row.id}`), { code: "BAD_ROW" });
  return row;
}

const letters = (env: Environment) =>
  env
    .deadLetters<Row>("bad")
    .map(({ record, error, operator, source }) => {
      const from = source === null ? "nowhere" : `${source.split}:${source.position}`;
      return `${operator} ${record.id} ${error.name} ${error.code} ${error.message} from ${from}`;
    })
    .sink("letters", collectSink());

/** One small program per name: `params.program` chooses. */
const programs: Record<string, (env: Environment, policy: ErrorPolicy | undefined) => void> = {
  map(env, onError) {
    rows(env).map(checked, { name: "checked", onError: onError! }).sink("out", collectSink());
    if (typeof onError === "object") letters(env);
  },
  filter(env, onError) {
    rows(env)
      .filter((row) => checked(row) === row, { onError: onError! })
      .sink("out", collectSink());
    if (typeof onError === "object") letters(env);
  },
  flatMap(env, onError) {
    rows(env)
      .flatMap((row) => [checked(row)], { onError: onError! })
      .sink("out", collectSink());
    if (typeof onError === "object") letters(env);
  },
  /** What a generator gave before it threw stays. */
  generator(env) {
    rows(env, 40)
      .flatMap(
        function* (row) {
          yield row.id;
          yield checked(row).id + 1000;
        },
        { onError: bad },
      )
      .sink("out", collectSink());
    letters(env);
  },
  /** Records whose function is suspended for long before it throws. */
  suspended(env) {
    rows(env, 40)
      .flatMap(
        function* (row) {
          for (let i = 0; i < 20_000; i++) yield i;
          yield checked(row).id;
        },
        { onError: bad },
      )
      .rebalance()
      .filter((n) => n === 0)
      .sink("out", collectSink());
    letters(env);
  },
  /** Answers that come when other records have been read; behind it nobody knows from where they are. */
  later(env) {
    rows(env)
      .asyncMap(
        async (row) => {
          await new Promise((resolve) => setTimeout(resolve, (row.id * 7) % 5));
          if (row.id % 20 === 3) throw new RangeError(`row ${row.id}`);
          return row;
        },
        { name: "asking", capacity: 50, order: "unordered", onError: bad },
      )
      .map(checked, { name: "below", onError: bad })
      .sink("out", collectSink());
    letters(env);
  },
  process(env, onError) {
    rows(env)
      .process("checking", {
        out: type<Row>(),
        element(row, ctx) {
          ctx.emit(checked(row));
        },
        onError: onError!,
      })
      .sink("out", collectSink());
    if (typeof onError === "object") letters(env);
  },
  keyed(env, onError) {
    rows(env)
      .keyBy(({ id }) => id % 7)
      .process("checking", {
        out: type<Row>(),
        state: { seen: value<number>() },
        element(row, ctx) {
          ctx.state.seen.update((ctx.state.seen.get() ?? 0) + 1);
          ctx.emit(checked(row));
        },
        onError: onError!,
      })
      .sink("out", collectSink());
    if (typeof onError === "object") letters(env);
  },
  connected(env, onError) {
    const all = rows(env);
    all
      .connect(all)
      .process("checking", {
        out: type<Row>(),
        first: (row, ctx) => ctx.emit(checked(row)),
        second() {},
        onError: onError!,
      })
      .sink("out", collectSink());
    if (typeof onError === "object") letters(env);
  },
  keyedConnected(env, onError) {
    const all = rows(env).keyBy(({ id }) => id % 7);
    all
      .connect(all)
      .process("checking", {
        out: type<Row>(),
        first() {},
        second: (row, ctx) => ctx.emit(checked(row)),
        onError: onError!,
      })
      .sink("out", collectSink());
    if (typeof onError === "object") letters(env);
  },
  broadcast(env, onError) {
    const all = rows(env);
    all
      .keyBy(({ id }) => id % 7)
      .connect(all.broadcast(broadcastState<number, Row>()))
      .process("checking", {
        out: type<Row>(),
        element: (row, ctx) => ctx.emit(checked(row)),
        broadcastElement(row, ctx) {
          ctx.broadcast.set(row.id, row);
        },
        onError: onError!,
      })
      .sink("out", collectSink());
    if (typeof onError === "object") letters(env);
  },
  asyncMap(env, onError) {
    rows(env)
      .asyncMap(async (row) => checked(row), { name: "asking", capacity: 10, onError: onError! })
      .sink("out", collectSink());
    if (typeof onError === "object") letters(env);
  },
  /** An error below a process function with a policy is that operator's own. */
  below(env) {
    rows(env)
      .process("above", { out: type<Row>(), element: (row, ctx) => ctx.emit(row), onError: "skip" })
      .map(checked, "below")
      .sink("out", collectSink());
  },
  several(env) {
    rows(env, 20).map(checked, { name: "first", onError: bad }).sink("out", collectSink());
    env
      .source("more", datagenSource({ count: 20, record: (id): Row => ({ id: id + 100 }) }))
      .map(checked, { name: "second", onError: bad })
      .sink("more out", collectSink());
    letters(env);
  },
  unread(env) {
    rows(env).map(checked, { onError: bad }).sink("out", collectSink());
  },
  unwritten(env) {
    rows(env).sink("out", collectSink());
    letters(env);
  },
  tooLate(env) {
    rows(env).map(checked, { onError: bad }).sink("out", collectSink());
    letters(env);
    rows(env).map(checked, { onError: bad }).sink("late", collectSink());
  },
  wrong(env) {
    rows(env)
      .map(checked, { onError: "ignore" as never })
      .sink("out", collectSink());
  },
};

export default defineJob("letters", (env, params: { program: string; policy?: string }) => {
  const { program, policy } = params;
  programs[program]!(env, policy === "letter" ? bad : (policy as ErrorPolicy | undefined));
});
