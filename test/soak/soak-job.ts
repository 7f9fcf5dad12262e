/** One job of the soak test: everything about it follows from the seed and its number. */
import { type Random, seededRandom } from "../../lib/base/random.js";
import type { CheckpointOptions } from "../../lib/index.js";

export interface SoakJob {
  readonly number: number;
  readonly query: string;
  readonly events: number;
  readonly sink: "digest" | "files";
  readonly inline: boolean;
  readonly stateBackend: "heap" | "lmdb";
  readonly mode: keyof typeof modes;
  /** Failures in slots, and how they come about. */
  readonly slotFailures: number;
  readonly how: "throw" | "exit";
  readonly failureSeed: number;
  /** Of the first process and of those that resume; a digest of a table needs the same in all. */
  readonly parallelism: readonly number[];
  /** When the whole process is killed, ms after the job was begun in it. */
  readonly killsAfterMs: readonly number[];
}

export const modes = {
  aligned: {},
  unaligned: { unaligned: true },
  "aligned with timeout": { unaligned: true, alignedTimeout: 5 },
} as const satisfies Record<string, CheckpointOptions>;

const QUERIES = ["q5", "q7", "q17", "buckets"] as const;
const EVENTS = [200_000, 500_000] as const;
const KILLS_MAX = 3;
const KILL_MS_MIN = 300;
const KILL_MS_MAX = 4_000;

export function soakJob(seed: number, number: number): SoakJob {
  const random = seededRandom(Math.imul(seed + 1, 0x85ebca6b) ^ Math.imul(number + 1, 0xc2b2ae35));
  const kills = below(random, 3) === 0 ? 1 + below(random, KILLS_MAX) : 0;
  const inline = kills === 0 && below(random, 2) === 0;
  return {
    number,
    query: oneOf(random, QUERIES),
    events: oneOf(random, EVENTS),
    // A digest that was given to a process that is no more would be lost with it.
    sink: kills > 0 || below(random, 2) === 0 ? "files" : "digest",
    inline,
    stateBackend: oneOf(random, ["heap", "lmdb"] as const),
    mode: oneOf(random, Object.keys(modes) as (keyof typeof modes)[]),
    slotFailures: below(random, 4),
    how: inline ? "throw" : oneOf(random, ["throw", "exit"] as const),
    failureSeed: random.u32(),
    parallelism: Array.from({ length: kills + 1 }, () => 1 + below(random, 3)),
    killsAfterMs: Array.from({ length: kills }, () => {
      return KILL_MS_MIN + below(random, KILL_MS_MAX - KILL_MS_MIN);
    }),
  };
}

function below(random: Random, n: number): number {
  return Math.floor((random.u32() / 0x1_0000_0000) * n);
}

function oneOf<T>(random: Random, all: readonly T[]): T {
  return all[below(random, all.length)]!;
}
