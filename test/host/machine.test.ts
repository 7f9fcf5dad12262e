import { availableParallelism, totalmem } from "node:os";
import { expect } from "chai";
import { ZERO } from "../../lib/graph/resource-profile.js";
import { bytesOf, coresOf } from "../../lib/host/control-groups.js";
import { memoryOf } from "../../lib/host/host-memory.js";
import { machineOf, type ResourceOptions } from "../../lib/host/machine.js";
import { MillraceError } from "../../lib/index.js";

describe("the machine that slots are cut from", () => {
  it("is what control groups leave of it", () => {
    expect(coresOf("50000 100000\n")).to.equal(0.5);
    expect(coresOf("max 100000\n")).to.equal(Number.POSITIVE_INFINITY);
    expect(coresOf("")).to.equal(undefined);
    expect(bytesOf("1073741824\n")).to.equal(2 ** 30);
    expect(bytesOf("max\n")).to.equal(Number.POSITIVE_INFINITY);
    expect(bytesOf("")).to.equal(undefined);
    const { cpu, memoryMb, external } = machineOf();
    expect(cpu).to.be.greaterThan(0).and.at.most(availableParallelism());
    expect(memoryMb)
      .to.be.greaterThan(0)
      .and.at.most(totalmem() / 2 ** 20);
    expect(external).to.deep.equal({});
  });

  it("is what a run says", () => {
    const said = { cpu: 64, memoryMb: 1e6, external: { gpu: 2 } };
    expect(machineOf(said)).to.deep.equal(said);
    const wrong = [{ cpu: -1 }, { memoryMb: Number.NaN }, { external: { gpu: "1" } }];
    for (const each of wrong as unknown as ResourceOptions[]) {
      expect(() => machineOf(each))
        .to.throw(MillraceError)
        .with.property("code", "OPTION_INVALID");
    }
  });

  it("gives a host's thread the memory of its slots", () => {
    const byDefault = { heapMb: 2048, youngMb: 192 };
    expect(memoryOf({ slots: [0] }, byDefault)).to.equal(byDefault);
    expect(memoryOf({ slots: [0], memoryMaxMb: 4096 }, byDefault)).to.equal(byDefault);
    expect(memoryOf({ slots: [0], memoryMaxMb: 400.5 }, byDefault)).to.deep.equal({
      heapMb: 400,
      youngMb: 100,
    });
    const profile = { ...ZERO, cpu: 1, heapMb: 512, offHeapMb: 10, managedMb: 20 };
    const memory = { heapMb: 404, youngMb: 128, offHeapMb: 74 };
    expect(memoryOf({ slots: [0, 1], profile }, byDefault)).to.deep.equal(memory);
    const small = { ...ZERO, cpu: 1, heapMb: 1 };
    expect(memoryOf({ slots: [0], profile: small }, byDefault).heapMb).to.equal(16);
  });
});
