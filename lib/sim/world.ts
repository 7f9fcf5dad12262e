/**
 * A simulated world: virtual time, and everything that can happen in it as events. One seed decides the whole run.
 *
 * The simulator runs the real coordinator and the real runtime in one thread. Whatever they would leave to threads,
 * timers, ports and disks is an event here with a delay drawn from the seed: a slot's round, a message, the end of a
 * storage operation, a timer. Events happen one at a time, and after each all promises that can go on have done so.
 *
 * Invariants
 * - Nothing in a run depends on anything but its plan: the same plan gives the same trace.
 * - Whose life is over does nothing any more: its events are dropped, its promises never settle.
 *
 * Called by: main.ts, tests. May import: everything below; nobody imports it.
 */
import type { Clock } from "../base/clock.js";
import { type Random, seededRandom } from "../base/random.js";
import { type Scheduler, systemScheduler } from "../base/scheduler.js";

/** A thread or a process: what belongs to it stops when it dies. */
export class Life {
  alive = true;
  private readonly children: Life[] = [];

  constructor(parent?: Life) {
    parent?.children.push(this);
  }

  end(): void {
    this.alive = false;
    for (const child of this.children) child.end();
  }
}

interface SimEvent {
  readonly at: number;
  readonly life: Life;
  readonly label: string;
  readonly run: () => void;
}

/** Wall time at the begin of every run. */
const EPOCH_MS = 1_700_000_000_000;

export class World {
  /** Virtual ms since the begin. */
  time = 0;
  steps = 0;
  readonly random: Random;
  /** What asking a steady clock costs, ms. */
  tickMs = 0;
  /** Of what nobody's death stops. */
  readonly always = new Life();
  /** Called before every step. */
  onStep: (step: number) => void = () => undefined;
  private readonly events: SimEvent[] = [];
  private readonly print: ((line: string) => void) | undefined;
  private digest = 0x811c9dc5;

  constructor(seed: number, print?: (line: string) => void) {
    this.random = seededRandom(seed);
    this.print = print;
  }

  /** A hash over everything logged. */
  get hash(): string {
    return (this.digest >>> 0).toString(16).padStart(8, "0");
  }

  log(text: string): void {
    const line = `${this.steps} ${this.time.toFixed(2)} ${text}`;
    for (let i = 0; i < line.length; i++) {
      this.digest = Math.imul(this.digest ^ line.charCodeAt(i), 0x01000193);
    }
    this.print?.(line);
  }

  /** A number from 0 up to `limit`, which is left out. */
  below(limit: number): number {
    return this.random.u32() % limit;
  }

  chance(share: number): boolean {
    return this.random.u32() / 0x1_0000_0000 < share;
  }

  /** Mostly short, sometimes long: from `mean` / 10 to ten times `mean`. */
  delay(mean: number): number {
    return mean * 10 ** ((this.random.u32() / 0x1_0000_0000) * 2 - 1) * (this.chance(0.5) ? 0.3 : 1);
  }

  /** Lets something happen after `ms` if `life` lasts; the answer takes it back. */
  after(life: Life, ms: number, label: string, run: () => void): () => void {
    const event = { at: this.time + ms, life, label, run };
    let place = this.events.length;
    while (place > 0 && this.events[place - 1]!.at > event.at) place--;
    this.events.splice(place, 0, event);
    return () => {
      const at = this.events.indexOf(event);
      if (at >= 0) this.events.splice(at, 1);
    };
  }

  /** Resolves after `ms`; never when `life` ends before. */
  wait(life: Life, ms: number, label: string): Promise<void> {
    return new Promise((resolve) => {
      this.after(life, ms, label, resolve);
    });
  }

  /** Runs events until `isOver`, at most `steps`; answers why it ended. */
  async run(isOver: () => boolean, steps: number): Promise<"over" | "too-long" | "nothing-left"> {
    await turn();
    while (!isOver()) {
      if (this.steps >= steps) return "too-long";
      const event = this.events.shift();
      if (event === undefined) return "nothing-left";
      if (!event.life.alive) continue;
      this.time = Math.max(this.time, event.at);
      this.steps++;
      this.onStep(this.steps);
      if (event.life.alive) {
        if (event.label !== "") this.log(event.label);
        event.run();
      }
      await turn();
    }
    return "over";
  }

  readonly clock: Clock = {
    now: () => Math.floor(EPOCH_MS + this.time),
    steady: () => {
      this.time += this.tickMs;
      return this.time;
    },
  };

  schedulerOf(life: Life): Scheduler {
    const every = (ms: number, callback: () => void) => {
      let cancel: () => void;
      const again = () => {
        cancel = this.after(life, ms, "", again);
        callback();
      };
      cancel = this.after(life, ms, "", again);
      return () => cancel();
    };
    return {
      soon: (callback) => void this.after(life, 0, "", callback),
      after: (ms, callback) => this.after(life, ms, `timer of ${ms.toFixed(0)} ms`, callback),
      every,
      keepAlive: () => () => undefined,
    };
  }
}

/** Every promise that can go on has done so when the answer resolves. */
function turn(): Promise<void> {
  return new Promise((resolve) => systemScheduler.soon(resolve));
}
