/** Whole jobs that keep their checkpoints on an S3 server: failures of theirs, and of the server. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Digest, type Job, RowDigest, type RunOptions, run } from "millrace";
import { S3Proxy } from "../../fixtures/s3/proxy.js";
import type { BlobStore } from "../../lib/storage/contract.js";
import { locationOf, placeOf } from "../../lib/storage/location.js";
import { openBlobStore } from "../../lib/storage/open.js";
import type { Paced } from "../jobs/paced-source.js";
import { rejection } from "../storage/rejection.js";
import { BUCKET, freshPrefix, useServer } from "../storage/s3/server.js";
import { gather, until, untilCheckpoints } from "./visible-rows.js";

const CRASHING = new URL("../jobs/crashing.js", import.meta.url);
const WRONG = new URL("../jobs/wrong.js", import.meta.url);
const EVENTS = 60_000;
const COUNT = 300;

describe("a job with checkpoints on an S3 server", function () {
  this.timeout(60_000);
  let folder: string;
  let dir: string;
  let store: BlobStore;
  let endpoint: string;

  before(async function () {
    endpoint = (await useServer(this)).endpoint!;
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-s3-"));
    mkdirSync(join(folder, "failures"));
    dir = `s3://${BUCKET}/${freshPrefix("jobs")}`;
    store = openBlobStore(locationOf(dir));
  });
  afterEach(async () => {
    process.env["MILLRACE_S3_ENDPOINT"] = endpoint;
    rmSync(folder, { recursive: true, force: true });
    for (const path of await store.list("")) await store.remove(path);
  });

  async function answer(query: string, failures: number, options: RunOptions) {
    const params = { query, events: EVENTS, failures, folder: join(folder, "failures") };
    await using job = await run(CRASHING, { parallelism: 2, ...options, params });
    const parts: Digest[] = [];
    for await (const part of job.results<Digest>("out")) parts.push(part);
    await job.completed;
    return { digest: RowDigest.merge(parts), restarts: job.restarts, checkpoints: job.checkpoints()! };
  }

  it("that fails answers as if nothing had been", async () => {
    const expected = await answer("q7", 0, { inline: true });
    const { digest, restarts, checkpoints } = await answer("q7", 2, {
      restart: { strategy: "fixed-delay", attempts: 100, delay: 1 },
      checkpoint: { unaligned: true, interval: 20, dir },
    });
    expect(digest).to.deep.equal(expected.digest);
    expect(restarts).to.be.within(1, readdirSync(join(folder, "failures")).length);
    expect(checkpoints.counts.completed).to.be.greaterThan(0);
    expect(await store.list("")).to.deep.equal([]);
  });

  const start = (options: RunOptions = {}): Promise<Job> =>
    run(WRONG, {
      inline: true,
      parallelism: 1,
      checkpoint: { interval: 20, dir, retention: "retain" },
      restart: { strategy: "fixed-delay", attempts: 100, delay: 10 },
      ...options,
      params: { program: "fine", count: COUNT, crash: join(folder, "crash") },
    });

  const expectEachOnce = async (job: Job, rows: ReturnType<typeof gather<Paced>>) => {
    await job.completed;
    await rows.end;
    expect(rows.rows.map(({ id }) => id)).to.deep.equal(Array.from({ length: COUNT }, (_, id) => id));
  };

  it("keeps what it is told to keep, and no more", async () => {
    await using job = await start();
    const rows = gather<Paced>(job, "out");
    await untilCheckpoints(job, 3);
    await job.cancel();
    await rows.end.catch(() => undefined);
    const manifests = (await store.list("")).filter((path) => path.endsWith("/manifest"));
    expect(manifests).to.have.length(1);
    expect(manifests[0]).to.match(new RegExp(`^${job.id}/chk-\\d+/manifest$`));
  });

  it("has to end when another process has taken it over", async () => {
    await using first = await start();
    const before = gather<Paced>(first, "out");
    await untilCheckpoints(first, 2);
    await using second = await start({ resume: first.id });
    const after = gather<Paced>(second, "out");
    const error = await rejection(first.completed);
    expect(error.code).to.equal("CHECKPOINT_FENCED");
    await before.end.catch(() => undefined);
    await second.completed;
    await after.end;
    // Rows that the first had not shown when it ended are gone with its memory; none is shown by both.
    const [shown, rest] = [before.rows, after.rows].map((rows) => rows.map(({ id }) => id));
    expect(shown).to.deep.equal(Array.from({ length: shown!.length }, (_, id) => id));
    expect(rest).to.deep.equal(Array.from({ length: rest!.length }, (_, i) => COUNT - rest!.length + i));
    expect(shown!.length + rest!.length).to.be.at.most(COUNT);
  });

  it("goes on when the server is there again", async () => {
    const proxy = await S3Proxy.open(endpoint);
    process.env["MILLRACE_S3_ENDPOINT"] = proxy.endpoint;
    try {
      await using job = await start({ checkpoint: { interval: 20, dir, timeout: 300 } });
      const rows = gather<Paced>(job, "out");
      await untilCheckpoints(job, 2);
      proxy.faults = () => ({ kind: "refuse" });
      await until(job, "failed checkpoints", () => job.checkpoints()!.counts.failed > 0);
      proxy.faults = () => undefined;
      await expectEachOnce(job, rows);
    } finally {
      await proxy.close();
    }
  });

  it("that cannot write any more ends with the error that names what it could not write", async () => {
    const proxy = await S3Proxy.open(endpoint);
    process.env["MILLRACE_S3_ENDPOINT"] = proxy.endpoint;
    try {
      await using job = await start({ restart: { strategy: "none" } });
      const rows = gather<Paced>(job, "out");
      await untilCheckpoints(job, 1);
      proxy.faults = ({ method }) => (method === "PUT" ? { kind: "skew" } : undefined);
      const error = await rejection(job.completed);
      await rows.end.catch(() => undefined);
      expect(error.code).to.equal("CHECKPOINTS_FAILED");
      expect(error.cause).to.have.property("code", "STORAGE_FAILED");
      expect(String(error.cause)).to.include(dir).and.include("RequestTimeTooSkewed");
    } finally {
      await proxy.close();
    }
  });

  it("does not begin with a checkpoint of which something is gone or cut", async () => {
    await using first = await start();
    const rows = gather<Paced>(first, "out");
    await untilCheckpoints(first, 2);
    const from = await first.stop({ directory: dir });
    await rows.end;
    expect(from.startsWith(`${dir}/savepoint-`)).to.equal(true);
    const path = from.slice(dir.length + 1);
    const manifest = await store.get(`${path}/manifest`);
    await store.put(`${path}/manifest`, [manifest.subarray(0, manifest.length >> 1)]);
    const torn = await rejection(start({ from }));
    expect(torn.code).to.equal("CHECKPOINT_TORN");
    expect(torn.message).to.include(`${from}/manifest`);
    await store.remove(`${path}/manifest`);
    const gone = await rejection(start({ from }));
    expect(gone.code).to.equal("CHECKPOINT_NOT_FOUND");
    expect(gone.message).to.include(placeOf(store.location, path));
    await store.put(`${path}/manifest`, [manifest]);
    await using second = await start({ from, checkpoint: { interval: "1h" } });
    const more = gather<Paced>(second, "out");
    await second.completed;
    await more.end;
    const ids = [...rows.rows, ...more.rows].map(({ id }) => id);
    expect(ids).to.deep.equal(Array.from({ length: COUNT }, (_, id) => id));
  });
});
