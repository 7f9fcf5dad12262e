/** Seeded random numbers, so that a run can be repeated. */
export interface Random {
  /** A uniform whole number in [0, 2^32). */
  u32(): number;
}

/** SplitMix32: one addition and two multiplications a number; good enough to spread records. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return {
    u32() {
      state = (state + 0x9e3779b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    },
  };
}

/** A seed that differs between runs. */
export function freshSeed(): number {
  return (Math.random() * 0x1_0000_0000) >>> 0;
}
