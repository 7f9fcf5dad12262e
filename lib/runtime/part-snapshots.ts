/**
 * The state parts of one operator in one subtask: what of them is in which segment, and how they are frozen
 * again and again. Deltas build on a snapshot only while the coordinator says that it is complete.
 */

import { assert } from "../base/assert.js";
import { EntryWriter } from "../checkpoint/entries.js";
import type { PartSnapshot, Segment } from "../checkpoint/snapshot.js";
import type { FrozenPart, StatePart, StateParts } from "../state/contract.js";

/**
 * Deltas a chain may have, and their bytes as a share of the full segment's, before all is written again: a restart
 * reads four times the state at most, and where every checkpoint touches much a full one comes rarely.
 */
const CHAIN_MAX = 16;
const DELTA_SHARE_MAX = 3;

/** The parts an operator has declared. */
export class DeclaredParts implements StateParts {
  readonly all: SnapshotPart[] = [];
  private readonly operator: string;

  constructor(operator: string) {
    this.operator = operator;
  }

  declare(part: StatePart): void {
    assert(!this.all.some((other) => other.part.name === part.name), `two parts are named "${part.name}"`);
    this.all.push(new SnapshotPart(part, this.operator));
  }
}

/** One part with its chain of segments. */
export class SnapshotPart {
  readonly part: StatePart;
  private readonly writer: EntryWriter;
  private chain: Segment[] = [];
  /** The snapshot that the chain ends with; -1: the next one is full. */
  private chainEnd = -1;
  private frozen: FrozenPart | undefined;
  private id = -1;

  constructor(part: StatePart, operator: string) {
    this.part = part;
    this.writer = new EntryWriter(operator);
  }

  /** `completed`: the last complete checkpoint; `mayDelta`: false for what has to stand by itself. */
  freeze(id: number, completed: number, mayDelta: boolean): void {
    if (this.frozen !== undefined) this.release();
    const isDelta = mayDelta && this.chainEnd === completed && this.chain.length > 0 && this.isShort();
    this.chainEnd = -1;
    this.id = id;
    this.frozen = this.part.freeze(isDelta ? "delta" : "full", this.writer);
  }

  /** Packs until time is up; true when there is nothing left to pack. */
  pack(timeIsUp: () => boolean): boolean {
    return this.frozen === undefined || this.frozen.pack(timeIsUp);
  }

  /** After packing: the bytes and where they begin in the task's blob is the caller's to say. */
  take(): {
    readonly kind: "full" | "delta";
    readonly entries: number;
    readonly chunks: readonly Uint8Array[];
  } {
    const { entries } = this.writer;
    const { kind } = this.frozen!;
    this.frozen = undefined;
    return { kind, entries, chunks: entries === 0 ? this.nothing() : this.writer.take() };
  }

  /** The segment of snapshot `id` is stored: answers the chain as it goes into the snapshot. */
  stored(id: number, segment: Segment | undefined, kind: "full" | "delta"): PartSnapshot {
    const chain = kind === "full" ? [] : [...this.chain];
    if (segment !== undefined) chain.push(segment);
    const isNewest = id === this.id && this.frozen === undefined;
    if (isNewest) {
      this.chain = chain;
      this.chainEnd = id;
    }
    const { name, scope, schema } = this.part;
    return { name, scope, schema, chain };
  }

  /** Gives the running snapshot up. */
  release(): void {
    if (this.frozen === undefined) return;
    this.frozen.release();
    this.frozen = undefined;
    this.writer.take();
  }

  private nothing(): readonly Uint8Array[] {
    this.writer.take();
    return [];
  }

  private isShort(): boolean {
    const [full, ...deltas] = this.chain;
    const bytes = deltas.reduce((sum, segment) => sum + segment.bytes, 0);
    return deltas.length < CHAIN_MAX && bytes <= full!.bytes * DELTA_SHARE_MAX;
  }
}
