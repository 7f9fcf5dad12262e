import { expect } from "chai";
import { describeReport, examine } from "../../lib/cli/doctor.js";
import { autoParallelism } from "../../lib/host/machine.js";
import { command } from "./launch.js";
import { Place } from "./running.js";

describe("millrace doctor", function () {
  this.timeout(30_000);

  it("tells of versions, cores, memory, native packages and what slots are given", async () => {
    const place = new Place();
    try {
      const { code, stdout, stderr } = await command(["doctor", "--json"], place);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
      const report = JSON.parse(stdout);
      expect(report).to.include({ schemaVersion: 1 });
      expect(report.versions.node).to.equal(process.versions.node);
      expect(report.machine.autoParallelism).to.be.within(1, report.machine.cores);
      expect(report.native).to.deep.equal({ lmdb: true });
      expect(report.slots).to.include({ singleThreadedGc: false, bufferTimeoutMs: 100 });
      const text = (await command(["doctor"], place)).stdout;
      expect(text).to.match(
        new RegExp(`^cores +.* of ${report.machine.cores}; --parallelism auto is \\d+$`, "m"),
      );
      expect(text).to.match(/^preset latency +young generation of 24 MiB/m);
    } finally {
      place.remove();
    }
  });

  it("says what is wrong", () => {
    const report = examine("1.0.0", []);
    const ill = { ...report, problems: ["Node 18.0.0 is older than 20.19"] };
    expect(describeReport(ill)).to.match(/older than 20\.19$/);
    expect(describeReport({ ...report, problems: [] })).to.match(/nothing is wrong here$/);
  });

  it("counts whole cores, and one at least", () => {
    expect([0.5, 1, 1.9, 4].map((cpu) => autoParallelism({ cpu }))).to.deep.equal([1, 1, 1, 4]);
  });
});
