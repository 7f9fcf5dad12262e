/** Event time in a chain of sources of which each tells it in its own way. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { hybridSource, iterableSource, type RunOptions, run, watermarks } from "millrace";
import { gather, until } from "../../coordinator/visible-rows.js";
import type { HybridTimeParams } from "../../jobs/hybrid-time.js";

const JOB = new URL("../../jobs/hybrid-time.js", import.meta.url);
type Seen = readonly [time: number, watermark: number];

describe("event time in a hybrid source", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-hybrid-time-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const sources: HybridTimeParams["sources"] = [
    [{ n: 5 }, { n: 6, says: true }, { n: 7 }],
    [{ n: 0 }, { n: 1, says: true }, { n: 3, says: true }, { n: 2 }],
    [{ n: 0 }, { n: 1 }, { n: 2, says: true }, { n: 3 }],
  ];
  const NONE = Number.NEGATIVE_INFINITY;
  const first: Seen[] = [
    [5, NONE],
    [6, NONE],
    [7, 6],
  ];
  const second: Seen[] = [
    [0, 6],
    [1000, 6],
    [3000, 1000],
    [2000, 3000],
  ];
  const third: Seen[] = [
    [0, 3000],
    [1_000_000, 3000],
    [2_000_000, 3000],
    [3_000_000, 2_000_000],
  ];

  async function start(params: Partial<HybridTimeParams>, options: RunOptions = {}) {
    const job = await run(JOB, {
      inline: true,
      parallelism: 1,
      checkpoint: {},
      ...options,
      params: { sources, whole: true, ...params },
    });
    return { job, out: gather<Seen>(job, "out") };
  }

  it("is told as each source tells it, and the watermark goes on from where it was", async () => {
    const { job, out } = await start({});
    await job.completed;
    await out.end;
    expect(out.rows).to.deep.equal([...first, ...second, ...third]);
  });

  it("is not told in a source that does not, where the job does not either", async () => {
    const { job, out } = await start({ whole: false });
    await job.completed;
    await out.end;
    expect(out.rows.slice(0, 7)).to.deep.equal([...first, ...second]);
    expect(out.rows.slice(7).map(([, watermark]) => watermark)).to.deep.equal([3000, 3000, 3000, 3000]);
    expect(out.rows.slice(7).filter(([time]) => (time ?? NONE) >= 0)).to.deep.equal([]);
  });

  it("is told so behind a restore, too", async () => {
    const before = await start({ until: 2 });
    await until(before.job, "records", () => before.job.progress().records >= 5);
    const from = await before.job.stop({ directory: join(folder, "savepoints") });
    await before.job.completed;
    await before.out.end;
    expect(before.out.rows).to.deep.equal([...first, ...second.slice(0, 2)]);
    const behind = await start({}, { from });
    await behind.job.completed;
    await behind.out.end;
    expect(behind.out.rows.map(([time]) => time)).to.deep.equal([3000, 2000, ...third.map(([time]) => time)]);
    expect(behind.out.rows.slice(1)).to.deep.equal([[2000, 3000], ...third]);
  });

  it("is aligned as a whole only", () => {
    const alignment = { group: "g", maxDrift: 10 };
    const aligned = watermarks.monotonous((n: number) => n, { alignment });
    expect(() => hybridSource({ source: iterableSource(() => [1]), watermarks: aligned }))
      .to.throw("aligned by itself")
      .with.property("code", "OPTION_INVALID");
  });
});
