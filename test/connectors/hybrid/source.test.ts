/** A chain of sources as one source: its enumerator and readers without a job. */

import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import {
  datagenSource,
  type FileEnd,
  fileSource,
  hybridSource,
  iterableSource,
  MillraceError,
  type SourceDefinition,
  text,
} from "../../../lib/index.js";
import { ignoredMetrics } from "../../../lib/metrics/function-metrics.js";
import type { EnumeratorContext, SplitEnumerator } from "../../../lib/source/contract.js";
import { SourceRun } from "../../../lib/testing/contracts/source-run.js";
import { sourceContract } from "../../../lib/testing/index.js";
import { expectExactlyOnce, readAll, stages } from "../../source/restoring.js";

interface Row {
  readonly source: number;
  readonly i: number;
}

const numbers = (source: number, count: number, splits = 3) =>
  datagenSource<Row>({ count, splits, record: (i) => ({ source, i }) });

const counted = (source: number, count: number, start = 0) =>
  iterableSource(
    function* ({ position }: { position: number }) {
      for (let i = position; i < start + count; i++) yield [{ source, i }, i + 1] as const;
    },
    { start },
  );

/** Says where it ends, whatever its records are. */
function ending<T>(source: SourceDefinition<T, any>, end: unknown): SourceDefinition<T, any> {
  return {
    ...source,
    createEnumerator: (context) =>
      Object.assign(source.createEnumerator(context), { endPosition: () => end }),
  };
}

async function errorOf(work: () => unknown): Promise<MillraceError> {
  const error: unknown = await Promise.resolve()
    .then(work)
    .then(
      () => new Error("nothing was thrown"),
      (thrown: unknown) => thrown,
    );
  expect(error).to.satisfy(MillraceError.is, String(error));
  return error as MillraceError;
}

describe("hybrid source", () => {
  const chains: Record<string, () => SourceDefinition<Row, any>> = {
    "many splits, one, many": () => hybridSource(numbers(0, 17), counted(1, 9), numbers(2, 11, 5)),
    "made at their turn": () =>
      hybridSource(
        ending(numbers(0, 12), { next: 100 }),
        {
          source: (end: { next: number }) => ending(counted(1, 7, end.next), { next: end.next + 7 }),
          boundedness: "bounded",
        },
        (end: { next: number }) => counted(2, 5, end.next),
      ),
    "with nothing in them": () =>
      hybridSource(
        numbers(0, 0),
        numbers(1, 8),
        numbers(2, 0),
        counted(3, 0),
        numbers(4, 3, 1),
        counted(5, 0),
      ),
    "of one": () => hybridSource(numbers(0, 10)),
    "of chains": () =>
      hybridSource(
        hybridSource(numbers(0, 7), counted(1, 4)),
        hybridSource<Row>(counted(2, 3), () => hybridSource(numbers(3, 9), numbers(4, 2))),
      ),
  };
  for (const [name, create] of Object.entries(chains)) {
    for (const each of sourceContract(create, { replayable: true })) it(`${name}: ${each.name}`, each.run);
  }
  const weak = () =>
    hybridSource<Row>(
      numbers(0, 5),
      iterableSource(() => [{ source: 1, i: 0 }]),
    );
  for (const each of sourceContract(weak, { replayable: false }))
    it(`not replayable: ${each.name}`, each.run);

  it("gives every record once and in order, whenever and at whatever parallelism it is restored", async () => {
    const count = fc.nat({ max: 12 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ count, splits: fc.integer({ min: 1, max: 5 }) }), {
          minLength: 1,
          maxLength: 4,
        }),
        stages(4, 20),
        fc.integer({ min: 1, max: 4 }),
        async (sources, cuts, parallelism) => {
          const [first, ...rest] = sources.map((each, i) => numbers(i, each.count, each.splits));
          const source = hybridSource(first!, ...rest);
          await expectExactlyOnce(source, await readAll(source), cuts, parallelism);
        },
      ),
    );
  });

  it("reads one source to its end before it begins the next", async () => {
    for (const parallelism of [1, 2, 4]) {
      const run = await SourceRun.start(
        hybridSource(numbers(0, 30), counted(1, 5), numbers(2, 20)),
        parallelism,
      );
      await run.read();
      const order = (run.sequence as Row[]).map(({ source }) => source);
      expect(order).to.deep.equal([...order].sort());
      expect(order).to.have.length(55);
      await run.close();
    }
  });

  it("goes on from a cut at any record, also right before and behind a switch", async () => {
    const source = hybridSource(numbers(0, 4, 2), counted(1, 3), numbers(2, 4, 2));
    const all = await readAll(source);
    for (const width of [1, 2]) {
      for (let taken = 0; taken <= 11; taken++) {
        for (const parallelism of [1, 2, 4]) {
          const cut = { parallelism: width, limits: [taken, taken] };
          await expectExactlyOnce(source, all, [cut], parallelism);
        }
      }
    }
  });

  it("makes a source when its turn comes and not before, with where the one before has ended", async () => {
    const made: unknown[] = [];
    const source = hybridSource(ending(numbers(0, 3, 1), { at: 3 }), (end) => {
      made.push(end);
      return counted(1, 2, 10);
    });
    expect(source.boundedness).to.equal("unbounded");
    const first = await SourceRun.start(source, 1);
    await first.read(() => 2);
    expect(made).to.deep.equal([]);
    await first.read(() => 2);
    expect(first.sequence).to.have.length(4);
    // By the enumerator, and by the reader.
    expect(made).to.deep.equal([{ at: 3 }, { at: 3 }]);
    const second = await SourceRun.start(source, 1, await first.cut());
    await second.read();
    expect(second.sequence).to.deep.equal([{ source: 1, i: 11 }]);
    expect(made).to.deep.equal([{ at: 3 }, { at: 3 }, { at: 3 }, { at: 3 }]);
    await second.close();
  });

  it("hands over where files end", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-hybrid-"));
    try {
      for (const [name, time] of Object.entries({ b: 5000, a: 9000, c: 7000 })) {
        await writeFile(join(folder, name), `${name}1\n${name}2\n`);
        await utimes(join(folder, name), time, time);
      }
      const ends: FileEnd[] = [];
      const source = hybridSource(fileSource({ path: folder, format: text() }), (end: FileEnd) => {
        ends.push(end);
        return iterableSource(({ position }) => [["live", position + 1] as const], { start: end.modified });
      });
      const first = await SourceRun.start(source, 1);
      await first.read(() => 3);
      await writeFile(join(folder, "d"), "late\n");
      // Restored, it is the files that were found that count.
      const second = await SourceRun.start(source, 1, await first.cut());
      await second.read(() => 4);
      expect(second.sequence).to.deep.equal(["b2", "c1", "c2", "live"]);
      expect(ends[0]).to.deep.equal({ path: join(folder, "c"), modified: 9_000_000 });
      await second.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("hands over where an iterable ends, also when it is restored around that", async () => {
    const source = hybridSource(counted(0, 6, 40), (end: number) => counted(1, 4, end));
    const all = await readAll(source);
    expect([...all.values()].flat()).to.deep.equal([
      ...[40, 41, 42, 43, 44, 45].map((i) => ({ source: 0, i })),
      ...[46, 47, 48, 49].map((i) => ({ source: 1, i })),
    ]);
    for (let taken = 0; taken <= 10; taken++) {
      const cuts = [1, 2].map((parallelism) => ({ parallelism, limits: [taken, taken] }));
      await expectExactlyOnce(source, all, cuts, 2);
    }
  });

  it("can do what the weakest of its sources can", () => {
    const three = hybridSource(numbers(0, 1, 2), counted(1, 1), numbers(2, 1, 7));
    expect(three).to.include({ boundedness: "bounded", replayable: true, parallelismMax: 7 });
    expect(weak()).to.include({ replayable: false });
    expect(hybridSource(numbers(0, 1), () => numbers(1, 1))).to.not.have.property("parallelismMax");
    const live = datagenSource<Row>({ record: (i) => ({ source: 1, i }) });
    expect(hybridSource(numbers(0, 1), live).boundedness).to.equal("unbounded");
    const later = { source: () => numbers(1, 1), boundedness: "bounded", replayable: false } as const;
    expect(hybridSource(numbers(0, 1), later)).to.include({ boundedness: "bounded", replayable: false });
    expect(three.description).to.deep.equal({
      sources: [
        { source: "datagen", count: 1 },
        { source: "iterable", start: 0 },
        { source: "datagen", count: 1 },
      ],
    });
  });

  it("refuses chains that cannot go on", async () => {
    const live = datagenSource<Row>({ record: (i) => ({ source: 0, i }) });
    const refused = async (work: () => unknown, what: string) => {
      const error = await errorOf(work);
      expect(error.code).to.equal("SOURCE_CHAIN_INVALID");
      expect(error.message).to.include(what);
    };
    await refused(() => hybridSource(live, numbers(1, 1)), 'source 1 of the chain ("datagen") never ends');
    const endless = { source: () => numbers(1, 1), boundedness: "unbounded" } as const;
    await refused(() => hybridSource(numbers(0, 1), endless, numbers(2, 1)), "source 2 of the chain");
    await refused(() => hybridSource(numbers(0, 1), "files" as never), "a chain takes sources");

    const read = async (
      ...next: Parameters<typeof hybridSource<Row>> extends [any, ...infer N] ? N : never
    ) => {
      const run = await SourceRun.start(hybridSource(numbers(0, 2), ...next), 2);
      await run.read().finally(() => run.close());
    };
    await refused(() => read(() => live, numbers(2, 1)), 'source 2 of the chain ("datagen") never ends');
    await refused(() => read((() => 5) as never), "answered no source");
    await refused(() => read(() => iterableSource(() => [])), "cannot give records again");
    const thrown = await errorOf(() =>
      read(() => {
        throw new TypeError("no such topic");
      }),
    );
    expect(thrown.code).to.equal("USER_FUNCTION_FAILED");
    expect(thrown.message).to.include("no such topic");

    const run = await SourceRun.start(hybridSource(numbers(0, 1), numbers(1, 4)), 1);
    await run.read(() => 2);
    const cut = await run.cut();
    await refused(() => SourceRun.start(hybridSource(numbers(0, 1)), 1, cut), "goes on in source 2");
    const longer = hybridSource(counted(9, 1), numbers(0, 1), numbers(1, 4));
    const other = hybridSource(numbers(0, 1), counted(1, 4));
    await refused(() => SourceRun.start(other, 1, cut), 'is "iterable", and was "datagen" at the checkpoint');
    // Of the same kind it cannot be told from the one that was there.
    await SourceRun.start(longer, 1, cut).then((going) => going.close());
    const plain = await SourceRun.start(numbers(0, 5), 1);
    await plain.read(() => 2);
    const alone = await plain.cut();
    await refused(() => SourceRun.start(other, 1, alone), "not of a chain of sources");
  });

  it("fails when the next source cannot be begun, and takes back what it can", async () => {
    const broken: SourceDefinition<Row, any> = {
      ...numbers(1, 3),
      createEnumerator: (context) =>
        Object.assign(numbers(1, 3).createEnumerator(context), {
          start: async () => {
            throw new Error("no connection");
          },
        }),
    };
    const run = await SourceRun.start(hybridSource(numbers(0, 2), broken), 2);
    const failure = await run.read().then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(failure).to.equal("no connection");
    await run.close();

    const one: SourceDefinition<Row, any> = {
      ...numbers(1, 3),
      createEnumerator: (context) =>
        Object.assign(numbers(1, 3).createEnumerator(context), {
          addSplitsBack: undefined,
        } as object as Partial<SplitEnumerator>),
    };
    const context: EnumeratorContext = {
      job: "j",
      operator: "o",
      parallelism: 1,
      available: () => undefined,
    };
    const enumerator = hybridSource(numbers(0, 0), one).createEnumerator(context);
    await enumerator.start();
    expect(enumerator.addSplitsBack).to.be.a("function");
    await enumerator.request(0, { finished: 0 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(enumerator.snapshot()).to.deep.include({ source: 1 });
    expect(enumerator.addSplitsBack).to.equal(undefined);
    await enumerator.close();
  });

  it("pauses the splits of the source that is being read", async () => {
    const source = hybridSource(numbers(0, 4, 1), numbers(1, 20, 2));
    let answer: () => void = () => undefined;
    const context = { job: "j", operator: "o", parallelism: 1, available: () => answer() };
    const enumerator = source.createEnumerator(context);
    await enumerator.start();
    const asked: unknown[] = [];
    const reader = source.createReader({
      ...context,
      subtask: 0,
      requestSplits: (report) => asked.push(report),
      wake: () => undefined,
      fail: (error) => expect.fail(String(error)),
      signal: new AbortController().signal,
      metrics: ignoredMetrics,
    });
    const turn = async () => {
      const splits = await enumerator.request(0, asked.pop());
      if (splits !== undefined && splits.length > 0) reader.addSplits(splits);
    };
    reader.start();
    await turn();
    expect(reader.splitsBegun).to.equal(1);
    for (let i = 0; i < 4; i++) expect(reader.next()).to.deep.equal({ source: 0, i });
    await turn();
    expect(reader.next()).to.equal(undefined);
    expect(reader.takeEndedSplits()).to.have.members([0, 1]);
    const waiting = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const finished = asked[0];
    await turn();
    await waiting;
    asked.push(finished);
    await turn();
    // The splits 2 and 3: split 1 was word that the first source is over.
    reader.pauseSplits!([2]);
    expect(reader.splitsBegun).to.equal(4);
    for (const i of [1, 3, 5]) {
      expect(reader.next()).to.deep.equal({ source: 1, i });
      expect(reader.split).to.equal(3);
    }
    reader.pauseSplits!([]);
    expect(reader.next()).to.deep.equal({ source: 1, i: 0 });
    expect(reader.split).to.equal(2);
    await reader.close();
    await enumerator.close();
  });
});
