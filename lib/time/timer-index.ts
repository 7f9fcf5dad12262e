// @hot one look-up per timer that is registered, and one per timer that goes
/**
 * Finds timers by their hashes: open addressing with linear probing, at most half full, the hash beside the id, so that
 * neither a look-up of what is not there nor a move has to look at a timer.
 *
 * Several timers may have the same hash: whoever looks up goes from `first` by `after` until NONE.
 */
export class TimerIndex {
  /** Answers of `at`: here a search ends; here is a timer with another hash. */
  static readonly NONE = -1;
  static readonly OTHER = -2;
  /** id + 1 or 0, and the hash. */
  private places: Int32Array;
  private mask: number;
  private size = 0;

  constructor(timers: number) {
    this.places = new Int32Array(timers * 4);
    this.mask = timers * 2 - 1;
  }

  first(hash: number): number {
    return hash & this.mask;
  }

  after(place: number): number {
    return (place + 1) & this.mask;
  }

  /** The id of the timer at a place, if it has this hash. */
  at(place: number, hash: number): number {
    const id = this.places[place * 2]! - 1;
    return id < 0 || this.places[place * 2 + 1] === hash ? id : TimerIndex.OTHER;
  }

  add(hash: number, id: number): void {
    if (++this.size * 2 > this.mask + 1) this.grow();
    this.enter(hash, id);
  }

  /** Takes a timer out and closes the gap, so that no search ends too early. */
  remove(hash: number, id: number): void {
    const { places, mask } = this;
    this.size--;
    let gap = hash & mask;
    while (places[gap * 2] !== id + 1) gap = (gap + 1) & mask;
    for (let at = (gap + 1) & mask; places[at * 2] !== 0; at = (at + 1) & mask) {
      const home = places[at * 2 + 1]! & mask;
      // It may move into the gap only if its home is not between the gap and where it is.
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      places[gap * 2] = places[at * 2]!;
      places[gap * 2 + 1] = places[at * 2 + 1]!;
      gap = at;
    }
    places[gap * 2] = 0;
  }

  private enter(hash: number, id: number): void {
    const { places, mask } = this;
    let at = hash & mask;
    while (places[at * 2] !== 0) at = (at + 1) & mask;
    places[at * 2] = id + 1;
    places[at * 2 + 1] = hash;
  }

  private grow(): void {
    const old = this.places;
    this.places = new Int32Array(old.length * 2);
    this.mask = this.mask * 2 + 1;
    for (let at = 0; at < old.length; at += 2) if (old[at] !== 0) this.enter(old[at + 1]!, old[at]! - 1);
  }
}
