import { expect } from "chai";
import fc from "fast-check";
import {
  covers,
  describe as described,
  merge,
  profileOf,
  type ResourceProfile,
  type SlotSharingGroup,
  sameProfile,
  subtract,
  UNKNOWN,
  ZERO,
} from "../../lib/graph/resource-profile.js";
import { MillraceError } from "../../lib/index.js";

const amount = fc.double({ min: 0, max: 1_000, noNaN: true });
const profiles: fc.Arbitrary<ResourceProfile> = fc.record({
  cpu: amount,
  heapMb: amount,
  offHeapMb: amount,
  managedMb: amount,
  diskMb: amount,
  external: fc.dictionary(fc.constantFrom("gpu", "fpga"), amount),
});

function codeOf(what: () => unknown): string {
  try {
    what();
  } catch (error) {
    return MillraceError.is(error) ? error.code : String(error);
  }
  return "nothing";
}

describe("resource profiles", () => {
  it("need cpu and heap, both above 0, where anything is said", () => {
    const wrong: Omit<SlotSharingGroup, "name">[] = [
      { heapMb: 100 },
      { cpu: 1 },
      { managedMb: 10 },
      { external: { gpu: 1 } },
      { cpu: 0, heapMb: 100 },
      { cpu: 1, heapMb: 0 },
      { cpu: -1, heapMb: 100 },
      { cpu: 1, heapMb: 100, diskMb: -1 },
      { cpu: Number.NaN, heapMb: 100 },
      { cpu: 1, heapMb: 100, external: { gpu: -1 } },
      { cpu: 1, heapMb: 100, memoryMb: 100 } as Partial<ResourceProfile>,
      { exclusive: 1 } as unknown as SlotSharingGroup,
    ];
    for (const each of wrong) {
      expect(
        codeOf(() => profileOf({ name: "g", ...each })),
        JSON.stringify(each),
      ).to.equal("RESOURCES_INVALID");
    }
    expect(codeOf(() => profileOf({ name: "" }))).to.equal("RESOURCES_INVALID");
  });

  it("are unknown where nothing is said", () => {
    expect(profileOf({ name: "g" })).to.equal(UNKNOWN);
    expect(profileOf({ name: "g", exclusive: true })).to.equal(UNKNOWN);
    expect(profileOf({ name: "g", cpu: 0.5, heapMb: 64, external: { gpu: 1 } })).to.deep.equal({
      ...ZERO,
      cpu: 0.5,
      heapMb: 64,
      external: { gpu: 1 },
    });
  });

  it("are added and taken away", () => {
    const whole = { ...ZERO, cpu: 1, heapMb: 4096, external: { gpu: 2 } };
    const part = { ...ZERO, cpu: 0.1, heapMb: 1024, external: { gpu: 1 } };
    expect(subtract(whole, part)).to.deep.equal({ ...ZERO, cpu: 0.9, heapMb: 3072, external: { gpu: 1 } });
    expect(merge(part, part)).to.deep.equal({ ...ZERO, cpu: 0.2, heapMb: 2048, external: { gpu: 2 } });
    expect(merge(part, UNKNOWN)).to.equal(UNKNOWN);
    expect(codeOf(() => subtract(part, whole))).to.equal("RESOURCES_UNFULFILLABLE");
    expect(codeOf(() => subtract(whole, { ...ZERO, external: { fpga: 1 } }))).to.equal(
      "RESOURCES_UNFULFILLABLE",
    );
    let left = { ...ZERO, cpu: 1 };
    for (let i = 0; i < 10; i++) left = subtract(left, { ...ZERO, cpu: 0.1 }) as typeof left;
    expect(left.cpu).to.equal(0);
    expect(described(whole)).to.equal("1 cpu, 4096 MiB heap, 2 gpu");
  });

  it("cover what was merged into them, and give it back", () => {
    fc.assert(
      fc.property(profiles, profiles, (a, b) => {
        const both = merge(a, b);
        expect(covers(both, a) && covers(both, b)).to.equal(true);
        expect(sameProfile(subtract(both, b), subtract(merge(b, a), b))).to.equal(true);
        expect(sameProfile(merge(subtract(both, a), a), both)).to.equal(true);
        expect(covers(a, b) && covers(b, a)).to.equal(sameProfile(a, b));
        expect(covers(a, ZERO)).to.equal(true);
      }),
    );
  });
});
