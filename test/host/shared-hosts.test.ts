import { expect } from "chai";
import { MillraceError, type RunOptions, run } from "../../lib/index.js";

const MODULE = new URL("../jobs/shared-hosts.js", import.meta.url);
interface Row {
  readonly n: number;
  readonly read: number;
  readonly counted: number;
  readonly alone: number;
}

async function rowsOf(options: RunOptions): Promise<Row[]> {
  await using job = await run(MODULE, { parallelism: 2, ...options });
  const rows: Row[] = [];
  for await (const row of job.results<Row>("rows")) rows.push(row);
  await job.completed;
  return rows;
}

const distinct = (values: number[]) => [...new Set(values)];

describe("slots that share a host", function () {
  this.timeout(20_000);

  it("run in one thread, exclusive ones in another, and exchange records as ever", async () => {
    const rows = await rowsOf({ resources: { cpu: 2, memoryMb: 1024 } });
    expect(rows).to.have.lengthOf(20_000);
    // Key 9 has the largest sum: 9, 19, ..., 19999.
    expect(Math.max(...rows.map(({ n }) => n))).to.equal((2_000 * (9 + 19_999)) / 2);
    const shared = distinct(rows.flatMap(({ read, counted }) => [read, counted]));
    expect(shared).to.have.lengthOf(1);
    expect(distinct(rows.map(({ alone }) => alone)))
      .to.have.lengthOf(1)
      .and.not.include(shared[0]);
  });

  it("are refused at once where the machine has too little", async () => {
    const error = await rowsOf({ resources: { cpu: 1, memoryMb: 1024 } }).catch((each: unknown) => each);
    expect(MillraceError.is(error) && error.code).to.equal("RESOURCES_UNFULFILLABLE");
    const inline = await rowsOf({ inline: true, resources: { cpu: 2, memoryMb: 300 } }).catch(
      (each: unknown) => each,
    );
    expect(MillraceError.is(inline) && inline.code).to.equal("RESOURCES_UNFULFILLABLE");
  });
});
