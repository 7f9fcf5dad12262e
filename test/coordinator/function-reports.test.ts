import { expect } from "chai";
import { FunctionReports } from "../../lib/coordinator/function-reports.js";
import { accumulators } from "../../lib/operators/job-accumulators.js";

describe("reports of functions", () => {
  const declared = new Map([
    ["n", { name: "n", ...accumulators.int() }],
    ["all", { name: "all", ...accumulators.list<number>() }],
  ]);
  const [first, second] = [
    { vertex: 0, subtask: 0 },
    { vertex: 1, subtask: 0 },
  ];

  it("are merged over tasks; what one does not speak of has not changed", () => {
    const reports = new FunctionReports();
    reports.take(first, { metrics: { a: 1 }, accumulators: { n: 1, all: [1] } });
    reports.take(second, { metrics: {}, accumulators: { n: 5 } });
    reports.take(first, { metrics: { a: 2 }, accumulators: { all: [1, 2] } });
    expect(reports.merged(declared)).to.deep.equal({ n: 6, all: [1, 2] });
    expect(reports.merged(declared), "again").to.deep.equal({ n: 6, all: [1, 2] });
    expect(reports.metricsOf(first)).to.deep.equal({ a: 2 });
    expect(reports.metricsOf({ vertex: 2, subtask: 0 })).to.equal(undefined);
  });

  it("are forgotten with the tasks that begin anew, or with all", () => {
    const reports = new FunctionReports();
    reports.take(first, { metrics: {}, accumulators: { n: 1 } });
    reports.take(second, { metrics: {}, accumulators: { n: 5 } });
    reports.forget([first]);
    expect(reports.merged(declared)["n"]).to.equal(5);
    reports.take(first, { metrics: {}, accumulators: { n: 2 } });
    expect(reports.merged(declared)["n"]).to.equal(7);
    reports.forget();
    expect(reports.merged(declared)).to.deep.equal({ n: 0, all: [] });
  });
});
