import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect } from "chai";
import fc from "fast-check";
import { avro, csv, fileSource, jsonl, parquet } from "../../../lib/index.js";
import { SourceRun } from "../../../lib/testing/contracts/source-run.js";
import { avroFile, ROW_SCHEMA } from "../../formats/avro-file.js";
import { expectExactlyOnce, readAll, stages } from "../../source/restoring.js";

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ i: from + i, text: `row ${from + i}` }));

const linesOf = (from: number, to: number) =>
  rows(from, to)
    .map((row) => `${JSON.stringify(row)}\n`)
    .join("");

describe("file source", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-restore-"));
    const path = (name: string) => join(folder, name);
    for (const name of ["jsonl", "gz", "csv", "avro", "parquet"]) await mkdir(path(name));
    await writeFile(path("jsonl/a.jsonl"), linesOf(0, 200));
    await writeFile(path("jsonl/b.jsonl"), linesOf(200, 230));
    // More than one chunk of bytes once unpacked.
    const wide = rows(0, 600).map((row) => `${JSON.stringify({ ...row, wide: "x".repeat(1000) })}\n`);
    await writeFile(path("gz/a.jsonl.gz"), gzipSync(wide.join("")));
    await writeFile(path("gz/b.jsonl.gz"), gzipSync(linesOf(600, 650)));
    const fields = (from: number, to: number) =>
      `i,text\n${rows(from, to)
        .map(({ i, text }) => `${i},"${text}\n"\n`)
        .join("")}`;
    await writeFile(path("csv/a.csv"), fields(0, 2500));
    await writeFile(path("csv/b.csv"), fields(2500, 2520));
    await writeFile(
      path("avro/a.avro"),
      await avroFile(rows(0, 900), { schema: ROW_SCHEMA, blockBytes: 700 }),
    );
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run(
      `COPY (SELECT i, 'row ' || i AS text FROM range(7000) t(i))
       TO '${path("parquet/a.parquet")}' (FORMAT parquet, ROW_GROUP_SIZE 4096)`,
    );
    connection.closeSync();
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  const sources = {
    jsonl: {
      records: 230,
      splits: 5,
      source: () => fileSource({ path: join(folder, "jsonl"), format: jsonl(), splitBytes: 1500 }),
    },
    gz: { records: 650, splits: 2, source: () => fileSource({ path: join(folder, "gz"), format: jsonl() }) },
    csv: { records: 2520, splits: 2, source: () => fileSource({ path: join(folder, "csv"), format: csv() }) },
    avro: {
      records: 900,
      splits: 3,
      source: () => fileSource({ path: join(folder, "avro"), format: avro(), splitBytes: 1500 }),
    },
    parquet: {
      records: 7000,
      splits: 2,
      source: () => fileSource({ path: join(folder, "parquet"), format: parquet() }),
    },
  };

  for (const [name, { records, splits, source }] of Object.entries(sources)) {
    it(`of ${name} gives every record once, whenever and at whatever parallelism it is restored`, async () => {
      const all = await readAll(source());
      expect(all.size).to.equal(splits);
      const found = [...all.values()].flat().map((row) => Number((row as { i: unknown }).i));
      expect(found.sort((a, b) => a - b)).to.deep.equal(rows(0, records).map(({ i }) => i));
      await fc.assert(
        fc.asyncProperty(
          stages(3, Math.ceil(records / 2)),
          fc.integer({ min: 1, max: 3 }),
          async (cuts, parallelism) => {
            await expectExactlyOnce(source(), all, cuts, parallelism);
          },
        ),
        { numRuns: records < 1000 ? 40 : 12 },
      );
    });
  }

  it("does not look for files again, and gives out what no reader has", async () => {
    const path = join(folder, "few");
    await mkdir(path);
    for (const name of ["a", "b", "c"]) await writeFile(join(path, `${name}.jsonl`), linesOf(0, 3));
    const source = fileSource({ path, format: jsonl() });
    const context = { job: "j", operator: "o", parallelism: 2, available: () => undefined };
    const first = source.createEnumerator(context);
    expect(first.snapshot()).to.equal(undefined);
    await first.start();
    const [given] = (await first.request(0))!;
    const snapshot = first.snapshot();
    const text = JSON.stringify(snapshot);
    await first.request(1);
    expect(JSON.stringify(snapshot)).to.equal(text);

    await writeFile(join(path, "d.jsonl"), linesOf(0, 3));
    const second = source.createEnumerator({ ...context, parallelism: 1, restored: JSON.parse(text) });
    await second.start();
    const left: string[] = [];
    for (let more = await second.request(0); more !== undefined; more = await second.request(0))
      left.push(...more.map(({ id }) => id));
    expect([given!.id, ...left]).to.deep.equal(["a", "b", "c"].map((name) => `${join(path, name)}.jsonl:0`));
    expect(second.total).to.equal(first.total);
  });

  it("fails if a file has lost records that were read before the checkpoint", async () => {
    const path = join(folder, "shrinking.jsonl");
    await writeFile(path, linesOf(0, 10));
    const source = fileSource({ path, format: jsonl() });
    const first = await SourceRun.start(source, 1);
    await first.read(() => 8);
    const cut = await first.cut();
    await writeFile(path, linesOf(0, 5));
    const second = await SourceRun.start(source, 1, cut);
    const error: unknown = await second.read().catch((thrown: unknown) => thrown);
    expect(error).to.have.property("code", "SPLIT_CHANGED");
    await second.close();
  });
});
