/** Jobs about event time: what a keyed function sees of the watermark, and windows behind sources that fall silent. */
import {
  collectSink,
  count,
  defineJob,
  type Environment,
  iterableSource,
  tumbling,
  type,
  type WatermarkOptions,
  type WatermarkStrategy,
  watermarks,
} from "../../lib/index.js";

export interface Said {
  readonly at: number;
  readonly says?: number;
  /** Waits so long before the next, ms. */
  readonly pause?: number;
}

export interface EventTimeParams {
  /** What each source gives, by name; they are united. */
  readonly sources: Readonly<Record<string, readonly Said[]>>;
  readonly strategy: "monotonous" | "punctuated" | "periodic";
  readonly options?: WatermarkOptions;
  /** Sources that go on for ever, without records. */
  readonly endless?: readonly string[];
  /** What records show: the watermark before them, or windows of 10 ms. */
  readonly show: "watermark" | "windows";
}

export default defineJob("event-time", (env, params: EventTimeParams) => {
  const { sources, endless = [], show } = params;
  const [first, ...others] = Object.entries(sources).map(([name, records]) =>
    source(env, name, params, records, endless.includes(name)),
  );
  const all = others.reduce<ReturnType<typeof source>>((united, each) => united.union(each) as never, first!);
  const keyed = all.keyBy(() => 0);
  if (show === "windows") {
    keyed
      .window(tumbling(10))
      .aggregate({ n: count() }, ({ n }, { window }) => [window.start, n])
      .sink("out", collectSink());
    return;
  }
  keyed
    .process("see", {
      out: type<readonly [number, number]>(),
      element: ({ at }, ctx) => ctx.emit([at, ctx.watermark]),
    })
    .sink("out", collectSink());
});

function source(
  env: Environment,
  name: string,
  params: EventTimeParams,
  records: readonly Said[],
  endless: boolean,
) {
  return env.source(
    name,
    iterableSource(({ signal }) => give(records, endless ? signal : undefined)),
    { watermarks: strategyOf(params) },
  );
}

async function* give(records: readonly Said[], signal: AbortSignal | undefined): AsyncGenerator<Said> {
  for (const record of records) {
    yield record;
    if (record.pause !== undefined) await new Promise((resolve) => setTimeout(resolve, record.pause));
  }
  if (signal === undefined) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

function strategyOf({ strategy, options }: EventTimeParams): WatermarkStrategy<Said> {
  const at = ({ at }: Said) => at;
  // NaN is not JSON: a record that says -1 means it.
  const said = ({ says }: Said) => (says === -1 ? Number.NaN : says);
  if (strategy === "monotonous") return watermarks.monotonous(at, options);
  if (strategy === "punctuated") return watermarks.punctuated(at, said, options);
  const create = () => {
    let latest: number | undefined;
    return {
      onRecord: (record: Said) => {
        latest = said(record);
      },
      watermark: () => latest,
    };
  };
  return watermarks.periodic(at, create, { ...options, interval: 0 });
}
