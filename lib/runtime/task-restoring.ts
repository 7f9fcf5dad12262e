/** Brings a task back to where a checkpoint left it, before it opens. */
import { MillraceError } from "../base/error.js";
import { readEntries } from "../checkpoint/entries.js";
import { segmentBytes } from "../checkpoint/segment-bytes.js";
import type { ChannelRestore, EntryChoice, PartRestore, TaskRestore } from "../checkpoint/task-restore.js";
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
    if (splits.length > 0) built.reader?.addSplits(splits as never);
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
  const { take } = part;
  let place = -1;
  for (const segment of part.chain) {
    readEntries(await segmentBytes(segment, store), (value, stamp, keyGroup) => {
      place++;
      if (isTaken(take, place, keyGroup)) target.load(value, stamp, keyGroup);
    });
  }
}

function isTaken(take: EntryChoice, place: number, keyGroup: number): boolean {
  if (take.kind === "groups") return keyGroup >= take.groups.first && keyGroup <= take.groups.last;
  return take.kind === "all" || (place >= take.first && place < take.first + take.count);
}

/** Puts records that were in flight in front of the channel they were on, or of another of its edge. */
async function loadChannel(
  { task, inputs }: SlotTask,
  { edge, from, operator, segment, groups }: ChannelRestore,
  store: BlobStore | undefined,
): Promise<void> {
  const ofEdge = inputs.filter((input) => input.edge === edge);
  const input = ofEdge.find((each) => each.from === from) ?? ofEdge[0];
  if (input === undefined) {
    throw new MillraceError(
      "CHANNEL_STATE_MOVED",
      `"${operator}" is fused with what is before it now, and the checkpoint holds records between them`,
      { operator: task.name },
    );
  }
  readEntries(await segmentBytes(segment, store), (value, timestamp, keyGroup) => {
    const isOwn = groups === undefined || (keyGroup >= groups.first && keyGroup <= groups.last);
    if (isOwn) input.channel.restore((value as { r: unknown }).r, timestamp, keyGroup);
  });
}
