/** Whole jobs from a bucket into a bucket, with their checkpoints in it: every row once, whatever fails. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type RunOptions, run } from "millrace";
import { drawnFaults, S3Proxy } from "../../../../fixtures/s3/proxy.js";
import { S3Bucket } from "../../../../lib/storage/s3/bucket.js";
import { until, untilCheckpoints } from "../../../coordinator/visible-rows.js";
import type { ObjectsParams } from "../../../jobs/objects.js";
import { rejection } from "../../../storage/rejection.js";
import { BUCKET, freshPrefix, useServer } from "../../../storage/s3/server.js";

const JOB = new URL("../../../jobs/objects.js", import.meta.url);
const ROWS = 6_000;
const KEYS = 17;

interface Row {
  readonly id: number;
  readonly key: number;
  readonly n: number;
}

describe("a job from S3 to S3", function () {
  this.timeout(90_000);
  const from = freshPrefix("rows");
  let bucket: S3Bucket;
  let endpoint: string;
  let folder: string;
  let prefix: string;

  before(async function () {
    const server = await useServer(this);
    endpoint = server.endpoint!;
    bucket = new S3Bucket(server, BUCKET);
    for (let file = 0; file < 4; file++) {
      const rows = Array.from({ length: ROWS / 4 }, (_, i) => {
        const id = file * (ROWS / 4) + i;
        return `${JSON.stringify({ id, key: id % KEYS, n: 1 })}\n`;
      });
      await bucket.put(`${from}/${file}.jsonl`, Buffer.from(rows.join("")));
    }
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-objects-"));
    prefix = freshPrefix("objects");
  });
  afterEach(async () => {
    process.env["MILLRACE_S3_ENDPOINT"] = endpoint;
    rmSync(folder, { recursive: true, force: true });
    await empty(`${prefix}/`);
  });
  after(async () => {
    if (bucket !== undefined) await empty(`${from}/`);
  });

  async function empty(below: string): Promise<void> {
    for await (const page of bucket.list(below)) for (const { key } of page) await bucket.remove(key);
  }

  const start = (params: Partial<ObjectsParams> = {}, options: RunOptions = {}) =>
    run(JOB, {
      parallelism: 2,
      checkpoint: { interval: 30, dir: `s3://${BUCKET}/${prefix}/state` },
      restart: { strategy: "fixed-delay", attempts: 100, delay: 10 },
      ...options,
      params: {
        from: `s3://${BUCKET}/${from}`,
        to: `s3://${BUCKET}/${prefix}/out`,
        crash: join(folder, "crash"),
        ...params,
      },
    });

  async function expectEachOnce(): Promise<void> {
    const rows: Row[] = [];
    for await (const page of bucket.list(`${prefix}/`)) {
      for (const { key, size } of page) {
        expect(key).to.match(new RegExp(`^${prefix}/out/part-[-\\d]+\\.jsonl$`));
        const { bytes } = await bucket.getRange(key, 0, size);
        for (const line of Buffer.from(bytes).toString().trimEnd().split("\n")) rows.push(JSON.parse(line));
      }
    }
    const numbers = Array.from({ length: ROWS }, (_, id) => id);
    expect(rows.map(({ id }) => id).sort((a, b) => a - b)).to.deep.equal(numbers);
    // Each key has counted 1, 2, 3, ...: its rows in the order in which they were processed.
    for (let key = 0; key < KEYS; key++) {
      const counts = rows.filter((row) => row.key === key).map(({ n }) => n);
      expect(counts.sort((a, b) => a - b)).to.deep.equal(counts.map((_, i) => i + 1));
    }
    const left: string[] = [];
    for await (const upload of bucket.uploads(`${prefix}/`)) left.push(upload.key);
    expect(left).to.deep.equal([]);
  }

  for (const how of ["throw", "exit"] as const) {
    it(`writes every row once when it fails (${how})`, async () => {
      await using job = await start({ how, pace: 5 });
      for (let round = 0; round < 2; round++) {
        await untilCheckpoints(job, 2);
        writeFileSync(join(folder, "crash"), "");
        await until(job, "a restart", () => job.restarts > round);
      }
      await job.completed;
      await expectEachOnce();
    });
  }

  it("writes every row once through a bad network", async () => {
    const proxy = await S3Proxy.open(endpoint);
    process.env["MILLRACE_S3_ENDPOINT"] = proxy.endpoint;
    try {
      proxy.faults = drawnFaults(11, 0.15);
      await using job = await start({ pace: 200 });
      await job.completed;
      expect(proxy.faulted).to.be.greaterThan(3);
      await expectEachOnce();
    } finally {
      await proxy.close();
    }
  });

  it("writes every row once without checkpoints, and nothing when it is cancelled", async () => {
    const options = { checkpoint: undefined, restart: { strategy: "none" } } as unknown as RunOptions;
    await using cancelled = await start({}, options);
    await until(cancelled, "some rows", () => cancelled.progress().records > 500);
    await cancelled.cancel();
    for await (const page of bucket.list(`${prefix}/`)) expect(page).to.deep.equal([]);
    await using job = await start({ pace: 1_000 }, options);
    await job.completed;
    await expectEachOnce();
  });

  it("ends with a code when an object is replaced before it is read", async () => {
    await bucket.put(
      `${prefix}/in/a.jsonl`,
      Buffer.from(`${JSON.stringify({ id: 0, key: 0, n: 1 })}\n`.repeat(5_000)),
    );
    const options = { restart: { strategy: "none" } } as const;
    await using job = await start({ from: `s3://${BUCKET}/${prefix}/in`, pace: 10 }, options);
    await untilCheckpoints(job, 1);
    await bucket.put(`${prefix}/in/a.jsonl`, Buffer.from("{}\n"));
    const from = await job.stop({ directory: `s3://${BUCKET}/${prefix}/savepoints` });
    await using again = await start({ from: `s3://${BUCKET}/${prefix}/in` }, { ...options, from });
    const error = await rejection(again.completed);
    expect(error.code).to.equal("SPLIT_CHANGED");
    expect(error.message).to.include(`s3://${BUCKET}/${prefix}/in/a.jsonl`);
  });
});
