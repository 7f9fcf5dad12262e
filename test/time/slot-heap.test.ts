import { expect } from "chai";
import fc from "fast-check";
import { SlotHeap } from "../../lib/time/slot-heap.js";

describe("a heap of slots", () => {
  it("gives entries out in order of time", () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.double({ noNaN: true }), { nil: undefined }), { maxLength: 400 }),
        (steps) => {
          const heap = new SlotHeap();
          const model: [number, number][] = [];
          for (const [slot, time] of steps.entries()) {
            if (time !== undefined) {
              heap.add(time, slot);
              model.push([time, slot]);
              continue;
            }
            model.sort(([a], [b]) => a - b);
            expect(heap.next()).to.deep.equal(model[0]?.[0] ?? Number.NaN);
            if (model.length === 0) continue;
            const at = model.findIndex(([t, s]) => t === heap.next() && s === heap.first());
            expect(at).to.be.at.least(0);
            model.splice(at, 1);
            heap.drop();
          }
          expect(heap.size).to.equal(model.length);
        },
      ),
    );
  });
});
