import { expect } from "chai";
import fc from "fast-check";
import { seededRandom } from "../../lib/base/random.js";
import {
  type CheckpointRequest,
  firstTriggerDelay,
  periodicSchedule,
  type RequestFacts,
  RequestQueue,
} from "../../lib/checkpoint/requests.js";

const DAY = 86_400_000;
const idle: RequestFacts = {
  triggering: false,
  pending: 0,
  cleaning: 0,
  now: DAY,
  lastCompletion: undefined,
};
const busy: RequestFacts = { ...idle, triggering: true };

let age = 0;
const request = (given: Partial<CheckpointRequest>): CheckpointRequest => ({
  purpose: "checkpoint",
  periodic: false,
  forced: false,
  timestamp: age++,
  ...given,
});
const regular = () => request({ periodic: true });
const manual = () => request({});
const savepoint = (given: Partial<CheckpointRequest> = { forced: true }) =>
  request({ purpose: "savepoint", ...given });

describe("requests for checkpoints", () => {
  it("that are forced run although as many as may be are pending", () => {
    const forced = savepoint();
    expect(new RequestQueue().add(forced, { ...idle, pending: 1 }).run).to.equal(forced);
  });

  it("wait while one is triggered, too many are pending or too many are removed", () => {
    for (const facts of [busy, { ...idle, pending: 1 }, { ...idle, cleaning: 2 }]) {
      for (const made of [regular(), savepoint({})]) {
        const queue = new RequestQueue();
        expect(queue.add(made, facts)).to.deep.equal({ run: undefined, refused: [], periodicAt: undefined });
        expect(queue.size).to.equal(1);
        expect(queue.next(idle).run).to.equal(made);
        expect(queue.next(idle).run).to.equal(undefined);
      }
    }
    expect(new RequestQueue().add(regular(), { ...idle, cleaning: 1 }).run).to.not.equal(undefined);
    expect(new RequestQueue({ maxConcurrent: 2 }).add(regular(), { ...idle, pending: 1 }).run).to.not.equal(
      undefined,
    );
  });

  it("are served by urgency: savepoints, forced, asked for, oldest", () => {
    const order = [
      savepoint({ forced: true }),
      savepoint({ forced: true, periodic: true }),
      savepoint({}),
      savepoint({ periodic: true }),
      manual(),
      manual(),
      regular(),
      regular(),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(order), (given) => {
        const queue = new RequestQueue();
        for (const each of given) queue.add(each, busy);
        const served = given.map(() => queue.next(idle).run);
        expect(served).to.deep.equal(order.filter((each) => given.includes(each)));
      }),
    );
  });

  it("beyond the queue cost the least urgent its place", () => {
    const queue = new RequestQueue({ requestsMax: 3 });
    const given = Array.from({ length: 5 }, regular);
    const refused = given.flatMap((each) => queue.add(each, busy).refused);
    expect(refused).to.deep.equal(
      given.slice(3).map((each) => ({ request: each, reason: "too-many-requests" })),
    );
    expect(queue.takeAll()).to.deep.equal(given.slice(0, 3));
    const short = new RequestQueue({ requestsMax: 1 });
    const [periodic, asked] = [regular(), savepoint()];
    short.add(periodic, busy);
    expect(short.add(asked, busy).refused.map((each) => each.request)).to.deep.equal([periodic]);
    const late = savepoint();
    expect(short.add(late, busy).refused.map((each) => each.request)).to.deep.equal([late]);
    expect(short.add(regular(), busy).refused).to.have.length(1);
    expect(short.size).to.equal(1);
  });

  it("of the timer are refused within the pause, all others are not", () => {
    const facts = { ...idle, now: 1003, lastCompletion: 1000 };
    const queue = () => new RequestQueue({ minPauseMs: 10 });
    const early = regular();
    expect(queue().add(early, facts)).to.deep.equal({
      run: undefined,
      refused: [{ request: early, reason: "min-pause" }],
      periodicAt: 1010,
    });
    expect(queue().add(early, { ...facts, now: 1010 }).run).to.equal(early);
    expect(queue().add(early, { ...facts, lastCompletion: undefined }).run).to.equal(early);
    for (const each of [manual(), savepoint(), savepoint({ forced: true, periodic: true }), savepoint({})]) {
      expect(queue().add(each, facts).run).to.equal(each);
    }
    const endless = new RequestQueue({ minPauseMs: 1000 * DAY }).add(regular(), facts);
    expect(endless.periodicAt).to.equal(1000 + 365 * DAY);
  });

  it("of the timer begin at a random time and keep the pause", () => {
    expect(periodicSchedule(100, 500)).to.deep.equal({ intervalMs: 500, minPauseMs: 500 });
    const schedule = periodicSchedule(20, 10);
    const random = seededRandom(1);
    const delays = new Set(Array.from({ length: 500 }, () => firstTriggerDelay(schedule, random)));
    expect([...delays].sort((a, b) => a - b)).to.deep.equal([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  });
});
