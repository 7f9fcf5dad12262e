import { expect } from "chai";
import fc from "fast-check";
import { ElementQueue, Queued } from "../../lib/runtime/element-queue.js";

type Element = readonly [kind: number, value: unknown, stamp: number, keyGroup: number];

const barrier = (id: number) => ({
  id,
  timestamp: 0,
  purpose: "checkpoint" as const,
  alignment: "aligned" as const,
  alignedTimeoutMs: 0,
  completed: 0,
});

/** What puts an element into the queue, and the element. */
function put(queue: ElementQueue, kind: number, n: number): Element {
  switch (kind) {
    case Queued.RECORD:
      queue.record({ n }, n, n % 7);
      return [kind, { n }, n, n % 7];
    case Queued.WATERMARK:
      queue.watermark(n);
      return [kind, undefined, n, 0];
    case Queued.IDLE:
      queue.idle(n % 2 === 0);
      return [kind, undefined, n % 2 === 0 ? 1 : 0, 0];
    case Queued.BARRIER:
      queue.barrier(barrier(n));
      return [kind, barrier(n), 0, 0];
    case Queued.END_OF_DATA:
      queue.endOfData();
      return [kind, undefined, 0, 0];
    default:
      queue.ending();
      return [kind, undefined, 0, 0];
  }
}

describe("element queue", () => {
  const step = fc.oneof(
    { weight: 2, arbitrary: fc.record({ put: fc.nat(5), times: fc.constantFrom(1, 10, 3000) }) },
    { weight: 2, arbitrary: fc.record({ take: fc.constantFrom(1, 10, 5000) }) },
    { weight: 1, arbitrary: fc.record({ recordsBefore: fc.nat(100) }) },
  );

  it("behaves as an array, and knows places for ever", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const queue = new ElementQueue();
        const all: Element[] = [];
        let taken = 0;
        for (const each of steps) {
          if ("put" in each) {
            for (let i = 0; i < each.times; i++) all.push(put(queue, each.put, all.length));
          } else if ("take" in each) {
            for (let i = 0; i < each.take && queue.length > 0; i++) {
              const { kind, value, stamp, keyGroup } = queue;
              const [wantedKind, wantedValue, wantedStamp, wantedGroup] = all[taken++]!;
              if (kind !== wantedKind || stamp !== wantedStamp || keyGroup !== wantedGroup)
                expect.fail("order");
              if (i < 10) expect(value).to.deep.equal(wantedValue);
              queue.shift();
            }
          } else {
            const before = taken + Math.floor(((all.length - taken) * each.recordsBefore) / 100);
            const seen: unknown[] = [];
            queue.records(before, (_record, timestamp) => seen.push(timestamp));
            const wanted = all.slice(taken, before).filter(([kind]) => kind === Queued.RECORD);
            expect(seen).to.deep.equal(wanted.map(([, , stamp]) => stamp));
          }
          expect([queue.begin, queue.end, queue.length]).to.deep.equal([
            taken,
            all.length,
            all.length - taken,
          ]);
        }
      }),
      { numRuns: 100 },
    );
  });
});
