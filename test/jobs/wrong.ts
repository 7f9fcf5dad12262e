/** Programs that go wrong while checkpoints are taken, each in a way of its own. */

import { existsSync } from "node:fs";
import {
  collectSink,
  defineJob,
  type Environment,
  iterableSource,
  type SinkDefinition,
  type SinkWriter,
  type,
  value,
  watermarks,
} from "millrace";
import { type Crash, crashIf } from "./crash-file.js";
import { type Paced, pacedSource } from "./paced-source.js";

export interface WrongParams {
  readonly program: keyof typeof programs;
  /** Records in all. */
  readonly count: number;
  readonly crash: string;
  readonly how?: Crash;
  /** Work per record, ms. */
  readonly work?: number;
}

const rowsOf = (env: Environment, { count, crash, how, work = 0 }: WrongParams) =>
  env
    .source("rows", pacedSource({ counts: [count], perTick: 2 }), {
      watermarks: watermarks.boundedOutOfOrderness<Paced>(0, ({ id }) => id),
    })
    .map((row) => {
      crashIf(crash, how);
      const until = performance.now() + work;
      while (performance.now() < until);
      return row;
    }, "crashing");

const programs = {
  fine(env: Environment, params: WrongParams) {
    rowsOf(env, params).sink("out", collectSink());
  },
  /** Positions that are dates: JSON has none. */
  position(env: Environment, { count }: WrongParams) {
    async function* items(): AsyncGenerator<[number, unknown]> {
      for (let i = 0; i < count; i++) {
        yield [i, i < 10 ? i : new Date(i)];
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    env.source("rows", iterableSource<number, unknown>(items, { start: 0 })).sink("out", collectSink());
  },
  open(env: Environment, params: WrongParams) {
    rowsOf(env, params)
      .process("opening", {
        out: type<Paced>(),
        open() {
          throw new Error("cannot open");
        },
        element: (row, ctx) => ctx.emit(row),
      })
      .sink("out", collectSink());
  },
  /** Runs with one subtask only. */
  second(env: Environment, params: WrongParams) {
    rowsOf(env, params)
      .rebalance()
      .process("one only", {
        out: type<Paced>(),
        open({ subtask }) {
          if (subtask > 0) throw new Error("no second one");
        },
        element: (row, ctx) => ctx.emit(row),
      })
      .sink("out", collectSink());
  },
  timer(env: Environment, params: WrongParams) {
    rowsOf(env, params)
      .keyBy(({ id }) => id % 3)
      .process("timing", {
        out: type<Paced>(),
        state: { n: value<number>() },
        element(row, { timers, emit }) {
          if (row.id === 50) timers.eventTime(60);
          emit(row);
        },
        timer() {
          throw new Error("the timer does not like it");
        },
      })
      .sink("out", collectSink());
  },
  /** Its commits fail as long as the file is there. */
  commit(env: Environment, params: WrongParams) {
    env
      .source("rows", pacedSource({ counts: [params.count], perTick: 2 }))
      .sink("out", uncommitted(params.crash));
  },
  /** What is written cannot be named, or the writer remembered, as long as the file is there. */
  prepare(env: Environment, params: WrongParams) {
    env
      .source("rows", pacedSource({ counts: [params.count], perTick: 2 }))
      .sink("out", unprepared(params.crash, "prepareCommit"));
  },
  snapshot(env: Environment, params: WrongParams) {
    env
      .source("rows", pacedSource({ counts: [params.count], perTick: 2 }))
      .sink("out", unprepared(params.crash, "snapshot"));
  },
} as const;

export default defineJob("wrong", (env, params: WrongParams) => programs[params.program](env, params));

function uncommitted(file: string): SinkDefinition<any> {
  return {
    ...collectSink(),
    kind: "uncommitted",
    createCommitter: () => ({
      async open() {},
      async commit() {
        if (existsSync(file)) throw new Error("the target is away");
      },
      async abort() {},
    }),
  };
}

function unprepared(file: string, failing: "prepareCommit" | "snapshot"): SinkDefinition<any> {
  const failIf = (what: string) => {
    if (what === failing && existsSync(file)) throw new Error(`cannot do ${what}`);
  };
  const inner = collectSink();
  return {
    ...inner,
    kind: "unprepared",
    createWriter(context) {
      const writer = inner.createWriter(context);
      return {
        open: () => writer.open(),
        write: (record, timestamp) => writer.write(record, timestamp),
        flush: () => writer.flush(),
        close: (aborted) => writer.close(aborted),
        async prepareCommit() {
          failIf("prepareCommit");
          return writer.prepareCommit();
        },
        snapshot() {
          failIf("snapshot");
          return [];
        },
      } satisfies SinkWriter<unknown>;
    },
  };
}
