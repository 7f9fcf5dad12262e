/** A chain of sources that tell event time each in its own way; shows of each record its time and the watermark. */
import { once } from "node:events";
import { collectSink, defineJob, hybridSource, iterableSource, type, watermarks } from "millrace";

export interface Told {
  readonly n: number;
  /** That the watermark is this record's time. */
  readonly says?: boolean;
}

export interface HybridTimeParams {
  readonly sources: readonly [readonly Told[], readonly Told[], readonly Told[]];
  /** The second source gives no more than so many, and does not end. */
  readonly until?: number;
  /** Whether the job says how event time is told in sources that do not. */
  readonly whole: boolean;
}

const strategy = (unit: number) =>
  watermarks.punctuated<Told>(
    ({ n }) => n * unit,
    ({ says }, timestamp) => (says === true ? timestamp : undefined),
  );

export default defineJob("hybrid-time", (env, { sources, until, whole }: HybridTimeParams) => {
  const [first, second, third] = sources.map((records, source) =>
    iterableSource(
      async function* ({ position, signal }) {
        for (let i = position; i < records.length; i++) {
          if (source === 1 && i === until) await once(signal, "abort");
          yield [records[i]!, i + 1] as const;
        }
      },
      { start: 0 },
    ),
  );
  const chain = hybridSource<Told>(
    { source: first!, watermarks: strategy(1) },
    { source: () => second!, watermarks: strategy(1000), boundedness: "bounded" },
    third!,
  );
  env
    .source("told", chain, whole ? { watermarks: strategy(1_000_000) } : {})
    .keyBy(() => 0)
    .process("see", {
      out: type<readonly [number | undefined, number]>(),
      element: (_record, ctx) => ctx.emit([ctx.timestamp, ctx.watermark]),
    })
    .sink("out", collectSink());
});
