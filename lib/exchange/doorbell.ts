/**
 * A slot's doorbell: how others wake its host when it sleeps.
 *
 *   word 0  asleep   1 while the host sleeps or is about to    written by: the slot's host; cleared by ringers
 *   word 1  rung     counts rings                              written by: whoever rings
 *
 * The host sets `asleep`, looks once more for work, then waits on `rung` by ONE Atomics.waitAsync without a
 * timeout (a timeout would leak its timer, a race its promise). A ringer pays one load when nobody sleeps.
 */
const ASLEEP = 0;
const RUNG = 1;
const BYTES = 128;

interface AsyncWait {
  readonly async: boolean;
  readonly value: Promise<unknown> | string;
}
type WaitAsync = (words: Int32Array, index: number, value: number) => AsyncWait;

export function createDoorbell(): SharedArrayBuffer {
  return new SharedArrayBuffer(BYTES);
}

export class Doorbell {
  private readonly words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory);
  }

  /** Wakes the host if it sleeps. */
  ring(): void {
    if (Atomics.load(this.words, ASLEEP) === 0 || Atomics.exchange(this.words, ASLEEP, 0) === 0) return;
    Atomics.add(this.words, RUNG, 1);
    Atomics.notify(this.words, RUNG);
  }

  /** The host is about to sleep. The answer resolves when somebody rings; undefined: it was rung already. */
  sleep(): Promise<void> | undefined {
    const before = Atomics.load(this.words, RUNG);
    Atomics.store(this.words, ASLEEP, 1);
    const { waitAsync } = Atomics as unknown as { waitAsync: WaitAsync };
    const wait = waitAsync(this.words, RUNG, before);
    return wait.async ? (wait.value as Promise<void>) : undefined;
  }

  /** The host is up: ringers need not notify. A wait that is still open ends. */
  awake(): void {
    Atomics.store(this.words, ASLEEP, 0);
    Atomics.add(this.words, RUNG, 1);
    Atomics.notify(this.words, RUNG);
  }
}
