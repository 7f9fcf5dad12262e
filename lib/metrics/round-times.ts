// @hot one addition a round
/**
 * How long the rounds of the hosts' loops take, counted per slot in shared memory, so that the coordinator reads
 * them without asking a thread that may be busy.
 *
 *   slot s: | u32 count of bucket 0 | bucket 1 | ... |   BUCKETS words
 *
 * Single writer of a slot's words: the slot. A bucket is an eighth of a power of two, as the upper bits of a float:
 * 1 us to 16 s. A round is counted from the end of the one before, so what the event loop did in between and a
 * pause of the collector are in it; sleep is not.
 */

/** Bits of a single's mantissa that tell buckets apart. */
const FRACTION_BITS = 3;
const SHIFT = 23 - FRACTION_BITS;
/** The bits of 2 ** -10 ms. */
const FIRST = (127 - 10) << FRACTION_BITS;
const BUCKETS = 24 << FRACTION_BITS;

const single = new Float32Array(1);
const bits = new Int32Array(single.buffer);

export function createRoundTimes(slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer(Math.max(1, slots) * BUCKETS * 4);
}

/** The slot's own view. */
export class RoundCounter {
  private readonly counts: Uint32Array;

  constructor(memory: SharedArrayBuffer, slot: number) {
    this.counts = new Uint32Array(memory, slot * BUCKETS * 4, BUCKETS);
  }

  add(ms: number): void {
    single[0] = ms;
    const bucket = (bits[0]! >> SHIFT) - FIRST;
    this.counts[bucket < 0 ? 0 : bucket < BUCKETS ? bucket : BUCKETS - 1]!++;
  }
}

/** How long one slot's rounds took up to some moment. */
export class RoundTimes {
  private readonly counts: Uint32Array;

  private constructor(counts: Uint32Array) {
    this.counts = counts;
  }

  static read(memory: SharedArrayBuffer, slot: number): RoundTimes {
    return new RoundTimes(new Uint32Array(memory, slot * BUCKETS * 4, BUCKETS).slice());
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** The rounds since an earlier reading of the same slot. */
  since(earlier: RoundTimes): RoundTimes {
    return new RoundTimes(this.counts.map((count, i) => count - earlier.counts[i]!));
  }

  /** The time in ms that no more than `share` of the rounds are above, to an eighth; 0 without rounds. */
  quantile(share: number): number {
    const wanted = this.count * share;
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.counts[i]!;
      if (seen > 0 && seen >= wanted) return endOf(i);
    }
    return 0;
  }

  /** The longest round in ms, to an eighth. */
  get longest(): number {
    return this.quantile(1);
  }
}

function endOf(bucket: number): number {
  bits[0] = (bucket + 1 + FIRST) << SHIFT;
  return single[0]!;
}
