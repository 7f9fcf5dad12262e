import type { Entry } from "./chain-code.js";
import type { LocalReceiver } from "./local-channel.js";

/** A task as the channels of its second input see it: records enter elsewhere, all else is the task's. */
export class SecondInput implements LocalReceiver {
  readonly entry: Entry;
  private readonly task: LocalReceiver;

  constructor(task: LocalReceiver, entry: Entry) {
    this.task = task;
    this.entry = entry;
  }

  onWatermark(input: number, watermark: number): void {
    this.task.onWatermark(input, watermark);
  }

  onIdle(input: number, idle: boolean): void {
    this.task.onIdle(input, idle);
  }

  onEnd(input: number): void {
    this.task.onEnd(input);
  }

  wake(): void {
    this.task.wake();
  }
}
