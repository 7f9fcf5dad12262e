/** Jobs that show what a slot's settings do: one retains records, one lets them go, one has few of them. */
import {
  blackholeSink,
  datagenSource,
  defineJob,
  digestSink,
  type SinkDefinition,
  sum,
  type,
  value,
} from "../../lib/index.js";
import { pacedSource } from "../checkpoint/paced-source.js";

/** Delays are told on a channel of this name. */
export const DELAYS = "slots-delays";

export interface SlotsParams {
  /** "retained": the last record of each key is kept; "passing": sums by key; "trickle": few records by the clock. */
  readonly job: "retained" | "passing" | "trickle";
  readonly records: number;
  readonly keys: number;
  /** Records a second; of a trickle. */
  readonly rate: number;
  readonly splits: number;
}

interface Reading {
  readonly key: number;
  readonly name: string;
  readonly value: number;
}

export default defineJob("slots", (env, { job, records, keys, rate, splits }: SlotsParams) => {
  if (job === "trickle") {
    env
      .source("ticks", pacedSource({ rate, first: 0, splits, record: () => ({ at: sharedClockMs() }) }))
      .rebalance()
      .sink("out", delaySink());
    return;
  }
  const readings = env
    .source(
      "readings",
      datagenSource({
        count: records,
        record: (n, random): Reading => ({ key: random.u32() % keys, name: `reading ${n}`, value: n & 1023 }),
      }),
    )
    .keyBy(({ key }) => key);
  if (job === "passing") {
    readings.aggregate({ total: sum(({ value }) => value) }).sink("out", blackholeSink());
    return;
  }
  readings
    .process("last", {
      out: type<{ key: number; jumps: number }>(),
      state: { last: value<Reading>() },
      element(reading, { state, emit, key }) {
        const before = state.last.get();
        state.last.update(reading);
        if (before !== undefined && before.value > 1000) emit({ key, jumps: reading.value - before.value });
      },
    })
    .sink("out", digestSink());
});

/** The clock that all threads of a process share. */
function sharedClockMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

interface Tick {
  readonly at: number;
}

/** How long records took to come here: a row for each beat with the delays since the last one, ms. */
function delaySink(): SinkDefinition<Tick> {
  return {
    kind: "delays",
    description: {},
    createWriter: () => {
      const port = new BroadcastChannel(DELAYS);
      let delays: number[] = [];
      const timer = setInterval(() => {
        if (delays.length > 0) port.postMessage(delays);
        delays = [];
      }, 200);
      return {
        open() {},
        write({ at }) {
          delays.push(sharedClockMs() - at);
        },
        flush() {},
        prepareCommit: async () => [],
        async close() {
          clearInterval(timer);
          port.close();
        },
      };
    },
  };
}
