import { expect } from "chai";
import { Alignment, type AlignmentAction } from "../../lib/checkpoint/alignment.js";
import { barrierAlignment } from "../../lib/checkpoint/barrier.js";
import { barrier, Driver, type Script } from "./alignment-script.js";

function run(script: Script, events: string): string[] {
  return new Driver(script).run(events);
}

/** Only which checkpoints were taken (positive) and aborted (negative), as Flink's validators list them. */
function sequence(script: Script, events: string): number[] {
  const driver = new Driver(script);
  return events.split(" ").flatMap((event) =>
    driver.step(event).flatMap((action) => {
      if (action.do === "snapshot") return [action.barrier.id];
      return action.do === "abort" ? [-action.id] : [];
    }),
  );
}

describe("aligned barriers", () => {
  const aligned = (channels: number): Script => ({ channels, alignment: "aligned" });

  it("block their channel until the last has come", () => {
    expect(run(aligned(2), "0:1 1:1")).to.deep.equal(["block 0", "snapshot 1, aligned 1, unblock 0"]);
    expect(run(aligned(3), "1:1 2:1 0:1 2:2 0:2 1:2")).to.deep.equal([
      "block 1",
      "block 2",
      "snapshot 1, aligned 1, unblock 1, unblock 2",
      "block 2",
      "block 0",
      "snapshot 2, aligned 2, unblock 2, unblock 0",
    ]);
  });

  it("of a single channel never block", () => {
    expect(run(aligned(1), "0:1 0:2 0:5")).to.deep.equal([
      "snapshot 1, aligned 1",
      "snapshot 2, aligned 2",
      "snapshot 5, aligned 5",
    ]);
  });

  it("of a later checkpoint end the one under way (multi channel, skipped barriers)", () => {
    expect(run(aligned(3), "1:1 2:1 0:1 1:2 0:2 2:3 0:3 1:4 0:4 2:4")).to.deep.equal([
      "block 1",
      "block 2",
      "snapshot 1, aligned 1, unblock 1, unblock 2",
      "block 1",
      "block 0",
      "abort 2 subsumed, unblock 1, unblock 0, block 2",
      "block 0",
      "abort 3 subsumed, unblock 2, unblock 0, block 1",
      "block 0",
      "snapshot 4, aligned 4, unblock 1, unblock 0",
    ]);
  });

  it("of what is over are ignored", () => {
    expect(run(aligned(2), "0:2 1:1 1:2 0:1 0:2")).to.deep.equal([
      "block 0",
      "snapshot 2, aligned 2, unblock 0",
    ]);
  });

  it("are cancelled by markers, each checkpoint once", () => {
    expect(sequence(aligned(1), "0:1 0:2 x4 0:5 x6")).to.deep.equal([1, 2, -4, 5, -6]);
    expect(
      sequence(aligned(3), "1:1 2:1 0:1 0:2 2:2 x2 1:3 2:3 0:3 x4 2:4 0:4 2:5 1:5 0:5 x6 x6 0:6"),
    ).to.deep.equal([1, -2, 3, -4, 5, -6]);
    expect(sequence(aligned(3), "x1 x2 x1 x2 x1 x2")).to.deep.equal([-1, -2]);
  });

  it("leave nothing blocked when markers are missing", () => {
    expect(run(aligned(2), "0:1 x3 x2 x3")).to.deep.equal([
      "block 0",
      "abort 1 subsumed, unblock 0, abort 3 cancelled",
    ]);
    expect(run(aligned(2), "0:1 x1 1:1")).to.deep.equal(["block 0", "abort 1 cancelled, unblock 0"]);
  });

  it("take ended channels as come", () => {
    expect(run(aligned(4), "e2 e1 3:2 0:2 0:3 3:3 e0 3:4")).to.deep.equal([
      "block 3",
      "snapshot 2, aligned 2, unblock 3",
      "block 0",
      "snapshot 3, aligned 3, unblock 0",
      "snapshot 4, aligned 4",
    ]);
    expect(run(aligned(3), "2:2 0:2 e1")).to.deep.equal([
      "block 2",
      "block 0",
      "snapshot 2, aligned 2, unblock 2, unblock 0",
    ]);
  });

  it("do not count a channel twice that gave its barrier and ended", () => {
    const barriers: Script = { channels: 3, alignment: "unaligned" };
    expect(run(barriers, "0:2 1:2 e1 2:2")).to.deep.equal([
      "capture 0+1+2, snapshot 2 unaligned, stopCapture 0",
      "stopCapture 1",
      "stopCapture 2, aligned 2",
    ]);
  });

  it("may be those of the coordinator", () => {
    expect(run(aligned(0), "r1 r1 r2")).to.deep.equal(["snapshot 1, aligned 1", "snapshot 2, aligned 2"]);
    expect(run({ channels: 0, alignment: "unaligned" }, "r1")).to.deep.equal([
      "snapshot 1 unaligned, aligned 1",
    ]);
    expect(run(aligned(2), "e0 e1 r1")).to.deep.equal(["snapshot 1, aligned 1"]);
  });

  it("stand behind the ends of channels when the coordinator gives them", () => {
    expect(run(aligned(3), "e0 r1 e1 e2")).to.deep.equal(["snapshot 1, aligned 1"]);
    expect(run({ channels: 3, alignment: "unaligned" }, "e0 r1 e1 e2")).to.deep.equal([
      "capture 1+2, snapshot 1 unaligned",
      "stopCapture 1",
      "stopCapture 2, aligned 1",
    ]);
    expect(run({ channels: 2, alignment: "aligned", timeoutMs: 10 }, "r1 e0 t20 ! e1")).to.deep.equal([
      "timer 10",
      "snapshot 1 unaligned, aligned 1",
    ]);
  });

  it("say how long they took", () => {
    const driver = new Driver(aligned(3));
    driver.run("t10 1:1 t15 0:1 t40");
    const last = driver.step("2:1").find((action) => action.do === "aligned");
    expect(last).to.include({ startDelayMs: 10, alignmentMs: 30 });
    const single = new Driver(aligned(1));
    single.now = 7;
    expect(single.step("0:1").find((action) => action.do === "aligned")).to.include({
      startDelayMs: 7,
      alignmentMs: 0,
    });
  });

  it("say what is pending", () => {
    const driver = new Driver(aligned(2));
    expect(driver.alignment.pendingIds).to.deep.equal([]);
    driver.run("0:3");
    expect([driver.alignment.pendingIds, driver.alignment.latest]).to.deep.equal([[3], 3]);
    driver.run("1:3");
    expect([driver.alignment.pendingIds, driver.alignment.latest]).to.deep.equal([[], 3]);
  });

  it("of a channel that ended are our bug", () => {
    const driver = new Driver(aligned(2));
    driver.run("e1");
    expect(() => driver.step("1:1")).to.throw("channel 1");
  });
});

describe("unaligned barriers", () => {
  const unaligned = (channels: number): Script => ({ channels, alignment: "unaligned" });

  it("take the snapshot at the first, and what is in flight until the last", () => {
    expect(run(unaligned(2), "0:1 1:1")).to.deep.equal([
      "capture 0+1, snapshot 1 unaligned, stopCapture 0",
      "stopCapture 1, aligned 1",
    ]);
    expect(run(unaligned(1), "0:1 0:2")).to.deep.equal([
      "capture 0, snapshot 1 unaligned, stopCapture 0, aligned 1",
      "capture 0, snapshot 2 unaligned, stopCapture 0, aligned 2",
    ]);
  });

  it("capture only channels that are open", () => {
    expect(run(unaligned(4), "e2 e1 3:2 0:2 e0 3:5")).to.deep.equal([
      "capture 0+3, snapshot 2 unaligned, stopCapture 3",
      "stopCapture 0, aligned 2",
      "capture 3, snapshot 5 unaligned, stopCapture 3, aligned 5",
    ]);
  });

  it("take the end of a channel for its barrier", () => {
    expect(run(unaligned(3), "1:2 e1 2:2 e2 e0")).to.deep.equal([
      "capture 0+1+2, snapshot 2 unaligned, stopCapture 1",
      "stopCapture 2",
      "stopCapture 0, aligned 2",
    ]);
  });

  it("are cancelled and superseded after their snapshot, too", () => {
    expect(sequence(unaligned(1), "0:1 0:2 x4 0:5 x6")).to.deep.equal([1, 2, -4, 5, -6]);
    expect(
      sequence(unaligned(3), "1:1 2:1 0:1 0:2 2:2 x2 1:3 2:3 0:3 x4 2:4 0:4 2:5 1:5 0:5 x6 x6 0:6"),
    ).to.deep.equal([1, 2, -2, 3, -4, 5, -6]);
    expect(sequence(unaligned(2), "0:1 x2 x3 x3")).to.deep.equal([1, -1, -2, -3]);
    expect(sequence(unaligned(2), "0:1 0:2 1:1 1:2")).to.deep.equal([1, -1, 2]);
  });

  it("align where inputs cannot be captured, and go on unaligned", () => {
    const driver = new Driver({ channels: 2, alignment: "unaligned", forceAligned: true });
    expect(driver.run("0:1")).to.deep.equal(["block 0"]);
    const actions = driver.step("1:1");
    expect(actions[0]).to.deep.include({ do: "snapshot", unaligned: false });
    expect((actions[0] as { barrier: { alignment: string } }).barrier.alignment).to.equal("unaligned");
    const timed: Script = { channels: 2, alignment: "aligned", timeoutMs: 10, forceAligned: true };
    const mixed = new Driver(timed);
    expect(mixed.run("a1:1 0:1 t50")).to.deep.equal(["block 0"]);
    const last = mixed.step("u1:1");
    expect(last.map((action) => action.do)).to.deep.equal(["snapshot", "aligned", "unblock"]);
    expect(last[0]).to.have.nested.property("barrier.alignment", "unaligned");
  });
});

describe("aligned barriers with a timeout", () => {
  const timed = (channels: number, timeoutMs = 100): Script => ({
    channels,
    alignment: "aligned",
    timeoutMs,
  });

  it("that are through in time stay aligned, and their timer is cancelled", () => {
    expect(run(timed(2), "0:1 t50 1:1 t101 !")).to.deep.equal([
      "block 0, timer 100",
      "snapshot 1, aligned 1, unblock 0, cancelTimer",
    ]);
    expect(run(timed(1), "0:1")).to.deep.equal(["snapshot 1, aligned 1"]);
  });

  it("go on unaligned when the timer goes off, and unblock at once", () => {
    expect(run(timed(2), "0:1 t101 ! 1:1")).to.deep.equal([
      "block 0, timer 100",
      "capture 1, snapshot 1 unaligned, unblock 0",
      "stopCapture 1, aligned 1",
    ]);
  });

  it("call for all announced barriers when nothing has come yet", () => {
    const first = "prioritise 0, prioritise 1";
    expect(run(timed(2, 10), "a0:1 a1:1 t11 ! 0:1 1:1")).to.deep.equal([
      "timer 10",
      first,
      "capture 0+1, snapshot 1 unaligned, stopCapture 0",
      "stopCapture 1, aligned 1",
    ]);
    expect(run(timed(3, 10), "a0:1 2:1 a1:1 t11 ! 0:1 1:1")).to.deep.equal([
      "timer 10",
      "block 2",
      `capture 0+1, snapshot 1 unaligned, unblock 2, ${first}`,
      "stopCapture 0",
      "stopCapture 1, aligned 1",
    ]);
  });

  it("call for those announced after the timeout at once", () => {
    expect(run(timed(2, 10), "a0:1 t11 ! a1:1 0:1 1:1")).to.deep.equal([
      "timer 10",
      "prioritise 0",
      "prioritise 1",
      "capture 0+1, snapshot 1 unaligned, stopCapture 0",
      "stopCapture 1, aligned 1",
    ]);
  });

  it("notice the time by themselves: at a barrier, an announcement, an end", () => {
    // testTimeoutAlignmentOnFirstBarrier: both announcements in time, the first barrier late.
    expect(run(timed(2), "a0:1 a1:1 t401 0:1 !")).to.deep.equal([
      "timer 100",
      "capture 0+1, snapshot 1 unaligned, cancelTimer, prioritise 1, stopCapture 0",
    ]);
    expect(run(timed(2), "t101 0:1")).to.deep.equal(["capture 0+1, snapshot 1 unaligned, stopCapture 0"]);
    expect(run(timed(2), "0:1 t401 a1:1 ! 1:1")).to.deep.equal([
      "block 0, timer 100",
      "capture 1, snapshot 1 unaligned, unblock 0, cancelTimer, prioritise 1",
      "stopCapture 1, aligned 1",
    ]);
    expect(run(timed(3), "0:1 t101 e1 e2")).to.deep.equal([
      "block 0, timer 100",
      "capture 2, snapshot 1 unaligned, unblock 0, cancelTimer",
      "stopCapture 2, aligned 1",
    ]);
  });

  it("are not overdue at the very moment", () => {
    expect(run(timed(3), "0:1 t100 1:1")).to.deep.equal(["block 0, timer 100", "block 1"]);
    expect(run(timed(3), "t100 0:1 !")).to.deep.equal([
      "block 0, timer 100",
      "capture 1+2, snapshot 1 unaligned, unblock 0",
    ]);
  });

  it("stay aligned when the last is late", () => {
    expect(run(timed(2), "0:1 t500 1:1")).to.deep.equal([
      "block 0, timer 100",
      "snapshot 1, aligned 1, unblock 0, cancelTimer",
    ]);
  });

  it("follow an upstream task that has gone unaligned", () => {
    expect(run(timed(2, 1e9), "a0:1 u1:1 0:1")).to.deep.equal([
      "timer 1000000000",
      "capture 0+1, snapshot 1 unaligned, cancelTimer, prioritise 0, stopCapture 1",
      "stopCapture 0, aligned 1",
    ]);
    expect(run(timed(3, 1e9), "0:1 u1:1 2:1")).to.deep.equal([
      "block 0, timer 1000000000",
      "capture 1+2, snapshot 1 unaligned, unblock 0, cancelTimer, stopCapture 1",
      "stopCapture 2, aligned 1",
    ]);
    expect(run(timed(2, 1e9), "0:1 u1:1")).to.deep.equal([
      "block 0, timer 1000000000",
      "capture 1, snapshot 1 unaligned, unblock 0, cancelTimer, stopCapture 1, aligned 1",
    ]);
  });

  it("are aligned again at the next checkpoint", () => {
    const driver = new Driver(timed(1));
    driver.now = 101;
    driver.run("a0:1");
    expect(driver.run("0:1")).to.deep.equal(["capture 0, snapshot 1 unaligned, stopCapture 0, aligned 1"]);
    const next = barrier(2, "aligned", 100, 101);
    expect(driver.alignment.onAnnouncement(0, next, 102)).to.deep.equal([{ do: "timer", at: 201 }]);
    expect(driver.alignment.onBarrier(0, next, 103)[0]).to.deep.equal({
      do: "snapshot",
      barrier: next,
      unaligned: false,
    });
  });

  it("start with an announcement, also when a channel ends in between", () => {
    const driver = new Driver(timed(3, 10_000));
    expect(driver.run("a0:1 e1 0:1 a2:1 2:1")).to.deep.equal([
      "timer 10000",
      "block 0",
      "snapshot 1, aligned 1, unblock 0, cancelTimer",
    ]);
  });

  it("have no timer left after an abort or the end of the task", () => {
    expect(run(timed(2), "0:1 x1 x1 t101 !")).to.deep.equal([
      "block 0, timer 100",
      "abort 1 cancelled, unblock 0, cancelTimer",
    ]);
    expect(run(timed(2), "a0:1 x1 0:1")).to.deep.equal(["timer 100", "abort 1 cancelled, cancelTimer"]);
    expect(run(timed(2), "0:1 close t101 !")).to.deep.equal(["block 0, timer 100", "cancelTimer"]);
    expect(run(timed(2), "close")).to.deep.equal([]);
  });

  it("are superseded by an announcement, with a new timer", () => {
    expect(run(timed(2), "0:1 t5 a1:2 0:2 1:2")).to.deep.equal([
      "block 0, timer 100",
      "abort 1 subsumed, unblock 0, cancelTimer, timer 100",
      "block 0",
      "snapshot 2, aligned 2, unblock 0, cancelTimer",
    ]);
    expect(run(timed(2), "0:2 a1:1 1:2 a1:2")).to.deep.equal([
      "block 0, timer 100",
      "snapshot 2, aligned 2, unblock 0, cancelTimer",
    ]);
  });

  it("arm a timer again that went off early", () => {
    expect(run(timed(2), "0:1 t99 ! t100 !")).to.deep.equal([
      "block 0, timer 100",
      "timer 100",
      "capture 1, snapshot 1 unaligned, unblock 0",
    ]);
  });
});

describe("barriers at least once", () => {
  const counted = (channels: number): Script => ({ channels, alignment: "at-least-once" });

  it("never block", () => {
    expect(run(counted(3), "1:1 2:1 0:1 2:2")).to.deep.equal(["snapshot 1, aligned 1"]);
    expect(sequence(counted(1), "0:1 0:3 0:4 0:10")).to.deep.equal([1, 3, 4, 10]);
    expect(run(counted(2), "a0:1")).to.deep.equal([]);
  });

  it("complete earlier checkpoints although later ones have begun", () => {
    const events =
      "2:1 2:0 2:2 3:1 3:2 4:2 4:1 3:0 4:0 5:1 5:0 5:2 6:1 6:0 7:1 7:2 8:2 8:1 9:1 7:0 9:2 10:2 8:0 9:0 10:0 10:1";
    const swapped = events.replace(/(\d+):(\d+)/g, "$2:$1");
    expect(sequence(counted(3), swapped)).to.deep.equal([2, 3, 4, 5, -6, 7, 8, 9, 10]);
    expect(sequence(counted(3), "1:1 2:1 0:1 2:3 0:4 1:4 2:4")).to.deep.equal([1, -3, 4]);
  });

  it("measure each checkpoint by itself", () => {
    const driver = new Driver(counted(2));
    driver.run("1:1 t1000 1:2 t2000 0:1 t3000");
    expect(driver.step("0:2")).to.deep.include({
      do: "aligned",
      barrier: barrier(2, "at-least-once"),
      startDelayMs: 1000,
      alignmentMs: 2000,
    } satisfies AlignmentAction);
  });

  it("are cancelled, each once", () => {
    expect(sequence(counted(1), "0:1 0:2 x4 0:5 x6")).to.deep.equal([1, 2, -4, 5, -6]);
    expect(
      sequence(counted(3), "1:1 2:1 0:1 0:2 2:2 x2 1:3 2:3 0:3 x4 2:4 0:4 2:5 1:5 0:5 x6 x6 0:6"),
    ).to.deep.equal([1, -2, 3, -4, 5, -6]);
    expect(sequence(counted(3), "0:1 x2 x1 x2 x1 x2")).to.deep.equal([-1, -2]);
    expect(sequence(counted(2), "1:1 1:2 x1 0:2")).to.deep.equal([-1, 2]);
  });

  it("take ended channels as come", () => {
    const driver = new Driver(counted(3));
    expect(driver.run("0:1 0:2 1:2 0:3 0:4 1:4 1:5 e2")).to.deep.equal([
      "abort 1 subsumed, abort 2 subsumed, abort 3 subsumed, snapshot 4, aligned 4",
    ]);
    expect(driver.alignment.pendingIds).to.deep.equal([5]);
    expect(sequence(counted(3), "0:2 1:2 e1 2:2")).to.deep.equal([2]);
    expect(sequence(counted(3), "e2 0:5 0:6 1:6 e1 0:7")).to.deep.equal([-5, 6, 7]);
    expect(sequence(counted(2), "0:1 e0 1:1")).to.deep.equal([1]);
    expect(sequence(counted(3), "e2 0:5 0:6 x6 e1 x7")).to.deep.equal([-5, -6, -7]);
    expect(sequence(counted(2), "0:1 e0 x1")).to.deep.equal([-1]);
    const cancelled = new Driver(counted(3));
    expect(cancelled.run("x4 1:4 1:5 e2")).to.deep.equal(["abort 4 cancelled"]);
    expect(cancelled.alignment.pendingIds).to.deep.equal([5]);
  });

  it("count fifty checkpoints at a time", () => {
    const driver = new Driver(counted(2));
    const all = Array.from({ length: 52 }, (_, i) => `0:${i + 1}`).join(" ");
    expect(driver.run(all)).to.deep.equal(["abort 1 subsumed", "abort 2 subsumed"]);
    expect(driver.alignment.pendingIds).to.have.length(50);
    expect(driver.run("1:2 1:3")).to.deep.equal(["snapshot 3, aligned 3"]);
  });

  it("may be those of the coordinator", () => {
    expect(run(counted(0), "r1 r2")).to.deep.equal(["snapshot 1, aligned 1", "snapshot 2, aligned 2"]);
    expect(run(counted(2), "r1 e0 e1")).to.deep.equal(["snapshot 1, aligned 1"]);
    expect(new Alignment(2).pendingIds).to.deep.equal([]);
  });
});

describe("how a barrier travels", () => {
  it("follows from the options, and savepoints are always aligned", () => {
    const exact = { mode: "exactly-once", unaligned: true, alignedTimeoutMs: 0 } as const;
    expect(barrierAlignment(exact, "checkpoint").alignment).to.equal("unaligned");
    expect(barrierAlignment(exact, "savepoint").alignment).to.equal("aligned");
    expect(barrierAlignment({ ...exact, alignedTimeoutMs: 30 }, "checkpoint")).to.deep.equal({
      alignment: "aligned",
      alignedTimeoutMs: 30,
    });
    expect(barrierAlignment({ ...exact, alignedTimeoutMs: 30 }, "stop").alignedTimeoutMs).to.equal(0);
    expect(barrierAlignment({ ...exact, unaligned: false }, "checkpoint").alignment).to.equal("aligned");
    expect(barrierAlignment({ ...exact, mode: "at-least-once" }, "savepoint").alignment).to.equal(
      "at-least-once",
    );
  });
});
