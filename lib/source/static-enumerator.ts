import type { EnumeratorContext, Split, SplitEnumerator } from "./contract.js";

/** What goes into a checkpoint. */
interface Remaining<S> {
  readonly remaining: readonly S[];
}

/** Gives out splits that are known beforehand: to each subtask its share, all at once. */
export class StaticEnumerator<S extends Split> implements SplitEnumerator<S> {
  readonly total: number | undefined;
  private readonly shares: (readonly S[])[];
  private readonly served = new Set<number>();

  /** `splits`: those of a first start; a restored enumerator has what was left. `total`: the work in all of them. */
  constructor(
    splits: readonly S[],
    { parallelism, restored }: Pick<EnumeratorContext, "parallelism" | "restored">,
    total: number | undefined,
  ) {
    const left = restored === undefined ? splits : (restored as Remaining<S>).remaining;
    this.shares = dealSplits(left, parallelism);
    this.total = total;
  }

  async start(): Promise<void> {}

  request(subtask: number): readonly S[] | undefined {
    if (this.served.has(subtask)) return undefined;
    this.served.add(subtask);
    const share = this.shares[subtask] ?? [];
    return share.length === 0 ? undefined : share;
  }

  /** To the same subtask: others may have been told that there are no more. */
  addSplitsBack(splits: readonly S[], subtask: number): void {
    if (splits.length === 0) return;
    this.shares[subtask] = splits;
    this.served.delete(subtask);
  }

  snapshot(): Remaining<S> {
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
