/**
 * Records that wait for answers, in the order in which what becomes of them may go on (Flink's rules): ordered,
 * as they came; unordered, as their answers come, but never across a watermark.
 *
 * Invariant: a watermark passes only behind everything that came before it.
 */

/** A record that waits. */
export class Waiting {
  readonly record: unknown;
  readonly timestamp: number;
  done = false;
  stretch: Stretch | undefined;

  constructor(record: unknown, timestamp: number) {
    this.record = record;
    this.timestamp = timestamp;
  }
}

/** What came between two watermarks. */
class Stretch {
  readonly waiting = new Set<Waiting>();
  /** Done, as their answers came. */
  readonly ready = new Set<Waiting>();
  /** The watermark behind it, once that has come. */
  end = Number.NEGATIVE_INFINITY;
}

export class AsyncQueue<E extends Waiting> {
  /** Records in it. */
  size = 0;
  /** The watermark that may go on. */
  passed = Number.NEGATIVE_INFINITY;
  private readonly ordered: boolean;
  private readonly stretches: Stretch[] = [new Stretch()];
  private given = Number.NEGATIVE_INFINITY;

  constructor(ordered: boolean) {
    this.ordered = ordered;
  }

  add(entry: E): void {
    const last = this.stretches.at(-1)!;
    entry.stretch = last;
    last.waiting.add(entry);
    this.size++;
  }

  /** An answer is there, or there will be none. */
  complete(entry: E): void {
    entry.done = true;
    entry.stretch!.ready.add(entry);
  }

  watermark(watermark: number): void {
    if (watermark <= this.given) return;
    this.given = watermark;
    const { stretches } = this;
    const last = stretches.at(-1)!;
    if (last.waiting.size > 0) {
      last.end = watermark;
      stretches.push(new Stretch());
    } else if (stretches.length === 1) this.passed = watermark;
    else stretches.at(-2)!.end = watermark;
  }

  /** The next one whose turn it is, if it is done. */
  next(): E | undefined {
    const head = this.stretches[0]!;
    if (head.ready.size === 0) return undefined;
    const from = this.ordered ? head.waiting : head.ready;
    const first = from.values().next().value as E | undefined;
    return first?.done === true ? first : undefined;
  }

  /** Takes out what `next` answered. True when a watermark may go on now. */
  take(entry: E): boolean {
    const head = this.stretches[0]!;
    head.waiting.delete(entry);
    head.ready.delete(entry);
    this.size--;
    if (head.waiting.size > 0 || this.stretches.length === 1) return false;
    this.passed = head.end;
    this.stretches.shift();
    return true;
  }

  /** Everything in it, as it came. */
  entries(): E[] {
    return this.stretches.flatMap(({ waiting }) => [...waiting] as E[]);
  }
}
