/** A fast source and a slow one, joined by time: without alignment the join would keep all that the fast one gives. */
import { blackholeSink, datagenSource, defineJob, iterableSource, watermarks } from "../../lib/index.js";

export interface AlignedParams {
  readonly fast: "datagen" | "iterable";
  readonly maxDrift: number;
}

interface Tick {
  readonly at: number;
}

const SLOW_STEP = 20;
const SLOW_PAUSE_MS = 4;

export default defineJob("aligned", (env, { fast, maxDrift }: AlignedParams) => {
  const alignment = { group: "ticks", maxDrift, updateInterval: 20 };
  const byTime = watermarks.monotonous(({ at }: Tick) => at, { alignment });
  const source =
    fast === "datagen"
      ? datagenSource({ splits: 4, record: (at) => ({ at }) })
      : iterableSource(ticks, { start: 0 });
  const left = env.source<Tick>("fast", source as never, { watermarks: byTime });
  const right = env.source("slow", iterableSource(slowTicks, { start: 0 }), { watermarks: byTime });
  left
    .keyBy(({ at }) => at % 10)
    .intervalJoin(
      right.keyBy(({ at }) => at % 10),
      { lower: -10, upper: 10 },
      (l, r) => [l.at, r.at],
    )
    .sink("out", blackholeSink());
});

function* ticks({ position }: { position: number }) {
  for (let at = position; ; at++) yield [{ at }, at + 1] as const;
}

async function* slowTicks({ position, signal }: { position: number; signal: AbortSignal }) {
  for (let at = position; !signal.aborted; at += SLOW_STEP) {
    yield [{ at }, at + SLOW_STEP] as const;
    await new Promise((resolve) => setTimeout(resolve, SLOW_PAUSE_MS));
  }
}
