/** The decisions of a hybrid source by themselves, in any order of what may happen. */
import { expect } from "chai";
import fc from "fast-check";
import { type HybridReport, type HybridSplit, Switching } from "../../../lib/connectors/hybrid/switching.js";

/** Splits of each source. */
type Chain = readonly number[];

/** What a reader has, and what it was told. */
interface Reader {
  splits: HybridSplit[];
  over: Set<number>;
  finished: number | undefined;
  asked: boolean;
}

interface Cut {
  readonly switching: string;
  readonly left: readonly (readonly string[])[];
  readonly readers: readonly (readonly HybridSplit[])[];
  /** What was read by then, by reader. */
  readonly read: readonly (readonly string[])[];
}

const newReader = (splits: readonly HybridSplit[] = []): Reader => {
  return { splits: [...splits], over: new Set(), finished: undefined, asked: false };
};

/** A coordinator, its readers, and the splits that are nowhere else. */
class Model {
  switching: Switching;
  readonly chain: Chain;
  left: string[][];
  readers: Reader[];
  /** By reader; those of the readers of earlier runs come first, in `before`. */
  read: string[][];
  before: string[] = [];
  /** Given since the last cut, by reader. */
  given: HybridSplit[][];
  /** Readers have not begun anew by themselves, so that sources are read strictly one after the other. */
  isStrict = true;
  saved: Cut | undefined;

  constructor(chain: Chain, parallelism: number) {
    this.chain = chain;
    this.switching = new Switching(parallelism, chain.length);
    this.left = chain.map((count, source) => Array.from({ length: count }, (_, i) => `${source}-${i}`));
    this.readers = Array.from({ length: parallelism }, () => newReader());
    this.read = this.readers.map(() => []);
    this.given = this.readers.map(() => []);
  }

  /** The source that a reader reads: the first of those it has. */
  private static first(reader: Reader): number | undefined {
    const sources = reader.splits.map(({ source }) => source);
    return sources.length === 0 ? undefined : Math.min(...sources);
  }

  readOne(subtask: number): void {
    const reader = this.readers[subtask]!;
    const source = Model.first(reader);
    if (source === undefined) return;
    const at = reader.splits.findIndex((split) => split.source === source);
    const [{ split }] = reader.splits.splice(at, 1) as [HybridSplit];
    if (this.isStrict) {
      const earlier = [...this.left.slice(0, source).flat(), ...this.readers.flatMap((each) => each.splits)];
      const ids = earlier.map((each) => (typeof each === "string" ? each : each.split!.id));
      expect(ids.filter((id) => Number(id.split("-")[0]) < source)).to.deep.equal([]);
    }
    this.read[subtask]!.push(split!.id);
    if (Model.first(reader) !== source && reader.over.has(source)) {
      reader.finished = Math.max(reader.finished ?? 0, source);
    }
  }

  ask(subtask: number): void {
    const reader = this.readers[subtask]!;
    const source = Model.first(reader);
    // Told that there is no more, a reader first reads what it has.
    if (source !== undefined && reader.over.has(source)) return;
    const report: HybridReport | undefined =
      source !== undefined
        ? { reading: source }
        : reader.finished === undefined
          ? undefined
          : { finished: reader.finished };
    const decision = this.switching.onRequest(subtask, report);
    if (decision.kind === "give") this.give(subtask, decision.splits);
    else if (decision.kind === "switch") {
      for (const each of this.readers)
        expect(each.splits.filter((s) => s.source <= this.switching.source)).to.be.empty;
      expect(this.left[this.switching.source]).to.be.empty;
    } else if (decision.kind === "ask") {
      const current = this.switching.source;
      const next = this.left[current]!.shift();
      if (next !== undefined) this.give(subtask, [{ id: next, source: current, split: { id: next } }]);
      else if (current < this.chain.length - 1) this.give(subtask, [{ id: "over", source: current }]);
    }
  }

  give(subtask: number, splits: readonly HybridSplit[]): void {
    const reader = this.readers[subtask]!;
    for (const each of splits) {
      if (each.split !== undefined) {
        reader.splits.push(each);
        reader.over.delete(each.source);
        this.given[subtask]!.push(each);
      } else {
        reader.over.add(each.source);
        if (!reader.splits.some(({ source }) => source === each.source)) {
          reader.finished = Math.max(reader.finished ?? 0, each.source);
        }
      }
    }
  }

  switchOver(): void {
    if (this.switching.isSwitching) this.switching.onSwitched();
  }

  cut(): void {
    this.saved = {
      switching: JSON.stringify(this.switching.snapshot()),
      left: this.left.map((each) => [...each]),
      readers: this.readers.map(({ splits }) => [...splits]),
      read: this.read.map((each) => [...each]),
    };
    this.given = this.readers.map(() => []);
  }

  /** One reader begins anew from the last cut, the others go on. */
  failOne(subtask: number): void {
    this.isStrict = false;
    this.readers[subtask] = newReader(this.saved?.readers[subtask] ?? []);
    this.read[subtask] = [...(this.saved?.read[subtask] ?? [])];
    const back = this.switching.takeBack(this.given[subtask]!, subtask);
    this.left[this.switching.source]!.unshift(...back.map(({ id }) => id));
    this.given[subtask] = [];
  }

  /** All begin anew from the last cut. */
  restore(parallelism: number): void {
    if (this.saved === undefined) return;
    const { switching, left, readers, read } = this.saved;
    this.switching = new Switching(parallelism, this.chain.length, JSON.parse(switching));
    this.left = left.map((each) => [...each]);
    const splits = readers.flat();
    this.readers = Array.from({ length: parallelism }, (_, subtask) =>
      newReader(splits.filter((_each, i) => i % parallelism === subtask)),
    );
    this.before = [...this.before, ...read.flat()];
    this.read = this.readers.map(() => []);
    this.cut();
  }

  get isDone(): boolean {
    return (
      this.switching.source === this.chain.length - 1 &&
      this.left.flat().length === 0 &&
      this.readers.every(({ splits }) => splits.length === 0) &&
      this.switching.snapshot().parked === undefined
    );
  }
}

describe("switching", () => {
  const step = fc.record({
    what: fc.constantFrom("ask", "ask", "ask", "read", "read", "switch", "cut", "failOne", "restore"),
    subtask: fc.nat({ max: 7 }),
  });
  const chain = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 4 });

  it("gives every split once and sources in order, whatever is asked, fails and is restored when", () => {
    fc.assert(
      fc.property(
        chain,
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 120 }),
        (counts, parallelism, steps) => {
          const model = new Model(counts, parallelism);
          const take = (what: string, subtask: number) => {
            const reader = subtask % model.readers.length;
            if (what === "ask") model.ask(reader);
            else if (what === "read") model.readOne(reader);
            else if (what === "switch") model.switchOver();
            else if (what === "cut") model.cut();
            else if (what === "failOne") model.failOne(reader);
            else model.restore(1 + (subtask % 4));
          };
          for (const { what, subtask } of steps) take(what, subtask);
          for (let turn = 0; !model.isDone; turn++) {
            expect(turn, "turns until all is read").to.be.lessThan(200);
            for (const subtask of model.readers.keys()) {
              take("ask", subtask);
              take("read", subtask);
            }
            take("switch", 0);
          }
          const all = counts.flatMap((count, source) =>
            Array.from({ length: count }, (_, i) => `${source}-${i}`),
          );
          expect([...model.before, ...model.read.flat()].sort()).to.deep.equal(all.sort());
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("waits for every reader, and tells late ones at once that a source is over", () => {
    const switching = new Switching(2, 2);
    expect(switching.onRequest(0).kind).to.equal("ask");
    expect(switching.onRequest(0, { finished: 0 }).kind).to.equal("wait");
    expect(switching.onRequest(0, { finished: 0 }).kind).to.equal("wait");
    expect(switching.onRequest(1, { reading: 0 }).kind).to.equal("ask");
    expect(switching.onRequest(1, { finished: 0 }).kind).to.equal("switch");
    expect(switching.onRequest(1, { finished: 0 }).kind).to.equal("wait");
    expect(switching.snapshot()).to.deep.equal({ source: 0 });
    switching.onSwitched();
    expect(switching.snapshot()).to.deep.equal({ source: 1 });
    expect(switching.onRequest(0, { finished: 0 }).kind).to.equal("ask");
    expect(switching.onRequest(1, { reading: 0 })).to.deep.equal({
      kind: "give",
      splits: [{ id: "0:over", source: 0 }],
    });
  });

  it("keeps what a reader lost of sources that are over, for that reader and in checkpoints", () => {
    const splits = [0, 1, 2].map((i) => ({ id: `${i}`, source: i === 2 ? 1 : 0, split: { id: `own-${i}` } }));
    const over = { id: "0:over", source: 0 };
    const switching = new Switching(1, 2);
    expect(switching.onRequest(0, { finished: 0 }).kind).to.equal("switch");
    switching.onSwitched();
    expect(switching.takeBack([...splits, over], 0)).to.deep.equal([{ id: "own-2" }]);
    const restored = new Switching(2, 2, JSON.parse(JSON.stringify(switching.snapshot())));
    expect(switching.onRequest(1).kind).to.equal("ask");
    expect(switching.onRequest(0)).to.deep.equal({ kind: "give", splits: [splits[0], splits[1], over] });
    expect(switching.onRequest(0).kind).to.equal("ask");
    // After a restore nobody knows whose they were.
    expect(restored.onRequest(1)).to.deep.equal({ kind: "give", splits: [splits[0], over] });
    expect(restored.onRequest(0)).to.deep.equal({ kind: "give", splits: [splits[1], over] });
    expect(restored.snapshot()).to.deep.equal({ source: 1 });
  });

  it("keeps what comes back while the next source is being begun", () => {
    const split = { id: "a", source: 0, split: { id: "own" } };
    const switching = new Switching(1, 2);
    expect(switching.onRequest(0, { finished: 0 }).kind).to.equal("switch");
    expect(switching.takeBack([split], 0)).to.deep.equal([]);
    expect(switching.snapshot()).to.deep.equal({ source: 0, parked: [split] });
    expect(switching.onRequest(0)).to.deep.equal({
      kind: "give",
      splits: [split, { id: "0:over", source: 0 }],
    });
    expect(switching.onRequest(0).kind).to.equal("wait");
    // Restored from in between, that source is not over.
    expect(new Switching(1, 2, { source: 0, parked: [split] }).onRequest(0)).to.deep.equal({
      kind: "give",
      splits: [split],
    });
  });
});
