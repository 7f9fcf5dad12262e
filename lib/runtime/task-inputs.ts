// @hot once a turn and channel
/** The channels that a task reads, all together. */
import type { DebloatSettings } from "../exchange/debloating.js";
import type { TaskMetrics } from "../metrics/task-metrics.js";
import { Debloater } from "./debloater.js";
import { LocalChannel } from "./local-channel.js";
import { RingInput } from "./ring-input.js";

export class TaskInputs {
  /** Whether the last `take` found all there was. */
  isDry = true;
  readonly length: number;
  readonly debloater: Debloater | undefined;
  private readonly channels: readonly (RingInput | LocalChannel)[];
  private readonly locals: readonly LocalChannel[];
  /** Where the next turn begins: a channel must not wait because those before it fill every turn. */
  private first = 0;

  constructor(channels: readonly (RingInput | LocalChannel)[], debloat: DebloatSettings | undefined) {
    this.channels = channels;
    this.length = channels.length;
    this.locals = channels.filter((channel) => channel instanceof LocalChannel);
    const rings = channels.filter((channel) => channel instanceof RingInput);
    if (debloat !== undefined && rings.length > 0) this.debloater = new Debloater(debloat, channels);
  }

  /** Takes up to about `limit` elements from each channel; answers how many. */
  take(limit: number, blocked: () => boolean): number {
    const { channels, length } = this;
    let taken = 0;
    this.isDry = true;
    for (let i = 0; i < length; i++) {
      const at = this.first + i < length ? this.first + i : this.first + i - length;
      const got = channels[at]!.drain(limit, blocked);
      taken += got;
      if (got >= limit) this.isDry = false;
      if (blocked()) {
        this.isDry = false;
        this.first = at + 1 < length ? at + 1 : 0;
        break;
      }
    }
    return taken;
  }

  /** Lets senders in this slot call the task directly where nothing waits. */
  openLocals(): void {
    for (const local of this.locals) if (local.mayOpen) local.open = true;
  }

  closeLocals(): void {
    for (const local of this.locals) local.open = false;
  }

  get bytesIn(): number {
    let sum = 0;
    for (const { bytesIn } of this.channels) sum += bytesIn;
    return sum;
  }

  get bytesInFlight(): number {
    let sum = 0;
    for (const { unit, inFlight } of this.channels) if (unit === "bytes") sum += inFlight;
    return sum;
  }

  report(metrics: TaskMetrics): void {
    let recordsIn = 0;
    for (const channel of this.channels) recordsIn += channel.recordsIn;
    metrics.set("recordsIn", recordsIn);
    metrics.set("bytesIn", this.bytesIn);
    this.debloater?.report(metrics);
  }
}
