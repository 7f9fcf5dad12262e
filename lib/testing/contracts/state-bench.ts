/** Opens keyed state without a job, takes checkpoints of it and restores them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BackendContext, FrozenPart, KeyedState, StatePart } from "../../state/contract.js";
import { canonicalKey, keyGroupOf } from "../../state/key.js";
import { holds } from "./contract-case.js";

export type OpenBackend = (context: BackendContext) => KeyedState;

/** One entry as a checkpoint keeps it. */
export interface SavedEntry {
  readonly value: any;
  readonly stamp: number;
  readonly keyGroup: number;
}

/** Per part: a full segment and the deltas since. */
export type Chains = ReadonlyMap<string, readonly (readonly SavedEntry[])[]>;

export const GROUPS = 16;
const NOTHING: Chains = new Map();

/** A checkpoint being taken. */
export interface Taking {
  readonly kinds: ReadonlyMap<string, "full" | "delta">;
  /** The entries of this freeze alone, by part. */
  readonly entries: ReadonlyMap<string, SavedEntry[]>;
  /** One slice of each part; true when all are through. */
  slice(timeIsUp?: () => boolean): boolean;
  release(): void;
  /** The chains with this freeze added; only when all is packed. */
  chains(): Chains;
}

export class StateBench {
  readonly parts = new Map<string, StatePart>();
  readonly state: KeyedState;
  readonly directory: string;
  private chains: Chains;

  /** `chains`: what the next delta builds on. */
  private constructor(open: OpenBackend, directory: string, clock: () => number, chains: Chains) {
    this.directory = directory;
    this.chains = chains;
    this.state = open({
      job: "job",
      operator: "operator",
      subtask: 0,
      maxParallelism: GROUPS,
      groups: { first: 0, last: GROUPS - 1 },
      directory,
      now: clock,
      parts: { declare: (part) => this.parts.set(part.name, part) },
    });
  }

  /** `declare` is given the state before anything is loaded into it. */
  static async open<H>(
    open: OpenBackend,
    declare: (state: KeyedState) => H,
    { chains = NOTHING, clock = () => 1 }: { chains?: Chains; clock?: () => number } = {},
  ): Promise<{ bench: StateBench; handles: H }> {
    const directory = await mkdtemp(join(tmpdir(), "millrace-state-"));
    const bench = new StateBench(open, directory, clock, chains);
    const handles = declare(bench.state);
    for (const [name, segments] of chains) {
      const part = bench.parts.get(name)!;
      for (const { value, stamp, keyGroup } of segments.flat()) {
        part.load(structuredClone(value), stamp, keyGroup);
      }
    }
    return { bench, handles };
  }

  use(key: unknown): void {
    this.state.use(key, keyGroupOf(canonicalKey(key), GROUPS));
  }

  freeze(wanted: "full" | "delta"): Taking {
    const before = this.chains;
    const entries = new Map<string, SavedEntry[]>();
    const frozen: { name: string; part: FrozenPart; done: boolean }[] = [];
    for (const [name, part] of this.parts) {
      const own: SavedEntry[] = [];
      entries.set(name, own);
      const seen = new Set<unknown>();
      const one = part.freeze(wanted, {
        entry: (value, stamp, keyGroup) => {
          const copy = structuredClone(value) as SavedEntry["value"];
          const key = canonicalKey("gone" in copy ? copy.gone : copy.key);
          const unit = canonicalKey([typeof key, String(key), typeof copy.at, canonicalKey(copy.at)]);
          holds(!seen.has(unit), "an entry is written twice");
          seen.add(unit);
          holds(
            keyGroup === keyGroupOf(key, GROUPS),
            "an entry is written under another key group than its key's",
          );
          own.push({ value: copy, stamp, keyGroup });
        },
      });
      frozen.push({ name, part: one, done: false });
    }
    const kinds = new Map(frozen.map(({ name, part }) => [name, part.kind]));
    return {
      kinds,
      entries,
      slice: (timeIsUp = () => false) => {
        for (const each of frozen) each.done ||= each.part.pack(timeIsUp);
        return frozen.every(({ done }) => done);
      },
      release: () => {
        for (const { part } of frozen) part.release();
      },
      chains: () => {
        this.chains = new Map(
          [...kinds].map(([name, kind]) => [
            name,
            kind === "full" ? [entries.get(name)!] : [...(before.get(name) ?? []), entries.get(name)!],
          ]),
        );
        return this.chains;
      },
    };
  }

  /** A checkpoint in one go. */
  checkpoint(wanted: "full" | "delta"): { chains: Chains; taking: Taking } {
    const taking = this.freeze(wanted);
    holds(taking.slice(), "a snapshot that may take its time is not through");
    return { chains: taking.chains(), taking };
  }

  async close(): Promise<void> {
    await this.state.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}
