import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { MillraceError, run } from "../../../lib/index.js";
import type { CopyParams } from "../../jobs/copy-file.js";

const JOB = new URL("../../jobs/copy-file.js", import.meta.url);
const FLIGHTS = "node_modules/vega-datasets/data/flights-3m.parquet";

async function copy(params: CopyParams, parallelism = 2): Promise<unknown[]> {
  await using job = await run(JOB, { inline: true, parallelism, params: { ...params } });
  const rows: unknown[] = [];
  if (params.to === undefined) for await (const row of job.results("out")) rows.push(row);
  await job.completed;
  return rows;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  expect(error).to.satisfy(MillraceError.is, String(error));
  expect((error as MillraceError).hint).to.not.equal("");
  return (error as MillraceError).code;
}

describe("files", () => {
  let folder: string;
  const path = (name: string) => join(folder, name);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-files-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("are read by glob, folder and .gz, without hidden ones", async () => {
    await mkdir(path("in"));
    await writeFile(path("in/a.txt"), "one\ntwo\n");
    await writeFile(path("in/b.txt.gz"), gzipSync("three\nfour"));
    await writeFile(path("in/.hidden.txt"), "no\n");
    await writeFile(path("in/_SUCCESS"), "no\n");
    const all = ["four", "one", "three", "two"];
    expect((await copy({ from: path("in"), format: "text" })).sort()).to.deep.equal(all);
    expect((await copy({ from: path("in/*.txt*"), format: "text" })).sort()).to.deep.equal(all);
    expect((await copy({ from: path("in/a.txt"), format: "text", splitBytes: 3 })).sort()).to.deep.equal([
      "one",
      "two",
    ]);
  });

  it("of CSV have quoted fields, typed columns and null for nothing", async () => {
    await writeFile(path("a.csv"), 'a,b\n1,"x,\ny ""q"""\n2,\n');
    expect(await copy({ from: path("a.csv"), format: "csv" })).to.deep.equal([
      { a: "1", b: 'x,\ny "q"' },
      { a: "2", b: "" },
    ]);
    await writeFile(path("t.csv"), "n;yes;at\n1.5;true;2024-01-01T00:00:00Z\n;no;\n");
    expect(await copy({ from: path("t.csv"), format: "typed" })).to.deep.equal([
      { n: 1.5, yes: true, at: new Date(Date.UTC(2024, 0, 1)) },
      { n: null, yes: false, at: null },
    ]);
  });

  it("of CSV and JSON Lines come back as they were written", async () => {
    const rows = [
      { id: 1, name: 'a "quoted", one' },
      { id: 2, name: "line\nbreak" },
      { id: 3, name: "é" },
    ];
    await writeFile(path("in.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    await copy({ from: path("in.jsonl"), format: "jsonl", to: path("csv"), as: "csv" }, 1);
    const back = await copy({ from: path("csv"), format: "csv" });
    expect(back).to.deep.equal(rows.map(({ id, name }) => ({ id: String(id), name })));
    await copy({ from: path("in.jsonl"), format: "jsonl", to: path("jsonl") });
    expect(await copy({ from: path("jsonl"), format: "jsonl" }, 1)).to.have.deep.members(rows);
  });

  it("of Avro come back as they were written, whole and by parts", async () => {
    const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, name: id % 3 === 0 ? null : `é ${id}` }));
    const schema = {
      type: "record",
      name: "Row",
      fields: [
        { name: "id", type: "long" },
        { name: "name", type: ["null", "string"] },
      ],
    };
    await writeFile(path("in.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    const from = { from: path("in.jsonl"), format: "jsonl", as: "avro" } as const;
    await copy({ ...from, schema, to: path("avro") }, 1);
    for (const splitBytes of [5000, 10_000_000]) {
      const found = (await copy({ from: path("avro"), format: "avro", splitBytes }, 3)) as typeof rows;
      expect(found.sort((a, b) => a.id - b.id)).to.deep.equal(rows);
    }
    expect(await codeOf(copy({ ...from, to: path("none") }))).to.equal("OPTION_INVALID");
    const fields = [{ name: "id", type: "string" }];
    expect(await codeOf(copy({ ...from, schema: { ...schema, fields }, to: path("none") }))).to.equal(
      "RECORD_INVALID",
    );
    expect(await readdir(path("none"))).to.deep.equal([]);
  });

  it("of many records are read once each at any split size", async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ i, text: `row ${i}` }));
    await writeFile(path("many.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    for (const splitBytes of [1000, 65_536, 10_000_000]) {
      const found = (await copy({ from: path("many.jsonl"), format: "jsonl", splitBytes }, 3)) as typeof rows;
      expect(found.sort((a, b) => a.i - b.i)).to.deep.equal(rows);
    }
  });

  it("of a sink obey the mode and stay hidden until the job has finished", async () => {
    await writeFile(path("in.txt"), "1\n2\n3\n");
    const job = { from: path("in.txt"), format: "text", to: path("out") } as const;
    await copy(job);
    expect(await codeOf(copy(job))).to.equal("SINK_EXISTS");
    await copy({ ...job, mode: "append" });
    expect(await copy({ from: path("out"), format: "jsonl" })).to.have.lengthOf(6);
    await copy({ ...job, mode: "replace" });
    expect(await copy({ from: path("out"), format: "jsonl" })).to.have.lengthOf(3);
    expect(await codeOf(copy({ ...job, mode: "replace", failAt: 2 }))).to.equal("USER_FUNCTION_FAILED");
    const left = await readdir(path("out"));
    expect(left.filter((name) => name.startsWith("."))).to.deep.equal([]);
    expect(await copy({ from: path("out"), format: "jsonl" })).to.have.lengthOf(3);
  });

  describe("that are bad", () => {
    const bad: readonly [
      what: string,
      format: CopyParams["format"],
      name: string,
      bytes: Buffer | string,
      code: string,
    ][] = [
      ["truncated JSON Lines", "jsonl", "a.jsonl", '{"a":1}\n{"a":', "FILE_TRUNCATED"],
      ["foreign JSON Lines", "jsonl", "a.jsonl", "not json\n{}\n", "FILE_FORMAT_INVALID"],
      ["binary as JSON Lines", "jsonl", "a.jsonl", Buffer.from([0xff, 0xfe, 0, 1]), "FILE_FORMAT_INVALID"],
      ["truncated CSV", "csv", "a.csv", 'a,b\n1,"x', "FILE_TRUNCATED"],
      ["CSV of uneven rows", "csv", "a.csv", "a,b\n1,2\n3\n", "FILE_FORMAT_INVALID"],
      ["binary as CSV", "csv", "a.csv", Buffer.from([1, 0, 2, 0]), "FILE_FORMAT_INVALID"],
      ["CSV with a word for a number", "typed", "a.csv", "n;yes;at\nx;true;\n", "FILE_FORMAT_INVALID"],
      [
        "truncated gzip",
        "text",
        "a.gz",
        gzipSync("some text\n".repeat(1000)).subarray(0, 40),
        "FILE_TRUNCATED",
      ],
      ["foreign gzip", "text", "a.gz", "plain text", "FILE_FORMAT_INVALID"],
      ["foreign Avro", "avro", "a.avro", "nothing like it at all", "FILE_FORMAT_INVALID"],
      ["an empty file as Avro", "avro", "a.avro", "", "FILE_TRUNCATED"],
      ["foreign Parquet", "parquet", "a.parquet", "nothing like it at all", "FILE_FORMAT_INVALID"],
    ];
    for (const [what, format, name, bytes, code] of bad) {
      it(`${what}: ${code}, and nothing visible is left`, async () => {
        await writeFile(path(name), bytes);
        expect(await codeOf(copy({ from: path(name), format, to: path("out") }))).to.equal(code);
        expect(await readdir(path("out")).catch(() => [])).to.deep.equal([]);
      });
    }

    it("truncated and damaged Parquet", async () => {
      const whole = await readFile(FLIGHTS);
      await writeFile(path("cut.parquet"), whole.subarray(0, 100_000));
      expect(await codeOf(copy({ from: path("cut.parquet"), format: "parquet" }))).to.equal("FILE_TRUNCATED");
      const damaged = Buffer.from(whole.subarray(0, 4));
      const broken = Buffer.concat([damaged, Buffer.alloc(100_000, 7), whole.subarray(100_004)]);
      await writeFile(path("bad.parquet"), broken);
      expect(await codeOf(copy({ from: path("bad.parquet"), format: "parquet" }))).to.equal(
        "FILE_FORMAT_INVALID",
      );
    }).timeout(60_000);

    it("missing ones and empty globs", async () => {
      expect(await codeOf(copy({ from: path("none.txt"), format: "text" }))).to.equal("FILE_NOT_FOUND");
      expect(await codeOf(copy({ from: path("*.nothing"), format: "text" }))).to.equal("FILE_GLOB_EMPTY");
    });
  });
});
