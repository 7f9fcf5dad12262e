/** The trial finds what an operator does wrong in one variation only. */
import { expect } from "chai";
import { MillraceError } from "../../lib/base/error.js";
import type { Operator, OperatorContext, OperatorLogic } from "../../lib/operators/contract.js";
import { flatMapLogic } from "../../lib/operators/flat-map.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";

const logicOf = (create: (context: OperatorContext) => Operator): OperatorLogic => ({
  functions: [],
  create,
});

function failureOf(work: () => unknown): MillraceError {
  try {
    work();
  } catch (error) {
    if (MillraceError.is(error)) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

function messageOf(trial: OperatorTrial): string {
  const { code, message } = failureOf(() => trial.push({ n: 1 }, 1).push({ n: 2 }, 2).take());
  expect(code).to.be.oneOf([
    "TEST_EXPECTATION_FAILED",
    "TEST_CONTRACT_BROKEN",
    "INTERNAL",
    "RECORD_NOT_CARRIABLE",
  ]);
  return message;
}

describe("a trial of an operator", () => {
  it("answers what the plain variation gives when all agree", () => {
    const trial = new OperatorTrial(() => flatMapLogic(({ n }: any) => [n, -n]));
    expect(trial.push({ n: 1 }, 5).push({ n: 2 }, 6).take()).to.deep.equal([1, -1, 2, -2]);
    expect(trial.push({ n: 3 }, 7).take()).to.deep.equal([3, -3]);
    expect(trial.times).to.deep.equal([5, 5, 6, 6, 7, 7]);
  });

  it("finds what is not in a snapshot", () => {
    const make = () =>
      logicOf(({ out }) => {
        let sum = 0;
        return {
          element(record, timestamp) {
            sum += (record as { n: number }).n;
            out(sum, timestamp);
          },
        };
      });
    expect(messageOf(new OperatorTrial(make))).to.include(
      'the output is not as expected in the variation "restored"',
    );
    expect(
      new OperatorTrial(make, { without: ["restored"] }).push({ n: 1 }).push({ n: 2 }).take(),
    ).to.deep.equal([1, 3]);
  });

  it("finds an operator that emits although its gate is closed", () => {
    const make = () =>
      logicOf(({ out }) => {
        let left = 0;
        return {
          element: () => {
            left = 3;
          },
          proceed() {
            if (left === 0) return true;
            out(left--, 0);
            return left === 0;
          },
        };
      });
    const message = messageOf(new OperatorTrial(make, { without: ["restored"] }));
    expect(message).to.match(
      /^the operator emits although its gate is closed \(variation "tiny outputs", at step 1/,
    );
  });

  it("finds an operator that changes what it was given", () => {
    const make = () =>
      logicOf(({ out }) => ({
        element(record, timestamp) {
          (record as { n: number }).n++;
          out(record, timestamp);
        },
      }));
    expect(messageOf(new OperatorTrial(make))).to.include('variation "frozen"');
  });

  it("finds an operator that compares records by identity, or gives what does not cross threads", () => {
    const make = () =>
      logicOf(({ out }) => ({ element: (_record, timestamp) => out({ f: () => 1 }, timestamp) }));
    const message = messageOf(new OperatorTrial(make, { without: ["restored", "frozen"] }));
    expect(message).to.include('variation "codec"');
  });

  it("fails as the operator does", () => {
    const make = () =>
      logicOf(() => ({
        element() {
          throw new MillraceError("TIMESTAMP_MISSING", "no time");
        },
      }));
    const { code, message } = failureOf(() => new OperatorTrial(make).push(1));
    expect([code, message]).to.deep.equal(["TIMESTAMP_MISSING", "no time"]);
  });
});
