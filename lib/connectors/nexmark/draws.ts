/** The generator's random numbers: one state, seeded anew for every event, so that any event can be made alone. */
import { fmix32 } from "../../base/hash.js";

export class Draws {
  private state = 0;

  seed(seed: number): void {
    this.state = seed | 0;
  }

  seedEvent(id: number): void {
    this.state = fmix32((id | 0) ^ fmix32(Math.floor(id / 0x1_0000_0000) + 7));
  }

  u32(): number {
    const state = (this.state + 0x9e3779b9) | 0;
    this.state = state;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** Uniform in [0, n), exact for n up to 2^21. */
  below(n: number): number {
    return Math.floor((this.u32() * n) / 0x1_0000_0000);
  }
}
