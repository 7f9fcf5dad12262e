import { expect } from "chai";
import fc from "fast-check";
import { References } from "../../lib/checkpoint/references.js";

const blob = fc.constantFrom("j/chk-1/a", "j/chk-1/b", "j/chk-10/a", "j/chk-2/a");

describe("references", () => {
  it("free a blob with its last holder, whatever the order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(blob), { minLength: 1 }),
        fc.infiniteStream(fc.nat()),
        (holders, random) => {
          const references = new References();
          holders.forEach((blobs, i) => {
            references.hold(`${i}`, blobs);
          });
          const left = holders.map((blobs, i) => ({ name: `${i}`, blobs: new Set(blobs) }));
          while (left.length > 0) {
            const [{ name, blobs }] = left.splice(random.next().value % left.length, 1) as [(typeof left)[0]];
            const expected = [...blobs].filter((each) => !left.some((other) => other.blobs.has(each)));
            expect(references.release(name).sort()).to.deep.equal(expected.sort());
            expect(references.release(name)).to.deep.equal([]);
            for (const each of blobs)
              expect(references.has(each)).to.equal(left.some((other) => other.blobs.has(each)));
          }
        },
      ),
    );
  });

  it("hold all there is, and know folders by whole names", () => {
    const references = new References();
    references.hold("one", ["j/chk-10/a"]);
    references.holdAll("all");
    expect(references.release("one")).to.deep.equal([]);
    expect(references.hasBelow("j/chk-1")).to.equal(false);
    expect(references.hasBelow("j/chk-10")).to.equal(true);
    expect(references.release("all")).to.deep.equal(["j/chk-10/a"]);
    expect(references.hasBelow("j/chk-10")).to.equal(false);
  });
});
