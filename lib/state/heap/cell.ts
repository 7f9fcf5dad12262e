/** In `packed`: no snapshot wants the cell any more, it is out of its table. */
export const DISCARDED = 0x3fff_ffff;

/**
 * The unit of touch, dirtiness and delta: a value, an entry of a map or a chunk of a list. There is at most one
 * cell in a table for each, also while its content is gone.
 */
export class Cell {
  value: unknown;
  stamp: number;
  /** The epoch in which it was last changed. */
  mark: number;
  /**
   * 2 n when snapshot n has it or need not; 2 n + 1 when it came into being after snapshot n and before the
   * next one.
   */
  packed: number;
  readonly group: number;
  readonly key: unknown;
  /** Key of a map's entry, number of a chunk. */
  readonly at: unknown;

  constructor(
    key: unknown,
    at: unknown,
    group: number,
    value: unknown,
    stamp: number,
    mark: number,
    packed: number,
  ) {
    // What every access reads comes first, to lie in one cache line.
    this.value = value;
    this.stamp = stamp;
    this.mark = mark;
    this.packed = packed;
    this.group = group;
    this.key = key;
    this.at = at;
  }
}
