/** Files that are objects of a bucket on a real server: read as files are, once, and only as they were found. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect } from "chai";
import { drawnFaults, S3Proxy } from "../../../../fixtures/s3/proxy.js";
import { avro, csv, fileSource, jsonl, parquet, text } from "../../../../lib/index.js";
import { S3Bucket } from "../../../../lib/storage/s3/bucket.js";
import { SourceRun } from "../../../../lib/testing/contracts/source-run.js";
import { sourceContract } from "../../../../lib/testing/index.js";
import { avroFile, ROW_SCHEMA } from "../../../formats/avro-file.js";
import { readAll } from "../../../source/restoring.js";
import { codeOfRejection, rejection } from "../../../storage/rejection.js";
import { BUCKET, freshPrefix, useServer } from "../../../storage/s3/server.js";

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    i: from + i,
    text: `row ${from + i} ${"x".repeat(i % 90)}`,
  }));
const linesOf = (from: number, to: number) =>
  rows(from, to)
    .map((row) => `${JSON.stringify(row)}\n`)
    .join("");

describe("a file source of an S3 bucket", function () {
  this.timeout(30_000);
  const prefix = freshPrefix("source");
  const url = (path: string) => `s3://${BUCKET}/${prefix}/${path}`;
  const put = (path: string, body: string | Uint8Array) => bucket.put(`${prefix}/${path}`, Buffer.from(body));
  let bucket: S3Bucket;
  let endpoint: string;

  before(async function () {
    const server = await useServer(this);
    endpoint = server.endpoint!;
    bucket = new S3Bucket(server, BUCKET);
    await put("jsonl/a.jsonl", linesOf(0, 200));
    await put("jsonl/b.jsonl", linesOf(200, 230));
    for (const name of ["jsonl/_c.jsonl", "jsonl/.d.jsonl", "jsonl/", "jsonl/e/.f/g.jsonl"])
      await put(name, "no");
    await put("text/a.txt", "one\ntwo\nthree");
    await put("gz/a.jsonl.gz", gzipSync(linesOf(0, 300)));
    await put(
      "csv/a.csv",
      `i,text\n${rows(0, 400)
        .map((row) => `${row.i},"${row.text}\n"\n`)
        .join("")}`,
    );
    await put("avro/a.avro", await avroFile(rows(0, 5000), { schema: ROW_SCHEMA, blockBytes: 700 }));
    await put("parquet/a.parquet", await parquetFile());
  });
  after(async () => {
    for await (const page of bucket?.list(`${prefix}/`) ?? [])
      for (const { key } of page) await bucket.remove(key);
  });

  async function parquetFile(): Promise<Uint8Array> {
    const folder = await mkdtemp(join(tmpdir(), "millrace-parquet-"));
    const path = join(folder, "a.parquet");
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run(
      `COPY (SELECT i, 'row ' || i AS text FROM range(7000) t(i)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 4096)`,
    );
    connection.closeSync();
    const bytes = await readFile(path);
    await rm(folder, { recursive: true });
    return bytes;
  }

  const sources = {
    jsonl: () => fileSource({ path: url("jsonl"), format: jsonl(), splitBytes: 2000 }),
    gz: () => fileSource({ path: url("gz/*.gz"), format: jsonl() }),
    csv: () => fileSource({ path: url("csv/a.csv"), format: csv() }),
    parquet: () =>
      fileSource({ path: url("{parquet,none}/**/*.parquet"), format: parquet({ columns: ["i"] }) }),
    avro: () => fileSource({ path: url("avro"), format: avro({ columns: ["i"] }), splitBytes: 5000 }),
    text: () => fileSource({ path: url("text/?.txt"), format: text(), splitBytes: 4 }),
  };

  it("finds what is meant, and reads all of it", async () => {
    const numbers = async (name: keyof typeof sources) =>
      [...(await readAll(sources[name]())).values()]
        .flat()
        .map((row) => Number((row as { i: unknown }).i))
        .sort((a, b) => a - b);
    const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
    expect(await numbers("jsonl")).to.deep.equal(upTo(230));
    expect(await numbers("gz")).to.deep.equal(upTo(300));
    expect(await numbers("csv")).to.deep.equal(upTo(400));
    expect(await numbers("avro")).to.deep.equal(upTo(5000));
    expect(await numbers("parquet")).to.deep.equal(upTo(7000));
    expect([...(await readAll(sources.text())).values()].flat()).to.deep.equal(["one", "two", "three"]);
  });

  for (const name of ["jsonl", "avro", "parquet"] as const) {
    describe(`keeps the contract of sources (${name})`, () => {
      const created = () => sources[name]();
      for (const { name: title, run } of sourceContract(created, { replayable: true, runs: 5 }))
        it(title, run);
    });
  }

  it("says what is not there", async () => {
    const failure = (path: string) => rejection(SourceRun.start(fileSource({ path, format: jsonl() }), 1));
    expect((await failure(url("none"))).code).to.equal("FILE_NOT_FOUND");
    expect((await failure(url("none/*.jsonl"))).code).to.equal("FILE_GLOB_EMPTY");
    const missing = await failure("s3://millrace-no-such-bucket/a/*.jsonl");
    expect(missing.code).to.equal("BUCKET_MISSING");
    expect(missing.message).to.include("s3://millrace-no-such-bucket/a/");
    expect((await failure("s3://b/a/../c")).code).to.equal("OPTION_INVALID");
    expect((await rejection(readAll(fileSource({ path: url("csv"), format: jsonl() })))).message).to.include(
      `${url("csv/a.csv")}: line 1 is not JSON`,
    );
  });

  it("reads no object that was replaced or removed since it was found", async () => {
    for (const format of [jsonl(), parquet()]) {
      const [name, body] =
        format.name === "jsonl" ? ["a.jsonl", linesOf(0, 9)] : ["a.parquet", await parquetFile()];
      const path = `changing/${name}`;
      const change = [
        () => put(path, format.name === "jsonl" ? linesOf(1, 10) : "PAR1 something else PAR1"),
        () => bucket.remove(`${prefix}/${path}`),
      ];
      for (const act of change) {
        await put(path, body as string);
        const source = fileSource({ path: url(path), format });
        const first = await SourceRun.start(source, 1);
        await first.read(() => 4);
        const cut = await first.cut();
        await act();
        const second = await SourceRun.start(source, 1, cut);
        const error = await rejection(second.read());
        expect(error.code).to.equal("SPLIT_CHANGED");
        expect(error.message).to.include(url(path));
        await second.close();
      }
    }
  });

  it("reads objects that come later, when it is told to look for them", async () => {
    const row = (i: number) => `${JSON.stringify({ i })}\n`;
    await put("watched/a.jsonl", row(0));
    const monitor = { interval: 20, quiet: 0 };
    const source = fileSource({ path: url("watched/*.jsonl"), format: jsonl(), monitor });
    const run = await SourceRun.start(source, 1);
    await run.read(() => 1);
    await put("watched/b.jsonl", row(1));
    await run.read(() => 1);
    expect(run.sequence).to.deep.equal([{ i: 0 }, { i: 1 }]);
    await run.close();
  });

  it("reads everything once, whatever the way to the server does", async () => {
    const proxy = await S3Proxy.open(endpoint);
    process.env["MILLRACE_S3_ENDPOINT"] = proxy.endpoint;
    try {
      proxy.faults = drawnFaults(3, 0.1);
      for (const name of ["jsonl", "csv", "gz"] as const) {
        const found = [...(await readAll(sources[name]())).values()].flat();
        expect(found).to.have.length({ jsonl: 230, csv: 400, gz: 300 }[name]);
      }
      expect(proxy.faulted).to.be.greaterThan(0);
      proxy.faults = ({ method }) => (method === "GET" ? { kind: "refuse" } : undefined);
      expect(await codeOfRejection(readAll(sources.csv()))).to.equal("STORAGE_FAILED");
    } finally {
      process.env["MILLRACE_S3_ENDPOINT"] = endpoint;
      await proxy.close();
    }
  });
});
