/** `triggers.processingTimeout`: when it fires beside the trigger that it is around. */
import { expect } from "chai";
import { windowFunction } from "../../lib/api/added-windows.js";
import type { Trigger } from "../../lib/operators/trigger.js";
import { triggers } from "../../lib/operators/triggers.js";
import type { WindowAssigner } from "../../lib/operators/window-assigner.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";
import { globalWindows, session, tumbling } from "../../lib/time/windows.js";

/** A number is a record with that time stamp and id, `wall` the clock, `wm` a watermark. */
type Step = number | { readonly wall: number } | { readonly wm: number };

function trialOf(
  trigger: Trigger<any>,
  assigner: WindowAssigner = globalWindows(),
  allowedLateness = 0,
): OperatorTrial {
  const { logic } = windowFunction(
    "list",
    { assigner, key: () => "k", options: { trigger, allowedLateness } },
    undefined,
    { window: (records: readonly { id: number }[], ctx) => ctx.emit(records.map(({ id }) => id)) },
  );
  return new OperatorTrial(() => logic);
}

function play(trial: OperatorTrial, steps: readonly Step[]): unknown[] {
  for (const step of steps) {
    if (typeof step === "number") trial.push({ id: step }, step);
    else if ("wall" in step) trial.setClock(step.wall);
    else trial.advanceWatermark(step.wm);
  }
  return trial.take();
}

const { processingTimeout, count, purging, eventTime } = triggers;

describe("a trigger with a timeout", () => {
  it("fires when the other one does, or when the first record has waited long enough", () => {
    const trial = trialOf(processingTimeout(count(3), 50));
    expect(play(trial, [1, { wall: 40 }, 2, { wall: 49 }])).to.deep.equal([]);
    expect(play(trial, [{ wall: 50 }])).to.deep.equal([[1, 2]]);
    // The count began anew; nothing waits until there is a record.
    expect(play(trial, [{ wall: 200 }, 3, 4])).to.deep.equal([]);
    expect(play(trial, [5])).to.deep.equal([[1, 2, 3, 4, 5]]);
    expect(play(trial, [{ wall: 1000 }])).to.deep.equal([]);
  });

  it("begins its timeout anew with every record, if it is told to", () => {
    const trial = trialOf(processingTimeout(count(9), 50, { resetTimerOnNewRecord: true }));
    expect(play(trial, [1, { wall: 40 }, 2, { wall: 50 }, { wall: 89 }])).to.deep.equal([]);
    expect(play(trial, [{ wall: 90 }])).to.deep.equal([[1, 2]]);
    // In one leap of the clock as well.
    expect(play(trial, [3, { wall: 100 }, 4, { wall: 1000 }, { wall: 2000 }])).to.deep.equal([[1, 2, 3, 4]]);
  });

  it("fires at every timeout, not only at the first", () => {
    const steps: Step[] = [1, { wall: 50 }, 2, { wall: 100 }, 3, { wall: 149 }, 4, { wall: 150 }];
    for (const shouldClearOnTimeout of [true, false]) {
      const trigger = processingTimeout(purging(count(100)), 50, { shouldClearOnTimeout });
      expect(play(trialOf(trigger), steps)).to.deep.equal([[1], [2], [3, 4]]);
    }
  });

  it("lets the other one go on counting, if it is told not to clear it", () => {
    const steps: Step[] = [1, 2, { wall: 50 }, 3, 4, 5, { wall: 99 }];
    const clearing = trialOf(processingTimeout(count(3), 50));
    expect(play(clearing, steps)).to.deep.equal([
      [1, 2],
      [1, 2, 3, 4, 5],
    ]);
    const keeping = trialOf(processingTimeout(count(3), 50, { shouldClearOnTimeout: false }));
    expect(play(keeping, steps)).to.deep.equal([
      [1, 2],
      [1, 2, 3],
    ]);
    // 4 and 5 wait from 50 on.
    expect(play(keeping, [{ wall: 100 }])).to.deep.equal([[1, 2, 3, 4, 5]]);
  });

  it("purges where the other one does, or where a purging one is around it", () => {
    const steps: Step[] = [1, 2, { wall: 50 }, 3, 4, 5, { wall: 60 }, 6, { wall: 999 }];
    const rows = [[1, 2], [3, 4, 5], [6]];
    for (const trigger of [
      processingTimeout(purging(count(3)), 50),
      purging(processingTimeout(count(3), 50)),
      processingTimeout(processingTimeout(purging(count(3)), 50), 70),
    ]) {
      expect(play(trialOf(trigger), steps), trigger.name).to.deep.equal(rows);
    }
  });

  it("waits for nothing once the other one has fired, and leaves nothing behind", () => {
    const trial = trialOf(purging(processingTimeout(count(2), 50)));
    expect(play(trial, [1, { wall: 10 }, 2, { wall: 20 }, 3, { wall: 50 }, { wall: 69 }])).to.deep.equal([
      [1, 2],
    ]);
    expect(play(trial, [{ wall: 70 }, { wall: 500 }])).to.deep.equal([[3]]);
    const left = Object.entries(trial.plain.freeze()()).map(([name, { length }]) => [name, length]);
    expect(Object.fromEntries(left)).to.include({ contents: 0, trigger: 0, timers: 0 });
  });

  it("around the event-time trigger: early results by the clock, the last one at the window's end", () => {
    for (const shouldClearOnTimeout of [true, false]) {
      for (const allowedLateness of [0, 5]) {
        const early = processingTimeout(eventTime(), 50, { shouldClearOnTimeout });
        const steps: Step[] = [
          1,
          { wall: 50 },
          2,
          { wall: 60 },
          { wm: 9 },
          { wall: 61 },
          { wm: 14 },
          { wall: 500 },
        ];
        const trial = trialOf(early, tumbling(10), allowedLateness);
        expect(play(trial, steps)).to.deep.equal([[1], [1, 2]]);
        expect(trial.plain.entries).to.equal(1);
      }
    }
  });

  it("is kept apart from timers of the other one at the same time", () => {
    const clock = tumbling(10, { time: "processing" });
    const byClock = processingTimeout(triggers.processingTime(), 7, { resetTimerOnNewRecord: true });
    // Due at 10, as the window's end is, then later.
    expect(
      play(trialOf(byClock, clock), [{ wall: 3 }, 1, { wall: 5 }, 2, { wall: 10 }, { wall: 99 }]),
    ).to.deep.equal([[1, 2]]);
    const ticking = processingTimeout(triggers.continuousProcessingTime(4), 5, {
      resetTimerOnNewRecord: true,
    });
    const wide = tumbling(100, { time: "processing" });
    // Its tick at 8 is when the timeout of the first record would have been.
    expect(
      play(trialOf(ticking, wide), [
        { wall: 3 },
        1,
        { wall: 4 },
        2,
        { wall: 5 },
        3,
        { wall: 8 },
        4,
        { wall: 12 },
      ]),
    ).to.deep.equal([[1], [1, 2, 3], [1, 2, 3, 4]]);
  });

  it("goes on over sessions that merge: the earliest timeout, or the latest where records begin it anew", () => {
    const steps: Step[] = [1, { wall: 10 }, 20, { wall: 20 }, 10, { wall: 49 }];
    const first = trialOf(processingTimeout(count(9), 50), session(10));
    expect(play(first, steps)).to.deep.equal([]);
    expect(play(first, [{ wall: 50 }])).to.deep.equal([[1, 20, 10]]);
    const last = trialOf(processingTimeout(count(9), 50, { resetTimerOnNewRecord: true }), session(10));
    expect(play(last, [...steps, { wall: 69 }])).to.deep.equal([]);
    expect(play(last, [{ wall: 70 }])).to.deep.equal([[1, 20, 10]]);
  });

  it("refuses timeouts that are none, and sessions for triggers that do not merge", () => {
    for (const make of [
      () => processingTimeout(count(1), 0),
      () => processingTimeout(count(1), "soon" as never),
      () =>
        trialOf(
          processingTimeout(
            triggers.delta(1, () => 0),
            10,
          ),
          session(10),
        ),
    ]) {
      expect(make).to.throw().with.property("code", "OPTION_INVALID");
    }
  });
});
