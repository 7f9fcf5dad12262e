// @hot a few comparisons a turn; guarded by benchmarks/exchange and benchmarks/debloat
/**
 * Measures what a task takes from its channels while it does not wait for input, and limits what they may have in
 * flight by it (exchange/debloating.ts). Back pressure and slow functions count, and so does waiting for a turn.
 *
 * Called by: task.ts, once a turn, with times that the task has read anyway.
 */
import {
  ActiveTime,
  type Bounds,
  ChannelLimit,
  type DebloatSettings,
  type Taken,
  TaskLimits,
} from "../exchange/debloating.js";
import type { TaskMetrics } from "../metrics/task-metrics.js";

/** A channel whose limit can be set. What it counts never falls. */
export interface DebloatedChannel {
  /** What limits and sizes count. */
  readonly unit: "bytes" | "records";
  readonly bounds: Bounds;
  /** The limit before anything is measured. */
  readonly firstLimit: number;
  /** Records given to the task. */
  readonly recordsTaken: number;
  /** Records that came in frames, and the sum of their sizes. */
  readonly framedRecords: number;
  readonly framedSize: number;
  /** In its unit. */
  readonly inFlight: number;
  readonly ended: boolean;
  /** Somebody waited here for the barriers of other channels since this was last set to false. */
  wasHeld: boolean;
  setLimit(limit: number): void;
}

interface Seen {
  records: number;
  framedRecords: number;
  framedSize: number;
}

/** Of a period, while a task that could take more finds nothing: a job that is fast does not wait for its limits. */
const HURRIED_PART = 8;

export class Debloater {
  private readonly settings: DebloatSettings;
  private readonly channels: readonly DebloatedChannel[];
  private readonly limits: TaskLimits;
  private readonly seen: Seen[];
  private readonly active = new ActiveTime();
  private nextAt = Number.NaN;
  private everyMs: number;
  /** Nothing was there for some of the time since the last measurement. */
  private wasDry = false;

  constructor(settings: DebloatSettings, channels: readonly DebloatedChannel[]) {
    this.settings = settings;
    this.channels = channels;
    this.everyMs = settings.periodMs / HURRIED_PART;
    this.limits = new TaskLimits(
      settings,
      channels.map(({ bounds, firstLimit }) => new ChannelLimit(firstLimit, bounds)),
    );
    this.seen = channels.map(() => ({ records: 0, framedRecords: 0, framedSize: 0 }));
    for (const [i, channel] of channels.entries()) channel.setLimit(this.limits.channels[i]!.told);
  }

  /** A turn from `began` to `ended` is over; `isWaiting`: the task found all there was. */
  turn(began: number, ended: number, isWaiting: boolean): void {
    const { active } = this;
    if (!isWaiting || ended > began) active.resume(began);
    if (isWaiting) {
      active.pause(ended);
      this.wasDry = true;
    }
    if (began >= this.nextAt) this.measure(ended);
    else if (Number.isNaN(this.nextAt)) this.nextAt = began + this.everyMs;
  }

  report(metrics: TaskMetrics): void {
    const { channels, limits } = this;
    const { throughput } = limits;
    let [records, instant, told, bytesPerSecond] = [0, 0, 0, 0];
    for (let i = 0; i < channels.length; i++) {
      const { unit, inFlight, ended } = channels[i]!;
      const limit = limits.channels[i]!;
      if (ended) continue;
      const { recordSize = 0 } = limit;
      if (recordSize > 0) records += inFlight / recordSize;
      if (unit === "records") continue;
      instant += limit.instant;
      told += limit.told;
      bytesPerSecond += throughput * recordSize * limit.share;
    }
    metrics.set("debloatedBufferSize", told);
    metrics.set("instantBufferSize", instant);
    metrics.set("throughput", bytesPerSecond);
    metrics.set("estimatedTimeToConsumeBuffersMs", throughput > 0 ? (records / throughput) * 1000 : 0);
  }

  private measure(now: number): void {
    const taken = this.channels.map((channel, i) => since(channel, this.seen[i]!));
    const records = taken.reduce((sum, each) => sum + each.records, 0);
    this.nextAt = now + this.everyMs;
    if (!this.limits.isEnough(this.active.at(now), records, this.everyMs)) return;
    this.limits.learn(this.active.take(now), taken, (i, limit) => this.channels[i]!.setLimit(limit));
    for (const [i, channel] of this.channels.entries()) {
      const { recordsTaken, framedRecords, framedSize } = channel;
      this.seen[i] = { records: recordsTaken, framedRecords, framedSize };
      channel.wasHeld = false;
    }
    const isHurried = this.wasDry && this.limits.wantsMore;
    this.everyMs = this.settings.periodMs / (isHurried ? HURRIED_PART : 1);
    this.nextAt = now + this.everyMs;
    this.wasDry = false;
  }
}

function since(channel: DebloatedChannel, seen: Seen): Taken {
  return {
    records: channel.recordsTaken - seen.records,
    framed: {
      records: channel.framedRecords - seen.framedRecords,
      size: channel.framedSize - seen.framedSize,
    },
    ended: channel.ended,
    held: channel.wasHeld,
  };
}
