/** A channel within a slot that makes the most of what its contract allows: it never calls the receiver directly. */
import type { Receiver } from "../runtime/inputs.js";
import { LocalChannel } from "../runtime/local-channel.js";
import type { OutputOwner } from "../runtime/outputs.js";

export interface TestedChannelOptions {
  /** Done to every record. */
  readonly carry: ((record: unknown) => unknown) | undefined;
  /** Takes one record, and refuses the next offer when it is gone. */
  readonly tiny: boolean;
}

export class TestedChannel extends LocalChannel {
  override open = false;
  private readonly sender: OutputOwner;
  private readonly given: TestedChannelOptions;
  private refuses = false;

  constructor(receiver: Receiver, input: number, sender: OutputOwner, given: TestedChannelOptions) {
    super(receiver, input, sender);
    this.sender = sender;
    this.given = given;
  }

  override get mayOpen(): boolean {
    return false;
  }

  override push(record: unknown, timestamp: number, keyGroup: number): void {
    const { carry, tiny } = this.given;
    super.push(carry === undefined ? record : carry(record), timestamp, keyGroup);
    if (!tiny) return;
    this.refuses = true;
    this.sender.raise(2);
  }

  override get level(): 0 | 1 | 2 {
    if (!this.given.tiny) return super.level;
    return this.refuses || this.inFlight > 0 ? 2 : 0;
  }

  override pump(): boolean {
    if (!this.refuses || this.inFlight > 0) return false;
    this.refuses = false;
    return true;
  }
}
