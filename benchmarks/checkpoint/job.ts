import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  blackholeSink,
  type DataStream,
  defineJob,
  map,
  type SinkDefinition,
  sum,
  type,
  value,
} from "../../lib/index.js";
import { pacedSource } from "./paced-source.js";

export interface CheckpointParams {
  /** "sum": keyed aggregate; "value": process with value state; "map": one key with a map of all keys. */
  readonly state: "sum" | "value" | "map";
  readonly keys: number;
  /** Keys that records touch once all keys are there, spread evenly. */
  readonly touched: number;
  readonly rate: number;
  readonly splits: number;
  /** Records a second that a subtask of the sink takes; 0: all. */
  readonly sinkRate: number;
  /** A crash after this many records of subtask 0, once, by whether there is a file; 0: none. */
  readonly crashAt: number;
  readonly folder: string;
}

interface Pair {
  readonly key: number;
  readonly amount: number;
}

/** All keys once, then random ones by the clock, into keyed state. */
export default defineJob("checkpoint", (env, params: CheckpointParams) => {
  const { state, keys, touched, rate, splits, sinkRate, crashAt, folder } = params;
  const every = Math.floor(keys / touched);
  const record = (index: number): Pair => {
    if (index < keys) return { key: index, amount: 1 };
    return { key: (mix(index) % touched) * every, amount: index & 7 };
  };
  const pairs = env.source("pairs", pacedSource({ rate, first: keys, splits, record }));
  const given = crashAt === 0 ? pairs : pairs.map(crashing(crashAt, folder), "crashing");
  const summed = totals(given, state);
  const seen = crashAt === 0 ? summed : summed.map(noting(folder), "noting");
  seen.sink("out", sinkRate > 0 ? slowSink(sinkRate) : blackholeSink());
});

interface Total {
  readonly key: number;
  readonly total: number;
}

function totals(pairs: DataStream<Pair>, state: CheckpointParams["state"]): DataStream<Total> {
  switch (state) {
    case "sum":
      return pairs.keyBy((pair) => pair.key).aggregate({ total: sum((pair) => pair.amount) });
    case "value":
      return pairs
        .keyBy((pair) => pair.key)
        .process("totals", {
          out: type<Total>(),
          state: { total: value<number>() },
          element({ amount }, ctx) {
            const total = (ctx.state.total.get() ?? 0) + amount;
            ctx.state.total.update(total);
            ctx.emit({ key: ctx.key, total });
          },
        });
    case "map":
      return pairs
        .keyBy(() => 0)
        .process("totals", {
          out: type<Total>(),
          state: { totals: map<number, number>() },
          element({ key, amount }, ctx) {
            const total = (ctx.state.totals.get(key) ?? 0) + amount;
            ctx.state.totals.set(key, total);
            ctx.emit({ key, total });
          },
        });
  }
}

function mix(index: number): number {
  let z = Math.imul(index + 1, 0x9e3779b9);
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** Ends its thread once, and says when. */
function crashing(at: number, folder: string): (pair: Pair) => Pair {
  let seen = 0;
  return (pair) => {
    if (++seen !== at) return pair;
    const file = join(folder, "crashed");
    try {
      writeFileSync(file, String(process.hrtime.bigint()), { flag: "wx" });
    } catch {
      return pair;
    }
    process.exit(7);
  };
}

/** Says when the first record came behind the state after the crash. */
function noting<T>(folder: string): (record: T) => T {
  let first = true;
  return (record) => {
    if (!first) return record;
    first = false;
    try {
      readFileSync(join(folder, "crashed"));
      writeFileSync(join(folder, "again"), String(process.hrtime.bigint()), { flag: "wx" });
    } catch {
      // Before the crash, or another subtask was first.
    }
    return record;
  };
}

/** Takes so many records a second: whoever sends more is held back. */
function slowSink(rate: number): SinkDefinition<unknown> {
  return {
    kind: "slow",
    description: {},
    createWriter: (context) => {
      let room = 0;
      const timer = setInterval(() => {
        room = Math.min(rate / 20, room + rate / 100);
        if (room > 0) context.resume();
      }, 10);
      return {
        open() {},
        write() {
          if (--room <= 0) context.pause();
        },
        flush() {},
        prepareCommit: async () => [],
        close: async () => clearInterval(timer),
      };
    },
  };
}
