/** What is refused of checkpoints before and while a job runs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type RunOptions, run } from "millrace";
import { TaskCheckpoints } from "../../lib/runtime/task-checkpoints.js";
import { codeOfRejection } from "../storage/rejection.js";

const SQUARES = new URL("../jobs/squares.js", import.meta.url);
const ENDLESS = new URL("../jobs/endless.js", import.meta.url);

describe("checkpoints are refused", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-refusals-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (options: RunOptions, params = {}) => run(ENDLESS, { inline: true, params, ...options });

  it("to a job that takes none", async () => {
    await using job = await start({});
    expect(await codeOfRejection(job.savepoint(folder))).to.equal("CHECKPOINTS_OFF");
  });

  it("to a job that has ended", async () => {
    await using job = await start({ checkpoint: {} });
    await job.cancel();
    expect(await codeOfRejection(job.savepoint(folder))).to.equal("CHECKPOINT_FAILED");
  });

  it("to a source that gives nothing again, unless records may be lost", async () => {
    const checkpoint = { interval: 20 } as const;
    const params = { source: "iterable" };
    expect(await codeOfRejection(start({ checkpoint }, params))).to.equal("SOURCE_NOT_REPLAYABLE");
    await using job = await start({ checkpoint: { ...checkpoint, mode: "at-least-once" } }, params);
    expect(job.state).to.be.oneOf(["created", "deploying", "running"]);
  });

  it("to a run that left none", async () => {
    const resumed = run(SQUARES, { resume: true, checkpoint: { dir: folder } });
    expect(await codeOfRejection(resumed)).to.equal("JOB_NOT_RESUMABLE");
    expect(await codeOfRejection(run(SQUARES, { resume: true }))).to.equal("OPTION_INVALID");
  });

  it("with options that mean nothing", async () => {
    for (const checkpoint of [
      { interval: 1 },
      { timeout: 5 },
      { maxConcurrent: 0 },
      { mode: "twice" },
      { retention: "for ever" },
    ]) {
      expect(await codeOfRejection(start({ checkpoint: checkpoint as never }))).to.equal("OPTION_INVALID");
    }
  });

  it("where a later barrier comes before the earlier one is through", () => {
    const declined: unknown[] = [];
    const channel = { held: false, look() {}, stopCapture() {} };
    const place = { channel, edge: 0, from: 0, to: 0, alwaysAligned: false };
    const checkpoints = new TaskCheckpoints({
      task: { settled: true, finishedData: false, bytesIn: 0, prepareSnapshot() {}, wake() {} },
      vertex: 0,
      subtask: 0,
      store: undefined,
      inlineBytes: 0,
      blobPath: () => "",
      now: () => 0,
      wallNow: () => 0,
      operators: [],
      inputs: [place, { ...place, from: 1 }] as never,
      outputs: [],
      events: { acknowledge() {}, decline: (_id, error) => declined.push(error) },
    });
    const barrier = (id: number) =>
      ({
        id,
        timestamp: 0,
        purpose: "checkpoint",
        alignment: "aligned",
        alignedTimeoutMs: 0,
        completed: 0,
      }) as const;
    checkpoints.onBarrier(0, barrier(1));
    checkpoints.onBarrier(1, barrier(2));
    expect(declined[0]).to.have.property("code", "CHECKPOINT_SUBSUMED");
  });
});
