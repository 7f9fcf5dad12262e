import { expect } from "chai";
import { systemClock } from "../../lib/base/clock.js";
import { systemScheduler } from "../../lib/base/scheduler.js";
import { createDoorbell, Doorbell } from "../../lib/exchange/doorbell.js";
import { createRoundTimes, RoundCounter } from "../../lib/metrics/round-times.js";
import { HostLoop } from "../../lib/runtime/host-loop.js";
import type { Task } from "../../lib/runtime/task.js";

/** Calls back when the host is about to sleep: its last look comes after that. */
class WatchedDoorbell extends Doorbell {
  onSleep: () => void = () => undefined;

  override sleep(): Promise<void> | undefined {
    this.onSleep();
    return super.sleep();
  }
}

function loopOf(turn: () => boolean): {
  doorbell: WatchedDoorbell;
  failed: Promise<unknown>;
  loop: HostLoop;
} {
  const doorbell = new WatchedDoorbell(createDoorbell());
  let loop!: HostLoop;
  const failed = new Promise<unknown>((resolve) => {
    loop = new HostLoop({
      clock: systemClock,
      scheduler: systemScheduler,
      doorbell,
      progress: new Int32Array(1),
      drive: undefined,
      roundsMs: 2,
      times: new RoundCounter(createRoundTimes(1), 0),
      onTask: () => undefined,
      onError: resolve,
    });
  });
  const task = {
    phase: "running",
    turn,
    report: () => undefined,
    spend: () => undefined,
  };
  loop.tasks = [task as unknown as Task];
  return { doorbell, failed, loop };
}

describe("host loop", () => {
  it("tells of errors, also of those in the last look before it sleeps", async () => {
    let isFaulty = false;
    const { doorbell, failed, loop } = loopOf(() => {
      if (isFaulty) throw new Error("in a turn");
      return false;
    });
    doorbell.onSleep = () => {
      isFaulty = true;
    };
    loop.start();
    expect(await failed).to.have.property("message", "in a turn");
    loop.stop();
  });

  it("sleeps when nothing moves, and wakes when it is rung", async () => {
    let turns = 0;
    let slept = 0;
    const { doorbell, loop } = loopOf(() => {
      turns++;
      return false;
    });
    const asleep = new Promise<void>((resolve) => {
      doorbell.onSleep = () => {
        slept++;
        resolve();
      };
    });
    loop.start();
    await asleep;
    await new Promise(setImmediate);
    const before = turns;
    doorbell.ring();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(turns).to.be.greaterThan(before);
    expect(slept).to.be.greaterThan(0);
    loop.stop();
  });
});
