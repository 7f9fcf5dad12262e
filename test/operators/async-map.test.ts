import { expect } from "chai";
import fc from "fast-check";
import { type AsyncMapOptions, asyncMapSpec } from "../../lib/api/async-options.js";
import { MillraceError } from "../../lib/base/error.js";
import { asyncMapLogic } from "../../lib/operators/async-map.js";
import { AsyncQueue, Waiting } from "../../lib/operators/async-queue.js";
import { deadLetter } from "../../lib/operators/error-policy.js";
import { Bench } from "../../lib/testing/operator-bench.js";

/** A service that answers when the test says so. */
class Service {
  readonly open: { record: number; attempt: number; signal: AbortSignal; settle: (error?: Error) => void }[] =
    [];
  asked: number[] = [];

  readonly request = (record: number, call: { attempt: number; signal: AbortSignal }): Promise<string> =>
    new Promise((resolve, reject) => {
      this.asked.push(record);
      const settle = (error?: Error) => (error === undefined ? resolve(`r${record}`) : reject(error));
      this.open.push({ record, attempt: call.attempt, signal: call.signal, settle });
    });

  async answer(record: number, error?: Error): Promise<void> {
    const at = this.open.findIndex((each) => each.record === record);
    this.open.splice(at, 1)[0]!.settle(error);
    await Promise.resolve();
    await Promise.resolve();
  }
}

const benchOf = (service: Service, options: AsyncMapOptions = {}) => {
  const bench = new Bench(asyncMapLogic(asyncMapSpec(service.request as never, options)));
  return bench;
};

describe("the queue of asyncMap", () => {
  type Step = { add: true } | { watermark: number } | { complete: number } | { take: true };
  const step = fc.oneof(
    fc.constant<Step>({ add: true }),
    fc.record({ watermark: fc.nat(30) }),
    fc.record({ complete: fc.nat(20) }),
    fc.constant<Step>({ take: true }),
  );

  for (const ordered of [true, false]) {
    it(`${ordered ? "keeps the order" : "never crosses a watermark"}, and loses nothing`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
          const queue = new AsyncQueue<Waiting>(ordered);
          /** What came, in order: records by number and watermarks. */
          const log: (Waiting | number)[] = [];
          const answered: Waiting[] = [];
          const gone = new Set<Waiting>();
          const oracle = (): Waiting | undefined => {
            const first = log.findIndex((each) => typeof each !== "number" && !gone.has(each));
            if (first < 0) return undefined;
            if (ordered) return (log[first] as Waiting).done ? (log[first] as Waiting) : undefined;
            const rest = log.slice(first);
            const end = rest.findIndex((each) => typeof each === "number");
            const stretch = rest.slice(0, end < 0 ? undefined : end);
            return answered.find((each) => !gone.has(each) && stretch.includes(each));
          };
          const passed = () => {
            const first = log.findIndex((each) => typeof each !== "number" && !gone.has(each));
            const before = (first < 0 ? log : log.slice(0, first)).filter((each) => typeof each === "number");
            return Math.max(Number.NEGATIVE_INFINITY, ...(before as number[]));
          };
          let highest = Number.NEGATIVE_INFINITY;
          for (const each of steps) {
            if ("add" in each) {
              const entry = new Waiting(log.length, 0);
              log.push(entry);
              queue.add(entry);
            } else if ("watermark" in each) {
              if (each.watermark > highest) log.push(each.watermark);
              highest = Math.max(highest, each.watermark);
              queue.watermark(each.watermark);
            } else if ("complete" in each) {
              const open = log.filter((one): one is Waiting => typeof one !== "number" && !one.done);
              const entry = open[each.complete % Math.max(1, open.length)];
              if (entry !== undefined) {
                answered.push(entry);
                queue.complete(entry);
              }
            } else {
              const next = queue.next();
              expect(next).to.equal(oracle());
              const before = queue.passed;
              if (next !== undefined) {
                const grew = queue.take(next);
                gone.add(next);
                expect(grew).to.equal(queue.passed > before);
              }
            }
            expect(queue.passed).to.equal(passed());
            const open = log.filter((one): one is Waiting => typeof one !== "number" && !gone.has(one));
            expect(queue.entries()).to.deep.equal(open);
            expect(queue.size).to.equal(open.length);
          }
        }),
        { numRuns: 300 },
      );
    });
  }
});

describe("asyncMap", () => {
  it("ordered: results in the order of their records, watermarks between them", async () => {
    const service = new Service();
    const bench = benchOf(service, { order: "ordered" });
    bench.operator.element(1, 10, 0);
    bench.operator.element(2, 20, 0);
    bench.advance(20);
    bench.operator.element(3, 30, 0);
    await service.answer(3);
    await service.answer(2);
    bench.settle();
    expect([bench.rows, bench.passed]).to.deep.equal([[], []]);
    await service.answer(1);
    bench.settle();
    expect([bench.take(), bench.passed]).to.deep.equal([["r1", "r2", "r3"], [20]]);
    expect(bench.operator.finish!()).to.equal(true);
  });

  it("unordered: as the answers come, but never across a watermark", async () => {
    const service = new Service();
    const bench = benchOf(service, { order: "unordered" });
    bench.operator.element(1, 10, 0);
    bench.operator.element(2, 20, 0);
    bench.advance(20);
    bench.operator.element(3, 30, 0);
    bench.advance(30);
    await service.answer(3);
    await service.answer(2);
    bench.settle();
    expect([bench.take(), bench.passed]).to.deep.equal([["r2"], []]);
    expect(bench.operator.finish!()).to.equal(false);
    await service.answer(1);
    bench.settle();
    expect([bench.take(), bench.passed]).to.deep.equal([["r1", "r3"], [30]]);
  });

  it("asks for no more than its capacity, and has the input wait beyond", async () => {
    const service = new Service();
    const bench = benchOf(service, { capacity: 2 });
    bench.operator.element(1, 1, 0);
    bench.operator.element(2, 2, 0);
    expect([service.asked, bench.paused]).to.deep.equal([[1, 2], false]);
    bench.operator.element(3, 3, 0);
    bench.operator.element(4, 4, 0);
    expect([service.asked, bench.paused]).to.deep.equal([[1, 2], true]);
    await service.answer(1);
    bench.settle();
    expect([service.asked, bench.paused]).to.deep.equal([[1, 2, 3], true]);
    await service.answer(2);
    bench.settle();
    expect([service.asked, bench.paused]).to.deep.equal([[1, 2, 3, 4], false]);
  });

  it("waits for the gate, without holding a checkpoint up", async () => {
    const service = new Service();
    const bench = benchOf(service);
    bench.operator.element(1, 1, 0);
    await service.answer(1);
    bench.gate.level = 1;
    expect([bench.operator.proceed!(), bench.take()]).to.deep.equal([true, []]);
    expect(bench.freeze()()).to.deep.equal({ requests: [{ value: { r: 1 }, stamp: 1, keyGroup: 0 }] });
    bench.gate.level = 0;
    bench.settle();
    expect([bench.take(), bench.entries]).to.deep.equal([["r1"], 0]);
  });

  it("asks again for what was under way when it is restored, in order and within its capacity", async () => {
    const service = new Service();
    const bench = benchOf(service);
    for (const id of [1, 2, 3]) bench.operator.element(id, id * 10, 0);
    await service.answer(2);
    const saved = bench.freeze()();
    const other = new Service();
    const copy = benchOf(other, { capacity: 2 }).load(saved);
    copy.operator.open!();
    expect([other.asked, copy.paused]).to.deep.equal([[1, 2], true]);
    await other.answer(2);
    await other.answer(1);
    copy.settle();
    await other.answer(3);
    copy.settle();
    expect([copy.times.slice(), copy.take(), copy.paused]).to.deep.equal([
      [10, 20, 30],
      ["r1", "r2", "r3"],
      false,
    ]);
  });

  it("tries again after a delay that grows, if the error is worth it", async () => {
    const service = new Service();
    const when = (error: unknown, attempt: number) => (error as Error).message === "busy" && attempt < 9;
    const bench = benchOf(service, { retry: { attempts: 3, delay: 100, backoff: 3, when }, onError: "skip" });
    bench.operator.element(1, 1, 0);
    await service.answer(1, new Error("busy"));
    bench.steady = 99;
    bench.operator.rest!(99);
    expect(service.asked).to.deep.equal([1]);
    bench.steady = 100;
    bench.operator.rest!(100);
    expect([service.asked, service.open[0]!.attempt]).to.deep.equal([[1, 1], 2]);
    await service.answer(1, new Error("busy"));
    bench.steady = 399;
    bench.operator.rest!(399);
    expect(service.asked.length).to.equal(2);
    bench.steady = 400;
    bench.operator.rest!(400);
    expect(service.asked.length).to.equal(3);
    await service.answer(1);
    bench.operator.element(2, 2, 0);
    await service.answer(2, new Error("gone"));
    bench.settle();
    expect([bench.take(), bench.counters.recordsFailed]).to.deep.equal([["r1"], 1]);
  });

  it("aborts what takes too long, over all attempts, and what is under way at the end", async () => {
    const service = new Service();
    const bench = benchOf(service, {
      timeout: 1000,
      retry: { attempts: 5, delay: 0 },
      onError: deadLetter("slow"),
    });
    bench.operator.element(1, 1, 0);
    bench.steady = 600;
    await service.answer(1, new Error("busy"));
    bench.operator.rest!(600);
    const { signal } = service.open[0]!;
    bench.operator.element(2, 2, 0);
    bench.operator.rest!(999);
    expect(signal.aborted).to.equal(false);
    bench.operator.rest!(1000);
    expect([signal.aborted, signal.reason.code]).to.deep.equal([true, "ASYNC_TIMEOUT"]);
    await service.answer(1);
    bench.settle();
    const [[tag, letter]] = bench.sides as [[string, any, number]];
    expect([tag, letter.record, letter.operator, letter.timestamp]).to.deep.equal([
      "dead-letters:slow",
      1,
      "operator",
      1,
    ]);
    expect(letter.error.message).to.equal("no answer within 1000 ms in 2 attempts");
    const second = service.open[0]!.signal;
    void bench.operator.close!(true);
    expect(second.aborted).to.equal(true);
    await service.answer(2);
    bench.settle();
    expect(bench.take()).to.deep.equal([]);
  });

  it("fails at once where there is no policy, also for what is thrown before a promise is made", async () => {
    const service = new Service();
    const bench = benchOf(service);
    bench.operator.element(1, 1, 0);
    bench.operator.element(2, 2, 0);
    await service.answer(2, new Error("no such thing"));
    expect(() => bench.operator.proceed!()).to.throw("no such thing");
    const thrower = () => {
      throw new Error("at once");
    };
    const sync = new Bench(asyncMapLogic(asyncMapSpec(thrower, {})));
    sync.operator.element(1, 1, 0);
    expect(() => sync.operator.proceed!()).to.throw("at once");
  });

  it("refuses options that cannot be", () => {
    const wrong = [
      { order: "sorted" },
      { capacity: 0 },
      { timeout: 0 },
      { retry: { attempts: 0 } },
      { retry: { attempts: 2, backoff: 0.5 } },
      { retry: { attempts: 2, delay: -1 } },
      { onError: "ignore" },
    ];
    for (const options of wrong) {
      const make = () => asyncMapSpec(() => 1, options as AsyncMapOptions);
      expect(make, JSON.stringify(options)).to.throw(MillraceError).with.property("code", "OPTION_INVALID");
    }
  });
});
