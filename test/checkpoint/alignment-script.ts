/** Drives an `Alignment` by a line of short events and prints what it answers. */
import { Alignment, type AlignmentAction, type AlignmentOptions } from "../../lib/checkpoint/alignment.js";
import type { Barrier } from "../../lib/checkpoint/barrier.js";

export function barrier(
  id: number,
  alignment: Barrier["alignment"],
  alignedTimeoutMs = 0,
  timestamp = 0,
): Barrier {
  return { id, timestamp, purpose: "checkpoint", alignment, alignedTimeoutMs, completed: 0 };
}

export function print(action: AlignmentAction): string {
  switch (action.do) {
    case "capture":
      return `capture ${action.channels.join("+")}`;
    case "snapshot":
      return `snapshot ${action.barrier.id}${action.unaligned ? " unaligned" : ""}`;
    case "aligned":
      return `aligned ${action.barrier.id}`;
    case "abort":
      return `abort ${action.id} ${action.reason}`;
    case "timer":
      return `timer ${action.at}`;
    case "cancelTimer":
      return "cancelTimer";
    default:
      return `${action.do} ${action.channel}`;
  }
}

export interface Script extends AlignmentOptions {
  readonly channels: number;
  readonly alignment: Barrier["alignment"];
  readonly timeoutMs?: number;
}

/**
 * Events: `0:1` barrier 1 in channel 0, `u0:1` the same unaligned, `a0:1` announced, `e0` channel 0 ends,
 * `x1` checkpoint 1 is cancelled, `t50` it is 50 ms, `!` the timer goes off, `r1` trigger 1, `close`.
 */
export class Driver {
  readonly alignment: Alignment;
  readonly script: Script;
  now = 0;

  constructor(script: Script) {
    this.script = script;
    this.alignment = new Alignment(script.channels, script);
  }

  /** What each event answered, events without an answer left out. */
  run(events: string): string[] {
    return events
      .split(" ")
      .map((event) => this.step(event).map(print).join(", "))
      .filter((answer) => answer !== "");
  }

  step(event: string): AlignmentAction[] {
    const { alignment, now } = this;
    if (event === "!") return alignment.onTimeout(now);
    if (event === "close") return alignment.onClose();
    const [, letter, first, id] = /^([a-z]?)(\d+)(?::(\d+))?$/.exec(event)!;
    const number = Number(first);
    const made = (as: Barrier["alignment"]) => barrier(Number(id), as, this.script.timeoutMs);
    switch (letter) {
      case "t":
        this.now = number;
        return [];
      case "e":
        return alignment.onEnd(number, now);
      case "x":
        return alignment.onCancel(number);
      case "r":
        return alignment.onTrigger(barrier(number, this.script.alignment, this.script.timeoutMs), now);
      case "a":
        return alignment.onAnnouncement(number, made(this.script.alignment), now);
      default:
        return alignment.onBarrier(number, made(letter === "u" ? "unaligned" : this.script.alignment), now);
    }
  }
}
