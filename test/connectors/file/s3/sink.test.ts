/** Part files that become objects of a bucket on a real server, once and whole, whatever is lost on the way. */
import { expect } from "chai";
import { type Fault, S3Proxy } from "../../../../fixtures/s3/proxy.js";
import {
  avro,
  bucketByTime,
  type FileSinkOptions,
  fileSink,
  fileSource,
  jsonl,
} from "../../../../lib/index.js";
import type { SinkDefinition } from "../../../../lib/sink/contract.js";
import { S3Bucket } from "../../../../lib/storage/s3/bucket.js";
import { SinkRun } from "../../../../lib/testing/contracts/sink-run.js";
import { sinkContract } from "../../../../lib/testing/index.js";
import { readAll } from "../../../source/restoring.js";
import { codeOfRejection, rejection } from "../../../storage/rejection.js";
import { BUCKET, freshPrefix, useServer } from "../../../storage/s3/server.js";

interface Row {
  readonly n: number;
  readonly text?: string;
}

describe("a file sink to an S3 bucket", function () {
  this.timeout(30_000);
  let bucket: S3Bucket;
  let proxy: S3Proxy;
  let endpoint: string;
  let prefix: string;

  before(async function () {
    const server = await useServer(this);
    endpoint = server.endpoint!;
    bucket = new S3Bucket(server, BUCKET);
    proxy = await S3Proxy.open(endpoint);
    process.env["MILLRACE_S3_ENDPOINT"] = proxy.endpoint;
  });
  beforeEach(() => {
    prefix = freshPrefix("sink");
  });
  afterEach(async () => {
    proxy.faults = () => undefined;
    await empty(prefix);
  });
  after(async () => {
    if (endpoint !== undefined) process.env["MILLRACE_S3_ENDPOINT"] = endpoint;
    await proxy?.close();
  });

  async function empty(of: string): Promise<void> {
    for await (const { key, upload } of bucket.uploads(`${of}/`)) await bucket.abortUpload(key, upload);
    for await (const page of bucket.list(`${of}/`)) for (const { key } of page) await bucket.remove(key);
  }

  const sink = (options: Partial<FileSinkOptions<Row>> = {}) =>
    fileSink<Row>({
      path: `s3://${BUCKET}/${prefix}`,
      format: jsonl(),
      ...options,
    }) as unknown as SinkDefinition<never>;

  /** Names of the objects within a prefix, and what is in them. */
  async function objects(of = prefix): Promise<Map<string, number[]>> {
    const found = new Map<string, number[]>();
    for await (const page of bucket.list(`${of}/`)) {
      for (const { key, size } of page) {
        const { bytes } = await bucket.getRange(key, 0, Math.max(1, size));
        const lines = Buffer.from(bytes).toString().split("\n");
        const rows = lines.filter((line) => line !== "").map((line) => (JSON.parse(line) as Row).n);
        found.set(key.slice(of.length + 1), rows);
      }
    }
    return found;
  }

  async function uploads(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of bucket.uploads(`${prefix}/`)) keys.push(key.slice(prefix.length + 1));
    return keys;
  }

  describe("keeps the contract of sinks", () => {
    const create = () => {
      const own = freshPrefix("contract");
      return {
        sink: fileSink<Row>({ path: `s3://${BUCKET}/${own}`, format: jsonl() }),
        visible: async () => [...(await objects(own)).values()].flat().map((n): Row => ({ n })),
        dispose: () => empty(own),
      };
    };
    for (const { name, run } of sinkContract(create, { record: (n): Row => ({ n }), runs: 5 })) it(name, run);
  });

  it("shows a part with its checkpoint, and leaves no upload", async () => {
    const run = new SinkRun(sink());
    await run.start(2);
    run.write(0, { n: 1 });
    run.write(1, { n: 2 });
    const first = await run.barrier(() => run.write(0, { n: 3 }));
    expect((await objects()).size).to.equal(0);
    expect(await uploads()).to.have.length(2);
    await run.commit(first);
    expect([...(await objects())]).to.deep.equal([
      ["part-0-0.jsonl", [1]],
      ["part-1-0.jsonl", [2]],
    ]);
    run.confirm(first);
    await run.checkpoint();
    expect((await objects()).get("part-0-1.jsonl")).to.deep.equal([3]);
    expect(await uploads()).to.deep.equal([]);
  });

  it("writes Avro, in objects that are whole", async () => {
    const schema = { type: "record", name: "Row", fields: [{ name: "n", type: "long" }] };
    const run = new SinkRun(sink({ format: avro<Row>({ schema, blockBytes: 100 }) }));
    await run.start(2);
    const rows = Array.from({ length: 500 }, (_, n): Row => ({ n }));
    for (const row of rows) run.write(row.n, row);
    await run.checkpoint();
    const source = fileSource({ path: `s3://${BUCKET}/${prefix}`, format: avro<Row>(), splitBytes: 300 });
    const found = [...(await readAll(source)).values()].flat() as Row[];
    expect(found.sort((a, b) => a.n - b.n)).to.deep.equal(rows);
  });

  it("sends large parts in pieces, and ends them at their size", async () => {
    const run = new SinkRun(sink({ partBytes: 12 * 1024 * 1024 }));
    await run.start(1);
    const text = "x".repeat(1000);
    for (let n = 0; n < 20_000; n++) run.write(0, { n, text });
    await run.checkpoint();
    const found = [...(await objects()).values()];
    expect(found).to.have.length(2);
    expect(found.flat()).to.deep.equal(Array.from({ length: 20_000 }, (_, n) => n));
    expect(proxy.seen.filter(({ path }) => path.includes("partNumber=2")).length).to.be.greaterThan(0);
    expect(run.failures).to.deep.equal([]);
  });

  it("aborts what an attempt that failed has left, and keeps what was committed", async () => {
    const run = new SinkRun(sink());
    await run.start(1);
    run.write(0, { n: 1 });
    await run.checkpoint();
    run.write(0, { n: 2 });
    await run.barrier();
    expect(await uploads()).to.have.length(1);
    await run.crash(true);
    await run.start(1);
    expect(await uploads()).to.deep.equal([]);
    run.write(0, { n: 2 });
    await run.checkpoint();
    expect([...(await objects())]).to.deep.equal([
      ["part-0-0.jsonl", [1]],
      ["part-0-2-0.jsonl", [2]],
    ]);
  });

  it("completes again what a dead process had completed, or had not", async () => {
    for (const commits of [0, 1, 2]) {
      prefix = freshPrefix("sink");
      const run = new SinkRun(sink());
      await run.start(2);
      for (const n of [0, 1]) run.write(n, { n });
      const checkpoint = await run.barrier();
      run.complete(checkpoint);
      await run.commit(checkpoint, commits);
      await run.crash(true);
      await run.start(1);
      expect([...(await objects()).values()].flat(), `${commits} commits`).to.deep.equal([0, 1]);
      expect(await uploads()).to.deep.equal([]);
      await empty(prefix);
    }
  });

  it("commits once what was not answered, and cannot commit what somebody has taken away", async () => {
    const run = new SinkRun(sink());
    await run.start(1);
    run.write(0, { n: 1 });
    const checkpoint = await run.barrier();
    const isComplete = ({ method, path }: { method: string; path: string }) =>
      method === "POST" && path.includes("uploadId=");
    let faults: Fault[] = [{ kind: "lose" }, { kind: "drop" }, { kind: "refuse" }];
    proxy.faults = (request) => (isComplete(request) ? faults.shift() : undefined);
    await run.commit(checkpoint);
    expect(faults).to.deep.equal([]);
    expect([...(await objects()).values()]).to.deep.equal([[1]]);

    run.confirm(checkpoint);
    run.write(0, { n: 2 });
    const lost = await run.barrier();
    for await (const { key, upload } of bucket.uploads(`${prefix}/`)) await bucket.abortUpload(key, upload);
    expect(await codeOfRejection(run.commit(lost))).to.equal("SINK_PART_LOST");
    await bucket.put(`${prefix}/part-0-1.jsonl`, Buffer.from('{"n":3}\n'));
    faults = [];
    const error = await rejection(run.commit(lost));
    expect(error.code).to.equal("SINK_PART_LOST");
    expect(error.message).to.include("another object is there");
  });

  it("fails, replaces or appends where there are parts of earlier runs", async () => {
    const first = new SinkRun(sink(), "first");
    await first.start(1);
    first.write(0, { n: 1 });
    await first.checkpoint();
    expect((await rejection(new SinkRun(sink(), "second").start(1))).code).to.equal("SINK_EXISTS");
    const appending = new SinkRun(sink({ mode: "append" }), "second");
    await appending.start(1);
    appending.write(0, { n: 2 });
    await appending.checkpoint();
    expect([...(await objects()).values()].flat().sort()).to.deep.equal([1, 2]);
    const replacing = new SinkRun(sink({ mode: "replace" }), "third");
    await replacing.start(1);
    replacing.write(0, { n: 3 });
    expect([...(await objects()).values()].flat().sort()).to.deep.equal([1, 2]);
    await replacing.crash(true);
    await replacing.start(1);
    replacing.write(0, { n: 4 });
    await replacing.checkpoint();
    await replacing.checkpoint();
    expect([...(await objects())].map(([, rows]) => rows)).to.deep.equal([[4]]);
  });

  it("does not touch uploads of another run that appends", async () => {
    const [one, other] = ["one", "other"].map((runId) => new SinkRun(sink({ mode: "append" }), runId));
    for (const [n, run] of [one!, other!].entries()) {
      await run.start(1);
      run.write(0, { n });
    }
    const checkpoint = await one!.barrier();
    await other!.barrier();
    await other!.committer!.abort();
    expect(await uploads()).to.have.length(1);
    await one!.commit(checkpoint);
    expect([...(await objects()).values()]).to.deep.equal([[0]]);
  });

  it("aborts uploads of failed writers only", async () => {
    const run = new SinkRun(sink());
    await run.start(2);
    for (const n of [0, 1]) run.write(n, { n });
    const checkpoint = await run.barrier();
    await run.committer!.cleanUpAfter!({ attempt: 1, subtasks: [1] });
    expect(await uploads()).to.deep.equal(["part-0-0.jsonl"]);
    await run.commit(checkpoint, 1);
    expect([...(await objects()).values()]).to.deep.equal([[0]]);
  });

  it("has buckets as prefixes of their own", async () => {
    const day = bucketByTime<Row>("yyyy-MM-dd", ({ n }) => n * 86_400_000);
    const run = new SinkRun(sink({ bucket: day, mode: "replace" }));
    await run.start(1);
    for (const n of [0, 1, 0]) run.write(0, { n });
    await run.checkpoint();
    expect([...(await objects())]).to.deep.equal([
      ["1970-01-01/part-0-0.jsonl", [0, 0]],
      ["1970-01-02/part-0-1.jsonl", [1]],
    ]);
  });

  it("fails the job with what the server has said", async () => {
    const missing = fileSink({ path: "s3://millrace-no-such-bucket/out", format: jsonl() });
    const error = await rejection(new SinkRun(missing as unknown as SinkDefinition<never>).start(1));
    expect(error.code).to.equal("BUCKET_MISSING");
    const run = new SinkRun(sink());
    await run.start(1);
    proxy.faults = ({ method }) => (method === "PUT" ? { kind: "refuse" } : undefined);
    run.write(0, { n: 1 });
    expect((await rejection(run.barrier())).code).to.equal("STORAGE_FAILED");
    expect(run.failures[0]).to.have.property("code", "STORAGE_FAILED");
    expect(() => sink({ path: "s3:///out" }))
      .to.throw()
      .with.property("code", "OPTION_INVALID");
  });
});
