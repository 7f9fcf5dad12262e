import { expect } from "chai";
import { coresText, type LiveFacts, liveLine } from "../../lib/cli/live-line.js";
import type { Rescaling, SubtaskMetrics } from "../../lib/index.js";

const task = (vertex: string, busy: number, inFlightMs = 0) =>
  ({
    vertex,
    subtask: 0,
    busyTimeMsPerSecond: busy,
    estimatedTimeToConsumeBuffersMs: inFlightMs,
  }) as SubtaskMetrics;

const facts: LiveFacts = {
  elapsedMs: 12_340,
  records: 1_234_567,
  recordsPerSecond: 98_765,
  done: undefined,
  watermark: Number.NEGATIVE_INFINITY,
  now: Date.UTC(2026, 0, 1),
  tasks: [],
  lastRescale: undefined,
  lastCheckpoint: undefined,
};

describe("the live line", () => {
  it("says how much and how fast, and nothing that is not known", () => {
    expect(liveLine(facts)).to.equal("1.23 M records  98.8 k/s  12.3 s");
  });

  it("shows how much of bounded sources is done, and where event time is", () => {
    const bounded = { ...facts, done: 0.5, watermark: Date.UTC(2001, 0, 2, 3, 4, 5) };
    expect(liveLine(bounded)).to.equal(
      "[============            ]  50 %  1.23 M records  98.8 k/s  watermark 2001-01-02T03:04:05Z  12.3 s",
    );
  });

  it("names what holds the job up, what is on its way, how far behind it is, and the last checkpoint", () => {
    const running = {
      ...facts,
      watermark: facts.now - 4200,
      tasks: [task("source", 120), task("windows", 974, 310), task("sink", 40, 12)],
      lastCheckpoint: { id: 7, ms: 45.4 },
    };
    expect(liveLine(running)).to.equal(
      "1.23 M records  98.8 k/s  4.2 s behind  windows 97 % busy  310 ms in flight  checkpoint 7 in 45 ms  12.3 s",
    );
    expect(liveLine({ ...running, tasks: [task("source", 320)] })).to.not.include("busy");
  });

  it("says when the parallelism has changed and why, and after a minute only what it is", () => {
    const rescale = {
      from: 1,
      parallelism: 3,
      pauseMs: 20,
      cores: 3.5,
      at: facts.now - 4_000,
      error: undefined,
    };
    const line = (lastRescale: Rescaling) => liveLine({ ...facts, lastRescale }).split("  ")[2];
    expect(line({ ...rescale, cause: "resources" })).to.equal("parallelism 1 -> 3 for 3.5 cores 4 s ago");
    expect(line({ ...rescale, cause: "request" })).to.equal("parallelism 1 -> 3 as asked for 4 s ago");
    expect(line({ ...rescale, cause: "resources", at: facts.now - 61_000 })).to.equal("parallelism 3");
    expect([1, 1 / 3, 2].map(coresText)).to.deep.equal(["1 core", "0.33 cores", "2 cores"]);
  });

  it("survives the end of time", () => {
    expect(liveLine({ ...facts, watermark: 1e300 })).to.equal("1.23 M records  98.8 k/s  12.3 s");
  });
});
