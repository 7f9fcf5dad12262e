/**
 * Timers of one operator in one subtask, in event time and in processing time: per key, one for each time.
 *
 * Whoever fires them is a cursor: `nextEvent() <= watermark`, then `takeEvent()`, which selects the timer's
 * key; what is registered meanwhile at or before that time is simply next. As a state part they are keyed, and
 * a delta holds the timers registered and those gone since the freeze before.
 *
 * Called by: operators. May import: base, state.
 */
import { MillraceError } from "../base/error.js";
import type { EntrySink, FrozenPart, StatePart } from "../state/contract.js";
import { type CanonicalKey, canonicalKey } from "../state/key.js";
import { FrozenQueue, GoneTimers, type TimerEntry } from "./frozen-timers.js";
import { TimerQueue } from "./timer-queue.js";

/** Timers gone since the last freeze that are kept for a delta even where few are left. */
const GONE_KEPT_MIN = 4096;

/** Event time or processing time: its timers, and what checkpoints need to know of them. */
class TimeDomain {
  readonly queue = new TimerQueue();
  readonly frozen: FrozenQueue[] = [];
  private readonly processing: boolean;
  /** Since the last freeze; undefined before the first one, and where a delta would be larger than everything. */
  private gone: GoneTimers | undefined;
  /** The order that was next at the last freeze. */
  private since = 0;

  constructor(processing: boolean) {
    this.processing = processing;
    this.queue.onRemove = (id) => this.note(id);
  }

  get canDelta(): boolean {
    return this.gone !== undefined;
  }

  freeze(kind: "full" | "delta", sink: EntrySink): FrozenQueue {
    const { queue, processing } = this;
    const delta = kind === "delta";
    const since = delta ? this.since : Number.NEGATIVE_INFINITY;
    const gone = delta ? this.gone : undefined;
    const frozen = new FrozenQueue({ queue, processing, sink, since, gone });
    this.frozen.push(frozen);
    this.gone = new GoneTimers();
    this.since = queue.nextOrder;
    return frozen;
  }

  /** `abandoned`: it was not written whole, so that no delta may build on it. */
  forget(frozen: FrozenQueue, abandoned: boolean): void {
    const at = this.frozen.indexOf(frozen);
    if (at >= 0) this.frozen.splice(at, 1);
    if (abandoned) this.gone = undefined;
  }

  load(key: unknown, keyGroup: number, time: number, { order, gone }: TimerEntry): void {
    const { queue } = this;
    const canonical = canonicalKey(key);
    const hash = queue.hashOf(canonical, time);
    const known = queue.find(canonical, time, hash);
    if (gone) {
      if (known >= 0 && queue.orderOf(known) === order) queue.remove(known);
    } else if (known < 0 || queue.orderOf(known) < order) {
      if (known >= 0) queue.remove(known);
      queue.add(key, canonical, keyGroup, time, hash, order);
    }
  }

  private note(id: number): void {
    const { frozen, gone, queue } = this;
    for (let i = 0; i < frozen.length; i++) frozen[i]!.leaving(id);
    if (gone === undefined || queue.orderOf(id) >= this.since) return;
    gone.add(queue.keyOf(id), queue.groupOf(id), queue.timeOf(id), queue.orderOf(id));
    if (gone.times.length > Math.max(GONE_KEPT_MIN, queue.size)) this.gone = undefined;
  }
}

/** Timers of one operator in one subtask. */
export class Timers implements StatePart {
  readonly name = "timers";
  readonly scope = "keyed";
  readonly schema = { kind: "timers" } as const;
  /** The selected key. */
  key: unknown;
  keyGroup = 0;
  private canonical: CanonicalKey;
  private readonly event = new TimeDomain(false);
  private readonly processing = new TimeDomain(true);

  /** How many timers there are. */
  get size(): number {
    return this.event.queue.size + this.processing.queue.size;
  }

  /** For how many timers there is room in use: more than `size` where some were deleted before their time. */
  get room(): number {
    return this.event.queue.used + this.processing.queue.used;
  }

  /** Selects the key that timers are registered for. */
  use(key: unknown, canonical: CanonicalKey, keyGroup: number): void {
    this.key = key;
    this.canonical = canonical;
    this.keyGroup = keyGroup;
  }

  registerEvent(time: number): void {
    this.register(this.event, time);
  }

  registerProcessing(time: number): void {
    this.register(this.processing, time);
  }

  deleteEvent(time: number): void {
    this.delete(this.event, time);
  }

  deleteProcessing(time: number): void {
    this.delete(this.processing, time);
  }

  /** The earliest time, in ms; NaN when there is none. */
  nextEvent(): number {
    return this.event.queue.next();
  }

  nextProcessing(): number {
    return this.processing.queue.next();
  }

  /** Removes the earliest timer, selects its key and answers its time. */
  takeEvent(): number {
    return this.take(this.event);
  }

  takeProcessing(): number {
    return this.take(this.processing);
  }

  freeze(wanted: "full" | "delta", sink: EntrySink): FrozenPart {
    const { event, processing } = this;
    const kind = wanted === "delta" && event.canDelta && processing.canDelta ? "delta" : "full";
    const events = event.freeze(kind, sink);
    const processings = processing.freeze(kind, sink);
    let open = true;
    const forget = (abandoned: boolean) => {
      if (!open) return;
      open = false;
      event.forget(events, abandoned);
      processing.forget(processings, abandoned);
    };
    const pack = (timeIsUp: () => boolean) => {
      if (!events.pack(timeIsUp) || !processings.pack(timeIsUp)) return false;
      forget(false);
      return true;
    };
    return { kind, pack, release: () => forget(true) };
  }

  load(value: TimerEntry, stamp: number, keyGroup: number): void {
    const domain = value.processing ? this.processing : this.event;
    domain.load(value.key, keyGroup, stamp, value);
  }

  private register(domain: TimeDomain, given: number): void {
    const time = timeOf(given);
    const { queue } = domain;
    const { canonical } = this;
    const hash = queue.hashOf(canonical, time);
    if (queue.find(canonical, time, hash) >= 0) return;
    queue.add(this.key, canonical, this.keyGroup, time, hash, queue.nextOrder);
  }

  private delete(domain: TimeDomain, given: number): void {
    const { queue } = domain;
    const time = timeOf(given);
    const id = queue.find(this.canonical, time, queue.hashOf(this.canonical, time));
    if (id >= 0) queue.remove(id);
  }

  private take(domain: TimeDomain): number {
    const { queue } = domain;
    const id = queue.first();
    const time = queue.timeOf(id);
    this.use(queue.keyOf(id), queue.canonicalOf(id), queue.groupOf(id));
    queue.remove(id);
    return time;
  }
}

/** -0 and 0 are the same time. */
function timeOf(given: number): number {
  if (typeof given !== "number" || Number.isNaN(given)) {
    throw new MillraceError("TIMER_INVALID", `a timer cannot fire at ${given}`);
  }
  return given + 0;
}
