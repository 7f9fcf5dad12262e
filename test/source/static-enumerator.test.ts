import { expect } from "chai";
import fc from "fast-check";
import { StaticEnumerator } from "../../lib/source/static-enumerator.js";

describe("StaticEnumerator", () => {
  it("keeps what nobody asked for, and deals it out again at any parallelism", () => {
    const parallelism = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(
        fc.nat({ max: 20 }),
        fc.array(fc.record({ parallelism, asking: fc.array(fc.nat({ max: 5 })) }), { maxLength: 3 }),
        parallelism,
        (count, runs, last) => {
          const splits = Array.from({ length: count }, (_, i) => ({ id: `${i}` }));
          const given: string[] = [];
          let restored: unknown;
          for (const run of runs) {
            const enumerator = new StaticEnumerator(splits, { parallelism: run.parallelism, restored }, 7);
            for (const subtask of run.asking.filter((each) => each < run.parallelism)) {
              given.push(...(enumerator.request(subtask) ?? []).map(({ id }) => id));
            }
            restored = JSON.parse(JSON.stringify(enumerator.snapshot()));
            const left = (restored as { remaining: { id: string }[] }).remaining.map(({ id }) => id);
            expect([...given, ...left].sort()).to.deep.equal(splits.map(({ id }) => id).sort());
          }
          const enumerator = new StaticEnumerator(splits, { parallelism: last, restored }, 7);
          const shares = Array.from({ length: last }, (_, subtask) => enumerator.request(subtask) ?? []);
          const sizes = shares.map((share) => share.length);
          expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(1);
          given.push(...shares.flat().map(({ id }) => id));
          expect(given.sort()).to.deep.equal(splits.map(({ id }) => id).sort());
          expect(enumerator.total).to.equal(7);
          for (let subtask = 0; subtask < last; subtask++)
            expect(enumerator.request(subtask)).to.equal(undefined);
        },
      ),
    );
  });

  it("gives a subtask again what it has lost, and nothing to the others", () => {
    const splits = [0, 1, 2, 3].map((i) => ({ id: `${i}` }));
    const enumerator = new StaticEnumerator(splits, { parallelism: 2 }, undefined);
    const given = enumerator.request(0)!;
    expect(enumerator.request(1)).to.have.length(2);
    enumerator.addSplitsBack([], 1);
    enumerator.addSplitsBack(given, 0);
    expect(enumerator.snapshot().remaining).to.deep.equal(given);
    expect(enumerator.request(1)).to.equal(undefined);
    expect(enumerator.request(0)).to.deep.equal(given);
    expect(enumerator.request(0)).to.equal(undefined);
  });
});
