/**
 * How the state of one operator's old subtasks is shared by its new ones: keyed parts by key groups, split
 * parts evenly, union parts to all, broadcast parts one copy each, splits of sources evenly. Pure.
 *
 * Where the parallelism is the same and no subtask had finished, everything but union parts stays where it
 * was. Of a subtask that had finished nothing is restored: what it still held it has promised not to need.
 *
 * Called by: redistribution.ts, region-restore.ts.
 */
import { assert } from "../base/assert.js";
import { rangeOf } from "../state/key.js";
import type { OperatorManifest, OperatorSnapshot, PartSnapshot } from "./snapshot.js";
import { overlapping } from "./subtask-mapping.js";
import type { EntryChoice, OperatorRestore, PartRestore } from "./task-restore.js";

const ALL: EntryChoice = { kind: "all" };

/** What each new subtask loads. */
export function shareOperator(
  old: OperatorManifest,
  parallelism: number,
  maxParallelism: number,
): OperatorRestore[] {
  const active = activeSubtasks(old);
  const stays = parallelism === old.parallelism && active.every((each) => each !== undefined);
  const parts: PartRestore[][] = Array.from({ length: parallelism }, () => []);
  // Where the remainder of the last split part went to, so that it is not always the first subtasks'.
  let next = 0;
  for (const name of partNames(active)) {
    const copies = active.map((each) => each?.parts.find((part) => part.name === name));
    const scope = copies.find((part) => part !== undefined)!.scope;
    assert(copies.every((part) => part === undefined || part.scope === scope));
    if (scope === "keyed") shareKeyed(copies, parts, maxParallelism);
    else if (scope === "union") shareUnion(copies, parts);
    else if (stays) keep(copies, parts);
    else if (scope === "broadcast") shareBroadcast(copies, parts);
    else next = shareSplit(copies, parts, next);
  }
  const splits = shareSplits(active, parallelism, stays);
  return parts.map((own, subtask) => ({ uid: old.uid, parts: own, splits: splits[subtask]! }));
}

/** What a subtask had itself, union parts aside. */
export function keepOperator({ uid, subtasks }: OperatorManifest, subtask: number): OperatorRestore {
  const own: PartRestore[] = [];
  for (const part of subtasks[subtask]?.parts ?? []) add(own, subtask, part, ALL);
  return { uid, parts: own, splits: subtasks[subtask]?.splits ?? [] };
}

/** By old subtask; undefined where it had finished. */
export function activeSubtasks(old: OperatorManifest): (OperatorSnapshot | undefined)[] {
  return Array.from({ length: old.parallelism }, (_, i) =>
    old.finished[i] === true ? undefined : old.subtasks[i],
  );
}

function partNames(subtasks: readonly (OperatorSnapshot | undefined)[]): string[] {
  return [...new Set(subtasks.flatMap((each) => each?.parts.map(({ name }) => name) ?? []))];
}

type Copies = readonly (PartSnapshot | undefined)[];

function add(parts: PartRestore[], from: number, part: PartSnapshot, take: EntryChoice): void {
  const { name, scope, schema, chain } = part;
  if (entriesOf(part) > 0) parts.push({ name, scope, schema, from, chain, take });
}

function entriesOf(part: PartSnapshot): number {
  return part.chain.reduce((sum, { entries }) => sum + entries, 0);
}

function keep(copies: Copies, parts: readonly PartRestore[][]): void {
  copies.forEach((part, subtask) => {
    if (part !== undefined) add(parts[subtask]!, subtask, part, ALL);
  });
}

function shareKeyed(copies: Copies, parts: readonly PartRestore[][], maxParallelism: number): void {
  parts.forEach((own, subtask) => {
    const groups = rangeOf(subtask, maxParallelism, parts.length);
    for (const from of overlapping(subtask, parts.length, copies.length, maxParallelism)) {
      const part = copies[from];
      if (part === undefined) continue;
      const range = rangeOf(from, maxParallelism, copies.length);
      const isWithin = range.first >= groups.first && range.last <= groups.last;
      add(own, from, part, isWithin ? ALL : { kind: "groups", groups });
    }
  });
}

function shareUnion(copies: Copies, parts: readonly PartRestore[][]): void {
  for (const own of parts) {
    copies.forEach((part, from) => {
      if (part !== undefined) add(own, from, part, ALL);
    });
  }
}

/** The copy of old subtask i mod n, or of the next one that holds any. */
function shareBroadcast(copies: Copies, parts: readonly PartRestore[][]): void {
  const n = copies.length;
  parts.forEach((own, subtask) => {
    for (let i = 0; i < n; i++) {
      const from = (subtask + i) % n;
      const part = copies[from];
      if (part === undefined || entriesOf(part) === 0) continue;
      add(own, from, part, ALL);
      return;
    }
  });
}

/**
 * Deals entries out in runs of equal length, one more for some where it does not come out even; answers who is
 * first to get one more next time. Entries of a chain with deltas belong together (a delta may change what is
 * before it): such chains are dealt whole.
 */
function shareSplit(copies: Copies, parts: readonly PartRestore[][], start: number): number {
  const n = parts.length;
  const isWhole = (part: PartSnapshot | undefined) => part !== undefined && part.chain.length > 1;
  const sizes = copies.map((part) => (part === undefined || isWhole(part) ? 0 : entriesOf(part)));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const remainder = total % n;
  let from = 0;
  let first = 0;
  for (let i = 0; i < n; i++) {
    const own = parts[(start + i) % n]!;
    let wanted = Math.floor(total / n) + (i < remainder ? 1 : 0);
    while (wanted > 0) {
      const size = sizes[from]!;
      const count = Math.min(wanted, size - first);
      if (count > 0) add(own, from, copies[from]!, count === size ? ALL : { kind: "entries", first, count });
      wanted -= count;
      first += count;
      if (first < size) continue;
      from++;
      first = 0;
    }
  }
  let next = (start + remainder) % n;
  copies.forEach((part, old) => {
    if (!isWhole(part)) return;
    add(parts[next]!, old, part!, ALL);
    next = (next + 1) % n;
  });
  return next;
}

function shareSplits(
  subtasks: readonly (OperatorSnapshot | undefined)[],
  parallelism: number,
  stays: boolean,
): OperatorRestore["splits"][] {
  if (stays) return subtasks.map((each) => each?.splits ?? []);
  const all = subtasks.flatMap((each) => each?.splits ?? []);
  return Array.from({ length: parallelism }, (_, subtask) =>
    all.filter((_, i) => i % parallelism === subtask),
  );
}
