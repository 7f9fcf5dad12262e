/**
 * Keyed state by the backends: get and update per record, where four of five accesses go to a fifth of the keys;
 * interleaved in one process, medians of pairwise ratios.
 */
import type { StateBackend } from "../../lib/state/contract.js";
import { heapBackend } from "../../lib/state/heap/backend.js";
import { lmdbBackend } from "../../lib/state/lmdb/backend.js";
import { type Measured, measure, median, rounded } from "../measure.js";
import { Report } from "../report.js";
import { BenchState } from "./bench-state.js";

export interface StateSuiteOptions {
  readonly keys: readonly number[];
  /** Also ten million keys by lmdb: to be run with a small heap (--max-old-space-size=512). */
  readonly large: boolean;
  readonly pairs: number;
  readonly json: boolean;
}

const LARGE = 10_000_000;
const ACCESSES = 1_000_000;

export async function state({ keys, large, pairs, json }: StateSuiteOptions): Promise<void> {
  const report = new Report(json);
  for (const each of keys) report.row(await compared(each, pairs));
  if (large) report.row(await alone(LARGE, pairs));
}

interface Figures {
  readonly access: Measured[];
  readonly full: Measured[];
  readonly delta: Measured[];
  fullBytes: number;
  deltaBytes: number;
}

/** One backend with all keys in it. */
class Side {
  readonly figures: Figures = { access: [], full: [], delta: [], fullBytes: 0, deltaBytes: 0 };
  private readonly keys: number;
  private readonly bench: BenchState;
  private seed = 1;

  constructor(backend: StateBackend, keys: number) {
    this.keys = keys;
    this.bench = new BenchState(backend);
    this.bench.run(keys, (i) => i);
    this.bench.snapshot("full");
  }

  async round(): Promise<void> {
    const { figures, bench, keys } = this;
    figures.access.push(await measure(() => bench.run(ACCESSES, this.skewed)));
    figures.full.push(await measure(() => (figures.fullBytes = bench.snapshot("full"))));
    bench.run(Math.ceil(keys / 100), (i) => i * 100);
    figures.delta.push(await measure(() => (figures.deltaBytes = bench.snapshot("delta"))));
  }

  /** Forgets what was measured while code and caches warmed up. */
  forget(): void {
    const { figures, bench } = this;
    for (const list of [figures.access, figures.full, figures.delta]) list.length = 0;
    bench.longestTurnMs = 0;
    bench.longestFreezeMs = 0;
  }

  /** The longest that it stopped whoever uses it, ms: a turn of accesses with its rest, a freeze. */
  get longestTurnMs(): number {
    return rounded(this.bench.longestTurnMs, 1);
  }

  get longestFreezeMs(): number {
    return rounded(this.bench.longestFreezeMs, 1);
  }

  close(): Promise<void> {
    return this.bench.close();
  }

  /** Four of five go to a fifth of the keys, which lie everywhere. */
  private readonly skewed = (): number => {
    const { keys } = this;
    const hot = Math.ceil(keys / 5);
    return this.random() % 5 < 4 ? (this.random() % hot) * 5 : this.random() % keys;
  };

  private random(): number {
    let z = this.seed;
    z ^= z << 13;
    z ^= z >>> 17;
    z ^= z << 5;
    this.seed = z;
    return z >>> 0;
  }
}

async function compared(keys: number, pairs: number) {
  const [heap, lmdb] = [new Side(heapBackend, keys), new Side(lmdbBackend, keys)];
  await heap.round();
  await lmdb.round();
  heap.forget();
  lmdb.forget();
  for (let pair = 0; pair < pairs; pair++) {
    await heap.round();
    await lmdb.round();
  }
  await heap.close();
  await lmdb.close();
  const ratio = (of: "access" | "full" | "delta") =>
    rounded(median(lmdb.figures[of].map(({ cpuMs }, i) => cpuMs / heap.figures[of][i]!.cpuMs)));
  return {
    suite: "state",
    keys,
    heapNsPerAccess: nsPerAccess(heap.figures),
    lmdbNsPerAccess: nsPerAccess(lmdb.figures),
    ratio: ratio("access"),
    heapLongestTurnMs: heap.longestTurnMs,
    lmdbLongestTurnMs: lmdb.longestTurnMs,
    lmdbLongestFreezeMs: lmdb.longestFreezeMs,
    heapFullMs: ms(heap.figures.full),
    lmdbFullMs: ms(lmdb.figures.full),
    fullRatio: ratio("full"),
    heapDeltaMs: ms(heap.figures.delta),
    lmdbDeltaMs: ms(lmdb.figures.delta),
    deltaRatio: ratio("delta"),
    deltaShare: rounded(heap.figures.deltaBytes / heap.figures.fullBytes, 4),
  };
}

async function alone(keys: number, pairs: number) {
  const side = new Side(lmdbBackend, keys);
  for (let i = 0; i < pairs; i++) await side.round();
  await side.close();
  return {
    suite: "state",
    keys,
    lmdbNsPerAccess: nsPerAccess(side.figures),
    lmdbLongestTurnMs: side.longestTurnMs,
    lmdbLongestFreezeMs: side.longestFreezeMs,
    lmdbFullMs: ms(side.figures.full),
    lmdbDeltaMs: ms(side.figures.delta),
    peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

function nsPerAccess({ access }: Figures): number {
  return rounded(median(access.map(({ cpuMs }) => (cpuMs * 1e6) / ACCESSES)), 0);
}

function ms(of: readonly Measured[]): number {
  return rounded(median(of.map(({ wallMs }) => wallMs)), 1);
}
