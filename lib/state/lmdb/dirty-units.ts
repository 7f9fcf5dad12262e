// @hot
import type { KeyGroupRange } from "../contract.js";
import type { Unit } from "./unit.js";

/** How often a unit that changes again and again may be passed over, for each that is written. */
const PASSED_OVER_MAX = 4;

/**
 * The units that are still to be written, by key group: rows of a group lie side by side in the file, so that units
 * written together share its pages. Every page that a transaction touches is copied.
 */
export class DirtyUnits {
  size = 0;
  private readonly groups: Unit[][];
  private readonly first: number;
  /** The group whose turn it is. */
  private turn = 0;

  constructor({ first, last }: KeyGroupRange) {
    this.first = first;
    this.groups = Array.from({ length: last - first + 1 }, () => []);
  }

  /** The one that has waited longest in the group whose turn it is. */
  get next(): Unit | undefined {
    for (let i = 0; i < this.groups.length; i++) {
      const group = this.groups[this.turn]!;
      if (group.length > 0) return group[0];
      this.turn = this.turn + 1 === this.groups.length ? 0 : this.turn + 1;
    }
    return undefined;
  }

  /** The unit changed. */
  add(unit: Unit, epoch: number): void {
    if (unit.dirty) {
      unit.again = true;
      return;
    }
    unit.dirty = true;
    unit.dirtySince = epoch;
    this.size++;
    this.groups[unit.group - this.first]!.push(unit);
  }

  /** All of them, by key group. */
  all(): readonly (readonly Unit[])[] {
    return this.groups.map((group) => group.slice());
  }

  /** Up to about `count`, group by group; what has changed since it was put in line waits once more. */
  take(count: number): Unit[] {
    const taken: Unit[] = [];
    let looks = count * PASSED_OVER_MAX;
    while (taken.length < count && this.next !== undefined) {
      const group = this.groups[this.turn]!;
      const kept: Unit[] = [];
      let at = 0;
      for (; at < group.length && taken.length < count; at++) {
        const unit = group[at]!;
        if (unit.again && looks-- > 0) {
          unit.again = false;
          kept.push(unit);
        } else taken.push(unit);
      }
      const isThrough = at === group.length;
      this.groups[this.turn] = isThrough ? kept : [...group.slice(at), ...kept];
      if (isThrough) this.turn = this.turn + 1 === this.groups.length ? 0 : this.turn + 1;
    }
    this.size -= taken.length;
    return taken;
  }

  /** All of them, whatever has changed again. */
  takeAll(): Unit[] {
    const all: Unit[] = [];
    for (const group of this.groups) {
      for (const unit of group) all.push(unit);
      group.length = 0;
    }
    this.size = 0;
    return all;
  }
}
