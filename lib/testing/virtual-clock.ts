/** A clock that stands still until it is told to go on. */
import type { Clock } from "../base/clock.js";

export class VirtualClock implements Clock {
  private time: number;

  /** `start`: ms since the epoch. */
  constructor(start = 0) {
    this.time = start;
  }

  readonly now = (): number => this.time;
  readonly steady = (): number => this.time;

  advance(ms: number): void {
    this.time += ms;
  }
}
