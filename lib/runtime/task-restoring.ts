/** Brings a task back to where a checkpoint left it, before it opens. */
import { MillraceError } from "../base/error.js";
import { readEntries } from "../checkpoint/entries.js";
import type { Segment } from "../checkpoint/snapshot.js";
import type { ChannelRestore, EntrySelection, PartRestore, TaskRestore } from "../checkpoint/task-restore.js";
import type { StatePart } from "../state/contract.js";
import { schemaDiff } from "../state/schema.js";
import type { BlobStore } from "../storage/contract.js";
import type { SlotTask } from "./slot-builder.js";

export async function restoreTask(
  built: SlotTask,
  restore: TaskRestore,
  store: BlobStore | undefined,
): Promise<void> {
  if (restore.finished) {
    built.task.restoreFinished();
    return;
  }
  for (const { uid, parts, splits } of restore.operators) {
    const declared = built.states.declaredOf(uid, uid).all;
    for (const part of parts) {
      const target = declared.find((each) => each.part.name === part.name);
      if (target === undefined) refuseUnknown(built, uid, part.name, declared);
      checkSchema(built, target.part, part);
      await loadPart(target.part, part, store);
    }
    if (splits !== undefined && splits.length > 0) built.reader?.addSplits(splits as never);
  }
  for (const channel of restore.channels) await loadChannel(built, channel, store);
}

function refuseUnknown(
  { task, subtask }: SlotTask,
  uid: string,
  name: string,
  declared: readonly { readonly part: StatePart }[],
): never {
  const known = declared.map(({ part }) => `"${part.name}"`).join(", ") || "none";
  throw new MillraceError(
    "STATE_NOT_RESTORED",
    `operator "${uid}" has no state "${name}" any more; its states are ${known}`,
    { operator: task.name, subtask },
  );
}

function checkSchema({ task, subtask }: SlotTask, part: StatePart, restored: PartRestore): void {
  const diff = schemaDiff(restored.schema, part.schema);
  if (diff === undefined) return;
  throw new MillraceError("STATE_INCOMPATIBLE", `state "${part.name}" does not fit:\n${diff}`, {
    operator: task.name,
    subtask,
  });
}

async function loadPart(target: StatePart, part: PartRestore, store: BlobStore | undefined): Promise<void> {
  const wanted = selection(part);
  for (const segment of part.chain) {
    readEntries(await bytesOf(segment, store), (value, stamp, keyGroup) => {
      if (wanted(keyGroup)) target.load(value, stamp, keyGroup);
    });
  }
}

async function loadChannel(
  { inputs }: SlotTask,
  channel: ChannelRestore,
  store: BlobStore | undefined,
): Promise<void> {
  const wanted = selection(channel);
  const input = inputs.find(({ edge, from }) => edge === channel.edge && from === channel.from)!;
  readEntries(await bytesOf(channel.segment, store), (value, timestamp, keyGroup) => {
    if (wanted(keyGroup)) input.channel.restore((value as { r: unknown }).r, timestamp, keyGroup);
  });
}

function selection({ groups, deal }: EntrySelection): (keyGroup: number) => boolean {
  let place = -1;
  return (keyGroup) => {
    place++;
    if (groups !== undefined && (keyGroup < groups.first || keyGroup > groups.last)) return false;
    return deal === undefined || place % deal.of === deal.index;
  };
}

async function bytesOf({ place, bytes }: Segment, store: BlobStore | undefined): Promise<Uint8Array> {
  if ("inline" in place) return place.inline;
  if (store === undefined)
    throw new MillraceError("BLOB_MISSING", `${place.blob} is in a store that is not there`);
  return store.getRange(place.blob, place.offset, bytes);
}
