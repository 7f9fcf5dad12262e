// @hot one addition a value
/** How values are spread, in buckets of an eighth of a power of two, as the upper bits of a float. */

/** A spread of values: quantiles are right to an eighth, `min`, `max` and `mean` exactly. */
export interface Spread {
  readonly count: number;
  /** NaN without values, as are all that follow. */
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Bits of a single below those that tell buckets apart: sign, exponent and three of the mantissa stay. */
const SHIFT = 20;
const BUCKETS = 1 << (32 - SHIFT);
/** Buckets from here on are those of values below zero, the nearest to it first. */
const NEGATIVE = BUCKETS / 2;

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

export class Histogram {
  private readonly counts = new Uint32Array(BUCKETS);
  private count = 0;
  private sum = 0;
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;

  /** NaN is not counted. */
  record(value: number): void {
    if (Number.isNaN(value)) return;
    single[0] = value;
    this.counts[bits[0]! >>> SHIFT]!++;
    this.count++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  read(): Spread {
    const { count, sum, min, max } = this;
    if (count === 0) {
      const none = Number.NaN;
      return { count, min: none, max: none, mean: none, p50: none, p95: none, p99: none };
    }
    const [p50, p95, p99] = [this.quantile(0.5), this.quantile(0.95), this.quantile(0.99)];
    return { count, min, max, mean: sum / count, p50, p95, p99 };
  }

  /** What no more than `share` of the values are above. */
  private quantile(share: number): number {
    const wanted = this.count * share;
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      const bucket = i < NEGATIVE ? BUCKETS - 1 - i : i - NEGATIVE;
      seen += this.counts[bucket]!;
      if (seen > 0 && seen >= wanted) return Math.min(Math.max(endOf(bucket), this.min), this.max);
    }
    return this.max;
  }
}

/** The value of a bucket that is the furthest from zero; of one below zero the nearest. */
function endOf(bucket: number): number {
  bits[0] = bucket < NEGATIVE ? (bucket + 1) << SHIFT : bucket << SHIFT;
  return single[0]!;
}
