/** Light pipelines, one a region, and one heavy operator behind them: exact quantiles of each window. */
import {
  custom,
  type DataStream,
  datagenSource,
  defineJob,
  digestSink,
  tumbling,
  watermarks,
} from "../../lib/index.js";

export interface ResourcesParams {
  readonly events: number;
  readonly regions: number;
  /** The groups say what their slots take. Else all slots are equal, as Flink's are without profiles. */
  readonly profiles: boolean;
}

interface Reading {
  readonly sensor: number;
  readonly value: number;
  readonly at: number;
}

const SENSORS = 500;
const EVENTS_PER_SECOND = 1_000;

export default defineJob("resources", (env, { events, regions, profiles }: ResourcesParams) => {
  const light = profiles ? { cpu: 1 / regions, heapMb: 32 } : {};
  const heavy = profiles ? { cpu: 1, heapMb: 768, exclusive: true } : {};
  let all: DataStream<Reading> | undefined;
  for (let region = 0; region < regions; region++) {
    const source = datagenSource({
      count: Math.floor(events / regions),
      splits: 1,
      record: (n, random): Reading => ({
        sensor: (random.u32() % SENSORS) * regions + region,
        value: random.u32() % 1_000_000,
        at: (n / EVENTS_PER_SECOND) * 1000,
      }),
    });
    const readings = env
      .source(`region ${region}`, source, {
        watermarks: watermarks.boundedOutOfOrderness("1s", ({ at }) => at),
      })
      .setParallelism(1)
      .slotSharingGroup({ name: `region ${region}`, ...light })
      .map((reading) => ({ ...reading, value: reading.value / 1000 }), `scaled ${region}`)
      .setParallelism(1)
      .filter(({ value }) => value >= 1, `sound ${region}`)
      .setParallelism(1);
    all = all === undefined ? readings : all.union(readings);
  }
  all!
    .keyBy(({ sensor }) => sensor)
    .window(tumbling("20s"))
    .aggregate({
      quantiles: custom({
        create: (): number[] => [],
        add: (values: number[], { value }: Reading) => {
          values.push(value);
          return values;
        },
        merge: (left, right) => left.concat(right),
        result: quantilesOf,
      }),
    })
    .setParallelism(1)
    .slotSharingGroup({ name: "quantiles", ...heavy })
    .sink("out", digestSink())
    .setParallelism(1);
});

function quantilesOf(values: number[]): string {
  values.sort((a, b) => a - b);
  return [0.5, 0.9, 0.99].map((share) => values[Math.floor(values.length * share)]).join();
}
