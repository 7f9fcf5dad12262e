/** `millrace run` with checkpoints on an S3 server: processes that die, savepoints, and what is wrong. */
import { expect } from "chai";
import type { BlobStore } from "../../lib/storage/contract.js";
import { locationOf, placeIn } from "../../lib/storage/location.js";
import { openBlobStore } from "../../lib/storage/open.js";
import { BUCKET, freshPrefix, useServer } from "../storage/s3/server.js";
import { command, jsonError, killStarted, millrace } from "./launch.js";
import { compiled, Place } from "./running.js";

describe("millrace run with checkpoints on an S3 server", function () {
  this.timeout(90_000);
  let place: Place;
  let state: string;
  let store: BlobStore;
  let checkpoints: string[];

  before(async function () {
    await useServer(this);
  });
  beforeEach(() => {
    place = new Place();
    state = `s3://${BUCKET}/${freshPrefix("cli")}`;
    store = openBlobStore(locationOf(state));
    checkpoints = ["--checkpoint-dir", state, "--checkpoint-interval", "50ms"];
  });
  afterEach(async () => {
    killStarted();
    place.remove();
    for (const path of await store.list("")) await store.remove(path);
  });

  it("goes on when its process is killed, and from the savepoint behind which it stops: each record once", async () => {
    const { ended } = place.gated(
      ...checkpoints,
      "--verbose",
      "--restart",
      "fixed-delay:attempts=3,delay=10ms",
    );
    const { pid, run, lastCheckpoint } = await place.checkpointed();
    expect(lastCheckpoint!.path).to.equal(`${state}/${run}/chk-${lastCheckpoint!.id}`);
    process.kill(pid, "SIGKILL");
    await place.until((job) => job.pid !== pid && job.state === "running");
    const stopped = await command(["stop", "gated"], place);
    expect(stopped.code).to.equal(0);
    const { code, stderr } = await ended;
    expect(stderr).to.include(`checkpoints: every 50ms, in ${state}/${run}\n`);
    expect(stderr).to.match(/^restarted from checkpoint (\d+) \(s3:\S+\/chk-\1\) after PROCESS_KILLED: .*$/m);
    expect(code).to.equal(0);
    expect((await store.list("")).every((path) => path.startsWith("savepoints/"))).to.equal(true);

    const from = stopped.stdout.trimEnd();
    expect(from.startsWith(placeIn(state, "savepoints/savepoint-"))).to.equal(true);
    place.openGate();
    const flags = ["-p", "3", "--from", from, "--checkpoint-interval", "1h", "--param", "mode=append"];
    const next = await place.gated(...flags).ended;
    expect(next.stderr).to.match(/^goes on from checkpoint \d+$/m);
    expect(next.code).to.equal(0);
    place.expectEachOnce();
  });

  it("says what is wrong with the place, by code and exit code", async () => {
    const failure = async (dir: string, env: Record<string, string> = {}) => {
      const given = [compiled("gated"), "--json", "--checkpoint-dir", dir, "--param", "gate=x", "count=10"];
      const ended = await millrace([...given, `out=${place.out}`], { env: { ...place.env, ...env } });
      const { code: error, message } = jsonError(ended);
      return { code: ended.code, error, message };
    };
    const missing = await failure("s3://millrace-no-such-bucket/state");
    expect(missing).to.include({ code: 4, error: "BUCKET_MISSING" });
    expect(missing.message).to.include("s3://millrace-no-such-bucket/state");
    const denied = await failure(state, { AWS_SECRET_ACCESS_KEY: "wrong" });
    expect(denied).to.include({ code: 4, error: "STORAGE_DENIED" });
    const away = await failure(state, { MILLRACE_S3_ENDPOINT: "http://127.0.0.1:9" });
    expect(away).to.include({ code: 4, error: "STORAGE_FAILED" });
    expect(away.message).to.match(/s3:.*\(tried 5 times\).*ECONNREFUSED/);
  });
});
