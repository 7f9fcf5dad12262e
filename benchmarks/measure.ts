/** Wall and CPU time of a run; CPU counts every thread of the process, collector and compiler included. */
export interface Measured {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function measure(run: () => unknown): Promise<Measured> {
  const cpu = process.cpuUsage();
  const begin = process.hrtime.bigint();
  await run();
  const wallMs = Number(process.hrtime.bigint() - begin) / 1e6;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that a share of the values is at most; NaN without values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
