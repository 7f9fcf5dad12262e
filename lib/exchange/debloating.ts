/**
 * Buffer debloating (after Flink's FLIP-183): how much a channel may have in flight so that its receiver is through
 * with it within a target time. Pure; times in ms, sizes in bytes, throughput per second.
 *
 * A limit is throughput * target, of a throughput that leaves idle time out: a slow sender makes it no smaller. What
 * is announced follows what was measured: at once where two measurements say that it is far away, though growing at
 * most twofold a step; smoothed where it is near.
 */

/** What decides limits; see DebloatOptions for what users say. */
export interface DebloatSettings {
  readonly targetMs: number;
  readonly periodMs: number;
  readonly samples: number;
  /** Percent. */
  readonly threshold: number;
  readonly minBytes: number;
  readonly maxBytes: number;
}

export interface Bounds {
  readonly minBytes: number;
  readonly maxBytes: number;
}

/** How long something was busy: intervals that begin with `resume` and end with `pause`. */
export class ActiveTime {
  private passed = 0;
  private since: number | undefined;

  /** Without effect while the time runs. */
  resume(now: number): void {
    this.since ??= now;
  }

  pause(now: number): void {
    if (this.since !== undefined) this.passed += now - this.since;
    this.since = undefined;
  }

  /** The time so far. */
  at(now: number): number {
    return this.passed + (this.since === undefined ? 0 : now - this.since);
  }

  /** The time so far; counts from 0 again. */
  take(now: number): number {
    const taken = this.at(now);
    this.passed = 0;
    if (this.since !== undefined) this.since = now;
    return taken;
  }
}

/** Of an amount in some time; in no time, as it was before. */
export function perSecond(amount: number, ms: number, before: number): number {
  return ms > 0 ? (amount / ms) * 1000 : before;
}

/** One step of an exponential moving average over about so many samples; a whole number. */
export function smoothed(last: number, next: number, samples: number): number {
  return Math.trunc(last + (2 / (samples + 1)) * (next - last));
}

/** What a channel that has this share of a throughput takes within the target time; a whole number. */
export function desiredSize(throughput: number, targetMs: number, share = 1): number {
  return Math.trunc(((throughput * targetMs) / 1000) * share);
}

/** The size after `last`: towards what is desired, growing no faster than twofold. */
export function nextSize(last: number, desired: number, samples: number, bounds: Bounds): number {
  return clamp(smoothed(last, Math.min(desired, 2 * last), samples), bounds);
}

/** A change by more than this share of the size is no noise. */
const LEAP = 0.25;

/** Where a size goes to, and over how many samples. */
export interface Course {
  readonly to: number;
  readonly samples: number;
}

/**
 * What to make of the last two measurements. One alone may be an outlier: it moves the size a little. What both agree
 * on is followed at once where it is far away.
 */
export function courseOf(size: number, before: number, now: number, samples: number): Course {
  const [least, most] = [Math.min(before, now), Math.max(before, now)];
  if (least > size * (1 + LEAP)) return { to: least, samples: 1 };
  if (most < size * (1 - LEAP)) return { to: most, samples: 1 };
  return { to: Math.max(size * (1 - LEAP), Math.min(size * (1 + LEAP), now)), samples };
}

/** Whether a size is worth telling: small changes are not, but the bounds always are. */
export function isWorthTelling(told: number, size: number, threshold: number, bounds: Bounds): boolean {
  if (size === told) return false;
  if (size <= bounds.minBytes || size >= bounds.maxBytes) return true;
  return Math.abs(size - told) >= Math.trunc((told * threshold) / 100);
}

export function clamp(size: number, { minBytes, maxBytes }: Bounds): number {
  return Math.max(minBytes, Math.min(maxBytes, size));
}

/**
 * A channel's share of what its task takes, in records: what it had lately, though no less than an even share,
 * which is what a task gives a channel that has enough; a channel with less is short of records, not of credit.
 */
export function shareOf(records: number, all: number, channels: number): number {
  return Math.max(all > 0 ? records / all : 0, 1 / channels);
}

/** What a task took from one channel in some period. */
export interface Taken {
  readonly records: number;
  /** What so many records took of the channel. */
  readonly framed: { readonly records: number; readonly size: number };
  /** No more will come. */
  readonly ended: boolean;
  /** It was not taken from for some of the time, as the barriers of other channels were waited for. */
  readonly held: boolean;
}

/** The limit of one channel. */
export class ChannelLimit {
  /** What was measured last, what follows it, and what was told the sender. */
  instant: number;
  size: number;
  told: number;
  /** Undefined before the first record. */
  recordSize: number | undefined;
  share = 1;
  readonly bounds: Bounds;
  /** What was measured before. */
  private before: number | undefined;

  constructor(first: number, bounds: Bounds) {
    this.bounds = bounds;
    this.instant = clamp(first, bounds);
    this.size = this.instant;
    this.told = this.instant;
  }

  /** `throughput` of the task, in records. True where there is something to tell. */
  follow(throughput: number, { targetMs, samples, threshold }: DebloatSettings): boolean {
    if (this.recordSize === undefined) return false;
    const desired = desiredSize(throughput * this.recordSize, targetMs, this.share);
    this.instant = clamp(desired, this.bounds);
    const course = courseOf(this.size, this.before ?? desired, desired, samples);
    this.size = nextSize(this.size, course.to, course.samples, this.bounds);
    this.before = desired;
    if (!isWorthTelling(this.told, this.size, threshold, this.bounds)) return false;
    this.told = this.size;
    return true;
  }
}

/** Records without which a throughput says little, unless they take very long. */
const RECORDS_MIN = 4;
const PERIODS_MAX = 5;

/** The limits of all channels of one task. */
export class TaskLimits {
  /** Records a second. */
  throughput = 0;
  readonly channels: readonly ChannelLimit[];
  private readonly settings: DebloatSettings;

  constructor(settings: DebloatSettings, channels: readonly ChannelLimit[]) {
    this.settings = settings;
    this.channels = channels;
  }

  /** A channel should have far more than it has. */
  get wantsMore(): boolean {
    return this.channels.some(({ instant, size }) => instant > size * (1 + LEAP));
  }

  /** Whether what was seen in so much active time of a period is enough to go by. */
  isEnough(activeMs: number, records: number, periodMs = this.settings.periodMs): boolean {
    if (activeMs < periodMs / 4) return false;
    return records >= RECORDS_MIN || activeMs >= periodMs * PERIODS_MAX;
  }

  /** Learns what was taken, by channel; `tell` is called with each channel whose limit has changed. */
  learn(activeMs: number, taken: readonly Taken[], tell: (channel: number, bytes: number) => void): void {
    const all = taken.reduce((sum, { records }) => sum + records, 0);
    const open = taken.reduce((count, { ended }) => count + (ended ? 0 : 1), 0);
    this.throughput = perSecond(all, activeMs, this.throughput);
    // While some are held the others get all of the time: that says nothing about their shares.
    const isShared = taken.every(({ held }) => !held);
    for (const [i, { records, framed, ended }] of taken.entries()) {
      const channel = this.channels[i]!;
      if (framed.records > 0) channel.recordSize = framed.size / framed.records;
      if (isShared) channel.share = shareOf(records, all, Math.max(1, open));
      if (!ended && channel.follow(this.throughput, this.settings)) tell(i, channel.told);
    }
  }
}
