/**
 * How far event time had come in the subtasks of an operator when a checkpoint was taken, as state: a restored
 * operator calls late what was late before. Where a barrier overtakes, subtasks stand at different times, and after a
 * change of parallelism a subtask may have keys of several.
 */
import type { EntrySink, FrozenPart, StatePart } from "../state/contract.js";
import { rangeOf } from "../state/key.js";
import type { OperatorContext } from "./contract.js";

interface Entry {
  /** The key groups it speaks of. */
  readonly first: number;
  readonly last: number;
  readonly watermark: number;
}

export class EventTimeProgress implements StatePart {
  readonly name = "event time";
  readonly scope = "union";
  readonly schema = { kind: "event-time" };
  private watermark = Number.NEGATIVE_INFINITY;
  /** The last one that is not the end of all time: whoever goes on from a drained job has more to come. */
  private finite = Number.NEGATIVE_INFINITY;
  private readonly groups: { readonly first: number; readonly last: number };
  /** Entries that are ahead of the watermark. */
  private ahead: Entry[] = [];

  constructor({ subtask, maxParallelism, parallelism }: OperatorContext) {
    this.groups = rangeOf(subtask, maxParallelism, parallelism);
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    if (watermark !== Number.POSITIVE_INFINITY) this.finite = watermark;
    if (this.ahead.length > 0) this.ahead = this.ahead.filter((each) => each.watermark > watermark);
  }

  /** Event time of the keys in a key group. */
  of(keyGroup: number): number {
    let watermark = this.watermark;
    for (let i = 0; i < this.ahead.length; i++) {
      const each = this.ahead[i]!;
      if (keyGroup >= each.first && keyGroup <= each.last && each.watermark > watermark) {
        watermark = each.watermark;
      }
    }
    return watermark;
  }

  freeze(_wanted: "full" | "delta", sink: EntrySink): FrozenPart {
    for (const each of this.ahead) sink.entry(each, 0, 0);
    const own: Entry = { ...this.groups, watermark: this.finite };
    sink.entry(own, 0, 0);
    return { kind: "full", pack: () => true, release: () => undefined };
  }

  load(entry: Entry): void {
    if (entry.last < this.groups.first || entry.first > this.groups.last) return;
    if (entry.watermark > this.watermark) this.ahead.push(entry);
  }
}
