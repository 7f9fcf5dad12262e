/** What a process holds between two jobs, and whether it grows. Linux only: elsewhere there is no /proc. */
import { existsSync, readdirSync } from "node:fs";

export interface Resources {
  readonly rss: number;
  readonly fds: number;
  readonly threads: number;
  /** Files in the folder for temporary files. */
  readonly files: number;
}

export interface Growth {
  readonly rss: number;
  readonly fds: number;
  readonly threads: number;
  readonly files: number;
  readonly samples: number;
  /** What grew beyond what is let pass. */
  readonly excess: readonly string[];
}

/** Jobs before the first sample that counts: code is compiled and pools are filled by then. */
const WARM_UP = 4;
/** Fewer samples say nothing about growth. */
const SAMPLES_MIN = 9;
const MIB = 2 ** 20;
/** Growth of medians from the first third to the last that is let pass. */
const LIMITS = { rss: 160 * MIB, fds: 6, threads: 3, files: 3 } as const;

export function resources(temporary: string): Resources {
  const count = (folder: string) => (existsSync(folder) ? readdirSync(folder).length : 0);
  return {
    rss: process.memoryUsage.rss(),
    fds: count("/proc/self/fd"),
    threads: count("/proc/self/task"),
    files: readdirSync(temporary, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())
      .length,
  };
}

export function growth(all: readonly Resources[]): Growth {
  const samples = all.slice(WARM_UP);
  const third = Math.max(1, Math.floor(samples.length / 3));
  const of = (what: keyof Resources): number => {
    const values = samples.map((sample) => sample[what]);
    return median(values.slice(-third)) - median(values.slice(0, third));
  };
  const grown = { rss: of("rss"), fds: of("fds"), threads: of("threads"), files: of("files") };
  const names = Object.keys(LIMITS) as (keyof typeof LIMITS)[];
  const excess = samples.length < SAMPLES_MIN ? [] : names.filter((name) => grown[name] > LIMITS[name]);
  return { ...grown, samples: samples.length, excess };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
