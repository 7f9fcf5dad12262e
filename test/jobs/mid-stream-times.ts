/** The source knows no time: it is in what the records are made into. */
import { collectSink, count, datagenSource, defineJob, tumbling, watermarks } from "../../lib/index.js";

export interface MidStreamParams {
  readonly records: number;
  /** Where the map fails, the first time. */
  readonly failsAt: number;
}

export default defineJob("mid-stream times", (env, { records, failsAt }: MidStreamParams) => {
  env
    .source("lines", datagenSource({ count: records, record: (n) => `${n}` }))
    .map({
      map(text, { attempt }) {
        const at = Number(text);
        if (at === failsAt && attempt === 1) throw new Error("the first time");
        return { at };
      },
    })
    .assignTimestampsAndWatermarks(watermarks.boundedOutOfOrderness(records, ({ at }) => at))
    .windowAll(tumbling(100))
    .aggregate({ n: count() }, ({ n }, { window: { start } }) => ({ start, n }))
    .sink("out", collectSink());
});
