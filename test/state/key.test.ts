import { expect } from "chai";
import fc from "fast-check";
import {
  type CanonicalKey,
  canonicalKey,
  defaultMaxParallelism,
  hashKey,
  keyGroupOf,
  ownerOf,
  rangeOf,
} from "../../lib/state/key.js";
import { NumberIndex } from "../../lib/state/number-index.js";

const scalar = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.string(),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom(null, undefined, 0, -0, Number.NaN),
);
const key = fc.oneof(
  scalar,
  fc.date(),
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(fc.string(), scalar, { maxKeys: 3 }),
);

describe("keys", () => {
  it("that are copies of each other are equal and hash alike", () => {
    fc.assert(
      fc.property(key, (one) => {
        const other = structuredClone(one);
        const canonical = canonicalKey(one);
        expect(new Map([[canonical, 1]]).has(canonicalKey(other))).to.equal(true);
        expect(hashKey(canonicalKey(other))).to.equal(hashKey(canonical));
      }),
    );
  });

  it("of different types are never equal", () => {
    const keys: unknown[] = [
      1,
      "1",
      1n,
      true,
      "true",
      null,
      "null",
      undefined,
      new Date(1),
      [1],
      ["1"],
      { a: 1 },
      "[1]",
    ];
    const canonical = new Set(keys.map((each) => canonicalKey(each)));
    expect(canonical.size).to.equal(keys.length);
    expect(canonicalKey({ a: 1, b: 2 })).to.equal(canonicalKey({ b: 2, a: 1 }));
  });

  it("have hashes that never change", () => {
    const vectors: [CanonicalKey, number][] = [
      [0, 0],
      [1, 1364076727],
      [-1, -2114883783],
      ["", -1421968373],
      ["millrace", -1942266621],
      [1.5, -654087573],
      [Number.NaN, 2146959360],
      [canonicalKey([1, "a"]), -712775631],
    ];
    for (const [each, hash] of vectors) expect(hashKey(each), String(each)).to.equal(hash);
    expect(hashKey(-0)).to.equal(hashKey(0));
  });

  it("without a defined equality are refused", () => {
    for (const bad of [() => 1, Symbol("s"), new Map(), [new Set()]]) {
      expect(() => canonicalKey(bad))
        .to.throw()
        .with.property("code", "KEY_INVALID");
    }
  });

  it("spread over key groups, and groups over subtasks as ranges", () => {
    const groups = new Int32Array(128);
    for (let i = 0; i < 128_000; i++) groups[keyGroupOf(i, 128)]!++;
    expect(Math.min(...groups)).to.be.greaterThan(800);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 200, max: 1000 }),
        (parallelism, max) => {
          const owners = Array.from({ length: max }, (_, group) => ownerOf(group, max, parallelism));
          expect(owners).to.deep.equal([...owners].sort((a, b) => a - b));
          expect(new Set(owners).size).to.equal(parallelism);
        },
      ),
    );
    expect([1, 85, 171, 1000, 22_000].map(defaultMaxParallelism)).to.deep.equal([
      128, 128, 256, 2048, 32_768,
    ]);
    expect([1, 86, 200, 100_000].map(defaultMaxParallelism)).to.deep.equal([128, 256, 512, 32_768]);
  });

  it("lie in the range of their owner, and ranges cover all groups once", () => {
    const ranges = (max: number, parallelism: number) =>
      Array.from({ length: parallelism }, (_, subtask) => rangeOf(subtask, max, parallelism));
    expect(ranges(128, 3)).to.deep.equal([
      { first: 0, last: 42 },
      { first: 43, last: 85 },
      { first: 86, last: 127 },
    ]);
    expect(ranges(128, 1)).to.deep.equal([{ first: 0, last: 127 }]);
    expect(ranges(4, 4).map(({ first, last }) => [first, last])).to.deep.equal([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 300, max: 32_768 }),
        (parallelism, max) => {
          let next = 0;
          ranges(max, parallelism).forEach(({ first, last }, subtask) => {
            expect(first).to.equal(next);
            expect([ownerOf(first, max, parallelism), ownerOf(last, max, parallelism)]).to.deep.equal([
              subtask,
              subtask,
            ]);
            next = last + 1;
          });
          expect(next).to.equal(max);
        },
      ),
    );
  });
});

describe("index of numbers", () => {
  it("finds what a Map finds", () => {
    const number = fc.oneof(
      fc.integer({ min: -50, max: 50 }),
      fc.double(),
      fc.constantFrom(0, -0, Number.NaN, 2 ** 40),
    );
    fc.assert(
      fc.property(fc.array(number, { maxLength: 400 }), fc.boolean(), (numbers, cleared) => {
        const index = new NumberIndex();
        const map = new Map<number, number>();
        numbers.forEach((each, i) => {
          if (cleared && i === 200) {
            index.clear();
            map.clear();
          }
          expect(index.get(each)).to.equal(map.get(each) ?? -1);
          if (map.has(each)) return;
          index.set(each, i);
          map.set(each, i);
        });
        for (const each of numbers) expect(index.get(each)).to.equal(map.get(each) ?? -1);
      }),
    );
  });

  it("are removed from the index of numbers without a trace", () => {
    const step = fc.record({
      key: fc.oneof(fc.integer({ min: -9, max: 60 }), fc.constantFrom(0.5, Number.NaN, -0, 1e300)),
      removes: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const index = new NumberIndex();
        const map = new Map<number, number>();
        for (const [i, { key: each, removes }] of steps.entries()) {
          expect(index.get(each)).to.equal(map.get(each) ?? -1);
          if (!map.has(each)) {
            index.set(each, i);
            map.set(each, i);
          } else if (removes) {
            index.remove(each);
            map.delete(each);
          } else {
            index.reset(each, i);
            map.set(each, i);
          }
        }
        for (const { key: each } of steps) expect(index.get(each)).to.equal(map.get(each) ?? -1);
      }),
    );
  });
});
