import type { Split, SplitEnumerator } from "./contract.js";

/** Gives out splits that are known beforehand: to each subtask its own, all at once. */
export class StaticEnumerator<S extends Split> implements SplitEnumerator<S> {
  readonly total: number | undefined;
  private readonly shares: readonly (readonly S[])[];
  private readonly served = new Set<number>();

  /** `shares`: by subtask. `total`: the work in them, where it is known. */
  constructor(shares: readonly (readonly S[])[], total: number | undefined) {
    this.shares = shares;
    this.total = total;
  }

  async start(): Promise<void> {}

  request(subtask: number): readonly S[] | undefined {
    if (this.served.has(subtask)) return undefined;
    this.served.add(subtask);
    const share = this.shares[subtask] ?? [];
    return share.length === 0 ? undefined : share;
  }

  snapshot(): unknown {
    return { remaining: this.shares.flatMap((share, subtask) => (this.served.has(subtask) ? [] : share)) };
  }

  async close(): Promise<void> {}
}

/** Deals splits out in turn: 0, P, 2P, ... to subtask 0. */
export function dealSplits<S extends Split>(splits: readonly S[], parallelism: number): S[][] {
  return Array.from({ length: parallelism }, (_, subtask) =>
    splits.filter((_each, i) => i % parallelism === subtask),
  );
}
