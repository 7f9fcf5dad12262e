import type { Clock } from "../base/clock.js";
import type { Scheduler } from "../base/scheduler.js";

const CHECK_MS = 500;

/**
 * Watches the progress words of the slots. A word that stands still for `hangTimeoutMs` means a function
 * that does not return. The main thread's own lag is not held against a slot: only time during which the
 * watchdog itself ran on schedule counts.
 */
export class Watchdog {
  private readonly words: Int32Array;
  private readonly seen: Int32Array;
  private readonly stillMs: Float64Array;
  private readonly cancel: () => void;

  constructor(options: {
    progress: SharedArrayBuffer;
    hangTimeoutMs: number;
    clock: Clock;
    scheduler: Scheduler;
    onHang: (slot: number) => void;
  }) {
    this.words = new Int32Array(options.progress);
    this.seen = new Int32Array(this.words.length);
    this.stillMs = new Float64Array(this.words.length);
    let last = options.clock.steady();
    const check = Math.min(CHECK_MS, options.hangTimeoutMs / 4);
    this.cancel = options.scheduler.every(check, () => {
      const now = options.clock.steady();
      const counted = Math.min(now - last, check * 2);
      last = now;
      for (let slot = 0; slot < this.words.length; slot++) {
        const word = Atomics.load(this.words, slot);
        if (word !== this.seen[slot] || word === 0) this.stillMs[slot] = 0;
        else this.stillMs[slot]! += counted;
        this.seen[slot] = word;
        if (this.stillMs[slot]! >= options.hangTimeoutMs) options.onHang(slot);
      }
    });
  }

  stop(): void {
    this.cancel();
  }
}
