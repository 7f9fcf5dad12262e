// @hot one byte read per record
/** Slots of a table, each once, in the order they were added. */
export class SlotSet {
  private list: number[] = [];
  private flags = new Uint8Array(1024);

  get size(): number {
    return this.list.length;
  }

  add(slot: number): void {
    if (slot >= this.flags.length) this.grow(slot);
    if (this.flags[slot] === 1) return;
    this.flags[slot] = 1;
    this.list.push(slot);
  }

  has(slot: number): boolean {
    return this.flags[slot] === 1;
  }

  /** The slot at a place in the list. */
  at(place: number): number {
    return this.list[place]!;
  }

  /** It is no longer in the set, and keeps its place in the list. */
  remove(slot: number): void {
    this.flags[slot] = 0;
  }

  /** All slots; the set is empty then. */
  take(): readonly number[] {
    const { list, flags } = this;
    for (let i = 0; i < list.length; i++) flags[list[i]!] = 0;
    this.list = [];
    return list;
  }

  private grow(slot: number): void {
    const grown = new Uint8Array(Math.max(slot + 1, this.flags.length * 2));
    grown.set(this.flags);
    this.flags = grown;
  }
}
