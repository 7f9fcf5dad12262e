/** Splits on their way to readers that fail. */
import { expect } from "chai";
import { buildProgram } from "../../lib/api/environment.js";
import { SplitGivers } from "../../lib/coordinator/split-givers.js";
import { plan } from "../../lib/planner/plan.js";
import type { SourceDefinition, Split, SplitEnumerator } from "../../lib/source/contract.js";

/** Answers when it is told to. */
class SlowEnumerator implements SplitEnumerator {
  readonly total = undefined;
  readonly left: Split[] = [{ id: "first" }, { id: "second" }];
  answer: () => void = () => undefined;

  async start(): Promise<void> {}

  async request(): Promise<readonly Split[] | undefined> {
    const next = this.left.shift();
    await new Promise<void>((resolve) => {
      this.answer = resolve;
    });
    return next === undefined ? undefined : [next];
  }

  addSplitsBack(splits: readonly Split[]): void {
    this.left.unshift(...splits);
  }

  snapshot(): readonly Split[] {
    return [...this.left];
  }

  async close(): Promise<void> {}
}

describe("splits on their way", () => {
  const task = { vertex: 0, subtask: 0 };

  async function open(enumerator: SplitEnumerator) {
    const source = {
      kind: "slow",
      boundedness: "bounded",
      replayable: true,
      description: {},
      createEnumerator: () => enumerator,
      createReader: () => expect.fail("nobody reads"),
    } satisfies SourceDefinition as unknown as SourceDefinition<number, any>;
    const program = buildProgram(
      {
        name: "test",
        build: (env) =>
          env.source("slow", source).sink("out", {
            kind: "none",
            description: {},
            createWriter: () => expect.fail("nobody writes"),
          }),
      },
      {},
    );
    const sources = new SplitGivers(plan(program, { parallelism: 2 }));
    await sources.open(new Map());
    return sources;
  }

  it("go back when the reader is gone that has asked, before it begins anew", async () => {
    const enumerator = new SlowEnumerator();
    const sources = await open(enumerator);
    let alive = true;
    const request = sources.request(0, 0, () => alive);
    alive = false;
    expect(enumerator.left.map(({ id }) => id)).to.deep.equal(["second"]);
    let isSettled = false;
    const settled = sources.settled([task]).then(() => {
      isSettled = true;
    });
    await sources.settled([{ vertex: 0, subtask: 1 }]);
    expect(isSettled).to.equal(false);
    enumerator.answer();
    await settled;
    await request;
    expect(enumerator.left.map(({ id }) => id)).to.deep.equal(["first", "second"]);
    sources.takeBack([task]);
    expect(enumerator.left).to.have.length(2);
  });

  it("go back when they came behind the completed checkpoint", async () => {
    const enumerator = new SlowEnumerator();
    const sources = await open(enumerator);
    const give = async () => {
      const given = sources.request(0, 0, () => true);
      await new Promise((resolve) => setImmediate(resolve));
      enumerator.answer();
      await given;
    };
    await give();
    expect(sources.snapshot(1).get("slow")).to.deep.equal([{ id: "second" }]);
    await give();
    sources.completed(1);
    sources.takeBack([task]);
    expect(enumerator.left.map(({ id }) => id)).to.deep.equal(["second"]);
  });

  it("cannot go back to every enumerator", async () => {
    const enumerator = new SlowEnumerator();
    expect((await open(enumerator)).canTakeBack([task])).to.equal(true);
    const other = Object.assign(new SlowEnumerator(), { addSplitsBack: undefined });
    expect((await open(other as unknown as SplitEnumerator)).canTakeBack([task])).to.equal(false);
    expect(
      (await open(other as unknown as SplitEnumerator)).canTakeBack([{ vertex: 9, subtask: 0 }]),
    ).to.equal(true);
  });
});
