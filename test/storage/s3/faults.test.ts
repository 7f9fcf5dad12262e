/** A store before which requests are lost, refused, cut and late: what it says is true all the same. */
import { expect } from "chai";
import { drawnFaults, type Fault, S3Proxy } from "../../../fixtures/s3/proxy.js";
import { seededRandom } from "../../../lib/base/random.js";
import { CheckpointStore } from "../../../lib/checkpoint/checkpoint-store.js";
import { taskBlobPath } from "../../../lib/checkpoint/paths.js";
import type { S3Server } from "../../../lib/storage/contract.js";
import { MemoryBlobStore } from "../../../lib/storage/memory.js";
import { S3Bucket } from "../../../lib/storage/s3/bucket.js";
import type { RetryPolicy } from "../../../lib/storage/s3/retry.js";
import { S3BlobStore } from "../../../lib/storage/s3/store.js";
import { byteOf, manifestOf } from "../../checkpoint/manifests.js";
import { codeOfRejection, rejection } from "../rejection.js";
import { BUCKET, freshPrefix, useServer } from "./server.js";

const MIB = 1024 * 1024;
const RETRY: RetryPolicy = { tries: 8, delayMs: 1, delayMaxMs: 10, timeoutMs: 2_000 };
const BYTE = [Uint8Array.of(1)];

describe("an S3 store with a bad way to its server", function () {
  this.timeout(30_000);
  let server: S3Server;
  let proxy: S3Proxy;
  let store: S3BlobStore;

  before(async function () {
    server = await useServer(this);
  });
  beforeEach(async () => {
    proxy = await S3Proxy.open(server.endpoint!);
    store = through(freshPrefix("faults"));
    // What else is done once, a test need not count.
    await store.put("first", BYTE, { exclusive: true });
    await store.remove("first");
  });
  afterEach(async () => {
    proxy.faults = () => undefined;
    await store.removeFolder("a");
    await proxy.close();
  });

  function through(prefix: string, retry = RETRY): S3BlobStore {
    const near = { ...server, endpoint: proxy.endpoint };
    return new S3BlobStore(
      { kind: "s3", bucket: BUCKET, prefix, server: near },
      { retry, partBytes: 5 * MIB },
    );
  }

  /** The next requests meet these, one each. */
  const meet = (...faults: (Fault["kind"] | undefined)[]) => {
    proxy.faults = () => {
      const kind = faults.shift();
      return kind === undefined ? undefined : { kind };
    };
  };

  for (const kind of ["refuse", "drop", "lose", "cut", "skew"] as const) {
    it(`does again what met a fault (${kind})`, async () => {
      meet(kind, kind);
      await store.put("a/1", [Uint8Array.of(1, 2, 3)]);
      meet(kind);
      expect([...(await store.get("a/1"))]).to.deep.equal([1, 2, 3]);
      meet(kind);
      expect(await store.list("a")).to.deep.equal(["a/1"]);
      meet(kind);
      await store.remove("a/1");
      expect(await codeOfRejection(store.get("a/1"))).to.equal("BLOB_MISSING");
      expect(proxy.faulted).to.equal(5);
    });
  }

  it("leaves no upload behind that was begun twice, as the first answer was lost", async () => {
    const prefix = freshPrefix("begun");
    const bucket = new S3Bucket({ ...server, endpoint: proxy.endpoint }, BUCKET, { retry: RETRY });
    const key = `${prefix}/whole`;
    meet("lose");
    const upload = await bucket.beginUpload(key);
    expect(proxy.faulted).to.equal(1);
    const left: string[] = [];
    for await (const each of bucket.uploads(`${prefix}/`)) left.push(each.upload);
    expect(left).to.deep.equal([upload]);
    await bucket.abortUpload(key, upload);
  });

  it("does not take its own exclusive put, whose answer was lost, for another's", async () => {
    meet("lose", "lose");
    await store.put("a/lock", [Uint8Array.of(7)], { exclusive: true });
    expect([...(await store.get("a/lock"))]).to.deep.equal([7]);
    meet("lose");
    expect(await codeOfRejection(store.put("a/lock", BYTE, { exclusive: true }))).to.equal("BLOB_EXISTS");
    expect([...(await store.get("a/lock"))]).to.deep.equal([7]);
  });

  it("lets one of several exclusive writers win, whose answers are lost", async () => {
    let requests = 0;
    proxy.faults = ({ method }) => (method === "PUT" && requests++ % 2 === 0 ? { kind: "lose" } : undefined);
    const stores = Array.from({ length: 6 }, () => through(store.location.prefix));
    const outcomes = await Promise.all(
      stores.map((each, i) =>
        each.put("a/lock", [Uint8Array.of(i)], { exclusive: true }).then(
          () => i,
          (error) => error.code,
        ),
      ),
    );
    const winners = outcomes.filter((outcome) => typeof outcome === "number");
    expect(winners).to.have.length(1);
    expect(outcomes.filter((outcome) => outcome === "BLOB_EXISTS")).to.have.length(5);
    expect([...(await store.get("a/lock"))]).to.deep.equal(winners);
  });

  it("gives up after so many tries, and says which object it was about", async () => {
    const patient = through(store.location.prefix, { ...RETRY, tries: 3, timeoutMs: 100 });
    for (const [kind, said] of [
      ["refuse", /SlowDown/],
      ["drop", /socket hang up|ECONNRESET/],
      ["hang", /no answer within 100 ms/],
      ["skew", /RequestTimeTooSkewed/],
    ] as const) {
      proxy.seen.length = 0;
      proxy.faults = () => ({ kind });
      const error = await rejection(patient.put("a/1", BYTE));
      expect(error).to.include({ code: "STORAGE_FAILED", retryable: true });
      expect(error.message).to.include(`s3://${BUCKET}/${store.location.prefix}/a/1 (tried 3 times)`);
      expect(error.message).to.match(said);
      expect(proxy.seen).to.have.length(3);
      if (kind === "skew") expect(error.hint).to.include("clocks");
    }
  });

  it("does not ask again for what stays as it is", async () => {
    proxy.seen.length = 0;
    expect(await codeOfRejection(store.get("a/none"))).to.equal("BLOB_MISSING");
    expect(proxy.seen).to.have.length(1);
  });

  it("ends an upload in parts, whose completion was not answered", async () => {
    const bytes = new Uint8Array(5 * MIB + 1).fill(3);
    proxy.faults = ({ method, path }) =>
      method === "POST" && /[?&]uploadId=/.test(path) && proxy.faulted === 0 ? { kind: "lose" } : undefined;
    await store.put("a/large", [bytes]);
    expect(proxy.faulted).to.equal(1);
    expect(Buffer.compare(await store.get("a/large"), bytes)).to.equal(0);
  });

  it("refuses a server that replaces what is there", async () => {
    // As one that does not know the condition: every put is answered by 200.
    const { createServer } = await import("node:http");
    const careless = createServer((incoming, outgoing) => {
      incoming.resume();
      incoming.on("end", () => outgoing.writeHead(200, { etag: '"1"' }).end());
    });
    await new Promise<void>((resolve) => careless.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(careless.address() as { port: number }).port}`;
    const place = { kind: "s3", bucket: BUCKET, prefix: "p", server: { ...server, endpoint } } as const;
    const error = await rejection(
      new S3BlobStore(place, { retry: RETRY }).put("a", BYTE, { exclusive: true }),
    );
    expect(error.code).to.equal("STORAGE_UNFIT");
    careless.closeAllConnections();
    careless.close();
  });

  it("holds what a store in memory holds, whatever was drawn", async () => {
    for (const seed of [1, 2, 3, 4]) {
      const folder = `a/${seed}`;
      const model = new MemoryBlobStore();
      const random = seededRandom(seed);
      proxy.faults = drawnFaults(seed, 0.25);
      for (let step = 0; step < 25; step++) {
        const path = `${folder}/${random.u32() % 5}`;
        const bytes = [Uint8Array.of(step, seed)];
        const exclusive = random.u32() % 2 === 0;
        const outcome = async (work: Promise<unknown>) =>
          work.then(
            (answer) => (answer instanceof Uint8Array ? [...answer] : answer),
            (error) => error.code,
          );
        const act = [
          (of: S3BlobStore | MemoryBlobStore) => of.put(path, bytes, { exclusive }),
          (of: S3BlobStore | MemoryBlobStore) => of.get(path),
          (of: S3BlobStore | MemoryBlobStore) => of.remove(path),
          (of: S3BlobStore | MemoryBlobStore) => of.list(folder),
          (of: S3BlobStore | MemoryBlobStore) => of.put(path, bytes, { exclusive }),
        ][random.u32() % 5]!;
        expect(await outcome(act(store)), `seed ${seed}, step ${step}`).to.deep.equal(
          await outcome(act(model)),
        );
      }
    }
    expect(proxy.faulted).to.be.greaterThan(10);
  });

  it("keeps checkpoints whole, and lets one coordinator have the last word", async () => {
    proxy.faults = drawnFaults(5, 0.2);
    const open = () =>
      CheckpointStore.open(through(`${store.location.prefix}/a`), { jobId: "job", numRetained: 2 });
    const take = async (checkpoints: CheckpointStore) => {
      const checkpoint = checkpoints.begin();
      const path = taskBlobPath("job", checkpoint, checkpoints.epoch, 0, 0);
      await checkpoints.store.put(path, [Uint8Array.of(checkpoint)]);
      return checkpoints.complete(manifestOf("job", checkpoint, [byteOf(path)]));
    };
    const first = await open();
    for (let i = 0; i < 4; i++) await take(first);
    await first.idle();
    expect(first.list().map(({ checkpoint }) => checkpoint)).to.deep.equal([3, 4]);
    const second = await open();
    expect(await codeOfRejection(take(first))).to.equal("CHECKPOINT_FENCED");
    expect((await second.latest())?.manifest.checkpoint).to.equal(4);
    await take(second);
    await second.idle();
    const paths = await second.store.list("job");
    expect(paths.filter((path) => path.endsWith("/manifest"))).to.deep.equal([
      "job/chk-4/manifest",
      "job/chk-5/manifest",
    ]);
    expect(proxy.faulted).to.be.greaterThan(5);
  });
});
