import type { Clock } from "../../lib/base/clock.js";
import type { Scheduler } from "../../lib/base/scheduler.js";

/** Time that stands still until a test moves it. */
export class ManualTime implements Clock, Scheduler {
  private time = 1_000;
  private timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  steady(): number {
    return this.time;
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.time + ms, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((each) => each !== timer);
    };
  }

  every(ms: number, callback: () => void): () => void {
    let cancel = () => undefined as unknown;
    const again = (): void => {
      cancel = this.after(ms, again);
      callback();
    };
    cancel = this.after(ms, again);
    return () => void cancel();
  }

  keepAlive(): () => void {
    return () => undefined;
  }

  /** Lets time pass; timers that are due go off in order, with what they lead to settled after each. */
  async pass(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((each) => each !== due);
      this.time = Math.max(this.time, due.at);
      due.callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.time = until;
  }
}
