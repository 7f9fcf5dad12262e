import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { bytesOf, controlGroupLimits, coresOf, processorsOf } from "../../lib/host/control-groups.js";
import { readMachine } from "../../lib/host/machine.js";

const NONE = Number.POSITIVE_INFINITY;

describe("the limits of control groups", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-groups-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  };

  it("are read as the kernel writes them", () => {
    expect(["50000 100000\n", "max 100000\n", "250000 100000"].map(coresOf)).to.deep.equal([0.5, NONE, 2.5]);
    expect(["0\n", "0-3\n", "0-1,4,6-7\n", "\n"].map(processorsOf)).to.deep.equal([1, 4, 5, NONE]);
    expect(["1073741824\n", "max\n"].map(bytesOf)).to.deep.equal([2 ** 30, NONE]);
  });

  it("are not guessed at", () => {
    for (const text of ["", "max", "many 100000", "0 100000", "-1 100000", "100000 0", "1 2 3"]) {
      expect(coresOf(text), text).to.equal(undefined);
    }
    for (const text of ["3-1", "a", "0-", "0,,1", "0-3:2/4"])
      expect(processorsOf(text), text).to.equal(undefined);
    for (const text of ["", "-1", "1.5", "lots"]) expect(bytesOf(text), text).to.equal(undefined);
  });

  it("are the lowest that any file says", () => {
    expect(controlGroupLimits(folder)).to.deep.equal({ cores: NONE, memoryBytes: NONE, unreadable: [] });
    write({ "cpu.max": "300000 100000\n", "memory.max": "1048576\n" });
    expect(controlGroupLimits(folder)).to.deep.equal({ cores: 3, memoryBytes: 2 ** 20, unreadable: [] });
    write({ "cpuset.cpus.effective": "0-1\n" });
    expect(controlGroupLimits(folder).cores).to.equal(2);
  });

  it("are also those of version 1", () => {
    write({ "cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n" });
    expect(controlGroupLimits(folder).cores).to.equal(NONE);
    write({ "cpu.cfs_quota_us": "150000\n" });
    expect(controlGroupLimits(folder).cores).to.equal(1.5);
    write({ "cpuset.effective_cpus": "3\n" });
    expect(controlGroupLimits(folder)).to.deep.include({ cores: 1, unreadable: [] });
  });

  it("name what nobody understands, and go on with the rest", () => {
    write({ "cpu.max": "", "cpuset.cpus.effective": "0-2\n", "memory.max": "lots" });
    mkdirSync(join(folder, "cpu.cfs_quota_us"));
    const { cores, memoryBytes, unreadable } = controlGroupLimits(folder);
    expect({ cores, memoryBytes }).to.deep.equal({ cores: 3, memoryBytes: NONE });
    expect(unreadable).to.have.members([join(folder, "cpu.max"), join(folder, "cpu.cfs_quota_us")]);
  });

  it("of a given group count instead of this process's; without any the machine's do", () => {
    expect(readMachine({ controlGroup: folder }).machine.cpu).to.equal(availableParallelism());
    write({ "cpu.max": "6400000 100000\n" });
    expect(readMachine({ controlGroup: folder }).machine.cpu).to.equal(64);
    write({ "cpu.max": "?" });
    const torn = readMachine({ controlGroup: folder });
    expect(torn.machine.cpu).to.equal(availableParallelism());
    expect(torn.unreadable).to.deep.equal([join(folder, "cpu.max")]);
    expect(readMachine({ controlGroup: folder, cpu: 2 })).to.deep.include({ unreadable: [] });
  });

  it("can be read on this machine", () => {
    const { cores, unreadable } = controlGroupLimits();
    expect(unreadable).to.deep.equal([]);
    expect(cores).to.be.greaterThan(0);
  });
});
