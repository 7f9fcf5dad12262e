import { expect } from "chai";
import {
  type CheckpointFailure,
  FailureCounter,
  type FailureReason,
  failureReasons,
} from "../../lib/checkpoint/failures.js";

const failed = (
  checkpoint: number | undefined,
  reason: FailureReason = "declined",
  given: Partial<CheckpointFailure> = {},
): CheckpointFailure => ({ reason, checkpoint, purpose: "checkpoint", atTask: true, ...given });

describe("failures of checkpoints", () => {
  it("in a row fail the job when there are more than tolerated", () => {
    const counter = new FailureCounter(2);
    expect([1, 2].map((id) => counter.onFailure(failed(id)))).to.deep.equal([undefined, undefined]);
    const cause = new Error("disk");
    const error = counter.onFailure(failed(3, "write-failed", { cause }));
    expect(error).to.include({ code: "CHECKPOINTS_FAILED", retryable: true, cause });
    expect(error?.message).to.contain("3 checkpoints in a row failed, 2 tolerated");
    expect([4, 5].map((id) => counter.onFailure(failed(id)))).to.deep.equal([undefined, undefined]);
    expect(counter.onFailure(failed(6))).to.not.equal(undefined);
    expect(new FailureCounter().onFailure(failed(1))?.message).to.match(/^a checkpoint failed, 0 tolerated/);
  });

  it("are forgotten after a success", () => {
    const counter = new FailureCounter(2);
    counter.onFailure(failed(1));
    counter.onFailure(failed(2));
    counter.onSuccess(3);
    expect([4, 5].map((id) => counter.onFailure(failed(id)))).to.deep.equal([undefined, undefined]);
    expect(counter.onFailure(failed(2)), "older than the success").to.equal(undefined);
    expect(counter.onFailure(failed(6))).to.not.equal(undefined);
  });

  it("count once for each checkpoint", () => {
    const counter = new FailureCounter(2);
    for (let i = 0; i < 5; i++) expect(counter.onFailure(failed(1, "expired"))).to.equal(undefined);
    counter.onFailure(failed(undefined, "storage-failed"));
    expect(counter.onFailure(failed(undefined, "storage-failed"))).to.not.equal(undefined);
  });

  it("count only when storage or a task is to blame", () => {
    const all = Object.keys(failureReasons) as FailureReason[];
    const counted = all.filter((reason) => new FailureCounter(0).onFailure(failed(1, reason)) !== undefined);
    expect(counted).to.have.members([
      "declined",
      "write-failed",
      "expired",
      "storage-failed",
      "trigger-failed",
      "complete-failed",
    ]);
    expect(all.filter((reason) => failureReasons[reason].preflight)).to.have.length(5);
    expect(new FailureCounter(Number.POSITIVE_INFINITY).onFailure(failed(1))).to.equal(undefined);
  });

  it("of a savepoint hurt nobody, unless tasks wait for it to stop", () => {
    const counter = new FailureCounter(0);
    expect(counter.onFailure(failed(1, "declined", { purpose: "savepoint" }))).to.equal(undefined);
    expect(counter.onFailure(failed(2, "expired", { purpose: "stop", atTask: false }))).to.equal(undefined);
    for (const purpose of ["stop", "terminate"] as const) {
      const error = counter.onFailure(failed(3, "declined", { purpose, cause: new Error("x") }));
      expect(error).to.include({ code: "STOP_FAILED" });
      expect(error?.message).to.contain("could not take its snapshot");
    }
  });
});
