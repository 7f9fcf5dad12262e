/** What one simulated run is: everything that is drawn from its seed, as JSON, so that it can be made smaller. */
import { type Random, seededRandom } from "../base/random.js";
import type { DebloatSettings } from "../exchange/debloating.js";

/** Where a user's function, a writer or a committer throws. */
export type Hook = "element" | "timer" | "snapshot" | "prepare" | "commit";

/** What goes wrong, and when: at a step of the run, or at the n-th call of something. */
export type Fault =
  | { readonly kind: "crash-slot"; readonly at: number; readonly slot: number }
  /** The process dies; another one goes on, maybe at another parallelism. */
  | { readonly kind: "crash-coordinator"; readonly at: number; readonly parallelism?: number }
  | { readonly kind: "throw"; readonly hook: Hook; readonly nth: number }
  /** `applied`: the blob is there all the same. */
  | { readonly kind: "put-fails"; readonly nth: number; readonly applied: boolean }
  | { readonly kind: "slow-storage"; readonly at: number; readonly steps: number }
  | { readonly kind: "savepoint"; readonly at: number }
  /** Stop behind a savepoint; another job goes on from it. */
  | { readonly kind: "stop"; readonly at: number; readonly drain: boolean; readonly parallelism?: number };

export type Mode = "aligned" | "unaligned" | "timeout" | "at-least-once";

export interface SimPlan {
  readonly seed: number;
  readonly topology: string;
  readonly mode: Mode;
  readonly parallelism: number;
  /** Records of each split, and splits of each source. */
  readonly records: number;
  readonly splits: number;
  readonly intervalMs: number;
  readonly concurrent: number;
  readonly retained: number;
  readonly tolerable: number;
  readonly ringBytes: number;
  readonly inlineBytes: number;
  readonly chaining: boolean;
  /** Operators in slots apart from those they read from. */
  readonly spread: boolean;
  readonly tickMs: number;
  /** Mean time between two rounds of a slot, ms; the last slots are slower. */
  readonly roundMs: number;
  readonly storageMs: number;
  /** How often a sink pauses, as a share of its rows: back-pressure. */
  readonly pauses: number;
  /** null: what channels may have in flight is not limited by the receivers' speed. */
  readonly debloat: DebloatSettings | null;
  readonly faults: readonly Fault[];
}

/** What a topology can be asked for. */
export interface Abilities {
  /** Rows do not depend on what came before, so that a drained job's are those of the records read. */
  readonly stateless?: boolean;
  /** A source never ends: the job is stopped. */
  readonly endless?: boolean;
  /** It has several regions: some fail by themselves. */
  readonly regions?: boolean;
}

/** A choice of a plan, from its own random numbers. */
class Draw {
  private readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed ^ 0x5eed);
  }

  below(limit: number): number {
    return this.random.u32() % limit;
  }

  chance(share: number): boolean {
    return this.random.u32() / 0x1_0000_0000 < share;
  }

  of<T>(...choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

/** Faults of a run at most; most have fewer. */
const FAULTS_MAX = 6;
/** Crashes of slots more, where a job has several regions. */
const REGION_CRASHES_MAX = 4;

/** The plan of a seed. */
export function planOf(seed: number, topology: string, abilities: Abilities): SimPlan {
  const draw = new Draw(seed);
  const modes: Mode[] = ["aligned", "aligned", "unaligned", "unaligned", "timeout", "timeout"];
  if (abilities.stateless === true) modes.push("at-least-once");
  const mode = draw.of(...modes);
  const plan = {
    seed,
    topology,
    mode,
    parallelism: 1 + draw.below(3),
    records: 10 + draw.below(60),
    splits: 1 + draw.below(5),
    intervalMs: draw.of(10, 20, 40, 100),
    concurrent: draw.of(1, 2),
    retained: draw.of(1, 1, 2, 3),
    tolerable: draw.of(0, 1000),
    ringBytes: draw.of(4096, 8192, 65_536),
    inlineBytes: draw.of(0, 0, 300, 20_000),
    chaining: draw.chance(0.6),
    spread: draw.chance(0.3),
    tickMs: draw.of(0, 0.02, 0.1, 0.4),
    roundMs: draw.of(0.3, 1, 3),
    storageMs: draw.of(0.5, 3, 10),
  };
  const faults = faultsOf(draw, plan, abilities);
  // The stop of an endless job comes through behind everything that waits.
  const pauses = abilities.endless === true ? 0 : draw.of(0, 0, 0, 0.02, 0.1);
  const records = plan.records * (draw.chance(0.15) ? 5 : 1);
  if (abilities.regions === true) {
    const crashes = draw.below(REGION_CRASHES_MAX + 1);
    for (let i = 0; i < crashes; i++) {
      faults.push({ kind: "crash-slot", at: 20 + draw.below(draw.of(300, 1000, 2000)), slot: draw.below(9) });
    }
  }
  return { ...plan, records, pauses, faults, debloat: debloatOf(new Draw(~seed)) };
}

/** With times and sizes that fit the few small records of a run. */
function debloatOf(draw: Draw): DebloatSettings | null {
  if (draw.chance(0.3)) return null;
  return {
    targetMs: draw.of(1, 10, 100),
    periodMs: draw.of(2, 10, 50),
    samples: draw.of(1, 4),
    threshold: draw.of(0, 5, 50),
    minBytes: draw.of(64, 256),
    maxBytes: draw.of(1024, 65_536),
  };
}

function faultsOf(draw: Draw, { mode }: Pick<SimPlan, "mode">, abilities: Abilities): Fault[] {
  const faults: Fault[] = [];
  const at = () => 20 + draw.below(draw.of(300, 1500));
  const rescaled = () => (mode === "aligned" && draw.chance(0.5) ? { parallelism: 1 + draw.below(3) } : {});
  for (let i = draw.below(FAULTS_MAX + 1); i > 0; i--) {
    switch (draw.below(8)) {
      case 0:
        faults.push({ kind: "crash-slot", at: at(), slot: draw.below(6) });
        break;
      case 1:
        faults.push({ kind: "crash-coordinator", at: at(), ...rescaled() });
        break;
      case 2:
        faults.push({ kind: "throw", hook: draw.of("element", "timer"), nth: draw.below(150) });
        break;
      case 3:
        faults.push({ kind: "throw", hook: draw.of("snapshot", "prepare", "commit"), nth: draw.below(20) });
        break;
      case 4:
        faults.push({ kind: "put-fails", nth: draw.below(60), applied: draw.chance(0.5) });
        break;
      case 5:
        faults.push({ kind: "slow-storage", at: at(), steps: 50 + draw.below(200) });
        break;
      case 6:
        faults.push({ kind: "savepoint", at: at() });
        break;
      default:
        if (!faults.some(({ kind }) => kind === "stop")) {
          const drain = abilities.stateless === true && draw.chance(0.5);
          faults.push({ kind: "stop", at: at(), drain, ...(drain ? {} : rescaled()) });
        }
    }
  }
  return faults;
}
