import { expect } from "chai";
import fc from "fast-check";
import { iterableSource, MillraceError, type SourceDefinition } from "../../../lib/index.js";
import { ignoredMetrics } from "../../../lib/metrics/function-metrics.js";
import { SourceRun } from "../../../lib/testing/contracts/source-run.js";
import { expectExactlyOnce, readAll, stages } from "../../source/restoring.js";

/** Numbers below `count` with where to go on; a hole where `i % 5` is 3. */
function* counted(position: number, count: number): Generator<[number | undefined, number]> {
  for (let i = position; i < count; i++) yield [i % 5 === 3 ? undefined : i, i + 1];
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

async function errorOf(work: () => Promise<unknown>): Promise<MillraceError> {
  const error: unknown = await work().then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  expect(error).to.satisfy(MillraceError.is, String(error));
  return error as MillraceError;
}

describe("iterable source", () => {
  for (const kind of ["Iterable", "AsyncIterable"] as const) {
    it(`of an ${kind} with positions gives every record once, whenever it is restored`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: 40 }), stages(1, 25), async (count, cuts) => {
          const source = iterableSource(
            ({ position }) =>
              kind === "Iterable" ? counted(position, count) : later(counted(position, count)),
            { start: 0 },
          );
          await expectExactlyOnce(source, await readAll(source), cuts, 1);
        }),
      );
    });
  }

  it("reads further ahead than records are given, and restores what was given", async () => {
    const source = iterableSource(({ position }) => later(counted(position, 5000)), { start: 0 });
    await expectExactlyOnce(source, await readAll(source), [{ parallelism: 1, limits: [1500] }], 1);
  });

  it("takes positions of any JSON, and tells their type to the factory", async () => {
    const pages = [["a", "b"], ["c"], ["d", "e"]];
    const source: SourceDefinition<string, any> = iterableSource(
      function* ({ position: { page, row } }) {
        for (let p = page; p < pages.length; p++) {
          for (let r = p === page ? row : 0; r < pages[p]!.length; r++) {
            yield [pages[p]![r]!, { page: p, row: r + 1 }] as const;
          }
        }
      },
      { start: { page: 0, row: 0 } },
    );
    for (let taken = 0; taken <= 5; taken++) {
      await expectExactlyOnce(source, await readAll(source), [{ parallelism: 1, limits: [taken] }], 1);
    }
    // @ts-expect-error: the position has to be of the type of `start`
    iterableSource(() => [["a", "b"] as const], { start: 0 });
  });

  it("without positions is not replayable, and begins anew", async () => {
    const source = iterableSource(() => [1, 2, 3]);
    expect(source.replayable).to.equal(false);
    expect(iterableSource(() => [[1, 1] as const], { start: 0 }).replayable).to.equal(true);
    const first = await SourceRun.start(source, 1);
    await first.read(() => 2);
    const second = await SourceRun.start(source, 1, await first.cut());
    await second.read();
    expect(second.sequence).to.deep.equal([1, 2, 3]);
    const third = await SourceRun.start(source, 1, await second.cut());
    await third.read();
    expect(third.sequence).to.deep.equal([]);
    await third.close();
  });

  it("says where it ends, also when it is restored right there, and is over when that is known", async () => {
    const source = iterableSource(({ position }) => later(counted(position, 12)), { start: 0 });
    const whole = await SourceRun.start(source, 2);
    expect(whole.endPosition).to.equal(undefined);
    await whole.read();
    expect(whole.endPosition).to.equal(12);
    await whole.close();

    const place = { job: "j", operator: "o", parallelism: 1, available: () => undefined };
    const enumerator = source.createEnumerator(place);
    const reports: unknown[] = [];
    const reader = source.createReader({
      ...place,
      subtask: 0,
      requestSplits: (report) => reports.push(report),
      wake: () => undefined,
      fail: (error) => expect.fail(String(error)),
      signal: new AbortController().signal,
      metrics: ignoredMetrics,
    });
    reader.start();
    reader.addSplits((await enumerator.request(0, reports.pop()))!);
    await new Promise((resolve) => setImmediate(resolve));
    while (reader.next() !== undefined);
    // Nobody knows it yet: the split is in the snapshot, and has not ended.
    expect(reports).to.deep.equal([{ ended: 12 }]);
    expect([reader.ended, reader.takeEndedSplits()]).to.deep.equal([false, []]);
    expect(reader.snapshot()).to.deep.equal([{ id: "iterable", position: 12 }]);
    const before = JSON.stringify({ splits: reader.snapshot(), enumerator: enumerator.snapshot() });
    expect(await enumerator.request(0, reports[0])).to.equal(undefined);
    reader.noMoreSplits();
    expect([reader.ended, reader.takeEndedSplits(), reader.snapshot()]).to.deep.equal([true, [0], []]);
    const behind = JSON.stringify({ splits: reader.snapshot(), enumerator: enumerator.snapshot() });
    for (const cut of [before, behind]) {
      const run = await SourceRun.start(source, 1, JSON.parse(cut));
      await run.read();
      expect([run.sequence, run.endPosition]).to.deep.equal([[], 12]);
      await run.close();
    }
    await reader.close();
  });

  it("refuses what is no pair, and positions that are not JSON", async () => {
    const noPair = iterableSource((() => [1, 2]) as never, { start: 0 });
    const run = await SourceRun.start(noPair, 1);
    const error = await errorOf(() => run.read());
    expect(error.code).to.equal("POSITION_INVALID");
    expect(error.message).to.include("number");
    await run.close();

    const dates = iterableSource<number, unknown>(() => [[1, new Date(5)]], { start: 0 });
    const other = await SourceRun.start(dates, 1);
    expect((await errorOf(() => other.read())).code).to.equal("POSITION_INVALID");
    await other.close();
    for (const start of [undefined, 1n, Number.NaN, new Map(), () => 1]) {
      expect(() => iterableSource(() => [], { start }))
        .to.throw()
        .with.property("code", "POSITION_INVALID");
    }
  });
});
