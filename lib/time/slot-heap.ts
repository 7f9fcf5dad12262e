// @hot some comparisons an entry; guarded by benchmarks/nexmark (q11)
/**
 * Slots in order of time: a heap of plain entries that nobody can find or take back. Whoever owns a slot remembers
 * what time its entry says and leaves every other entry be when it comes up.
 */
const FIRST_ENTRIES = 64;

export class SlotHeap {
  size = 0;
  private times = new Float64Array(FIRST_ENTRIES);
  private slots = new Int32Array(FIRST_ENTRIES);

  /** The earliest time; NaN, which no comparison holds for, when there is none. */
  next(): number {
    return this.size === 0 ? Number.NaN : this.times[0]!;
  }

  /** The slot of the earliest entry. */
  first(): number {
    return this.slots[0]!;
  }

  add(time: number, slot: number): void {
    if (this.size === this.times.length) this.grow();
    this.rise(this.size++, time, slot);
  }

  /** Removes the earliest entry. */
  drop(): void {
    const last = --this.size;
    if (last > 0) this.rise(this.sinkHole(), this.times[last]!, this.slots[last]!);
  }

  private rise(from: number, time: number, slot: number): void {
    const { times, slots } = this;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent]! <= time) break;
      times[at] = times[parent]!;
      slots[at] = slots[parent]!;
      at = parent;
    }
    times[at] = time;
    slots[at] = slot;
  }

  /** Moves the earlier child up from the top on; answers the place that is empty then. */
  private sinkHole(): number {
    const { times, slots, size } = this;
    let hole = 0;
    for (let child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && times[child + 1]! < times[child]!) child++;
      times[hole] = times[child]!;
      slots[hole] = slots[child]!;
      hole = child;
    }
    return hole;
  }

  private grow(): void {
    const times = new Float64Array(this.size * 2);
    const slots = new Int32Array(this.size * 2);
    times.set(this.times);
    slots.set(this.slots);
    this.times = times;
    this.slots = slots;
  }
}
