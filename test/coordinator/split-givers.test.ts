/** Splits on their way to readers that fail. */
import { expect } from "chai";
import { buildProgram } from "../../lib/api/environment.js";
import { SplitGivers } from "../../lib/coordinator/split-givers.js";
import { plan } from "../../lib/planner/plan.js";
import type {
  EnumeratorContext,
  SourceDefinition,
  Split,
  SplitEnumerator,
} from "../../lib/source/contract.js";

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

/** Has nothing until it is given something. */
class PatientEnumerator implements SplitEnumerator {
  readonly total = undefined;
  /** What it was asked, with what was reported. */
  readonly asked: string[] = [];
  splits: Split[] = [];
  ended = false;
  /** What happens while a request is being answered. */
  meanwhile: () => void = () => undefined;

  async start(): Promise<void> {}

  async request(subtask: number, report?: unknown): Promise<readonly Split[] | undefined> {
    this.asked.push(`${subtask} ${report}`);
    const next = this.splits.splice(0, 1);
    await Promise.resolve();
    this.meanwhile();
    return this.ended && next.length === 0 ? undefined : next;
  }

  addSplitsBack(splits: readonly Split[]): void {
    this.splits.unshift(...splits);
  }

  snapshot(): readonly Split[] {
    return [...this.splits];
  }

  async close(): Promise<void> {}
}

/** Until everything that was begun by now has happened. */
const rest = () => new Promise((resolve) => setImmediate(resolve));

async function open(
  enumerator: SplitEnumerator,
  hear: (context: EnumeratorContext) => void = () => undefined,
) {
  const source = {
    kind: "slow",
    boundedness: "bounded",
    replayable: true,
    description: {},
    createEnumerator: (context: EnumeratorContext) => {
      hear(context);
      return enumerator;
    },
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

describe("splits on their way", () => {
  const task = { vertex: 0, subtask: 0 };
  const failed = (error: unknown) => expect.fail(String(error));

  it("go back when the reader is gone that has asked, before it begins anew", async () => {
    const enumerator = new SlowEnumerator();
    const sources = await open(enumerator);
    let alive = true;
    const request = sources.request({ ...task, give: () => alive, failed });
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
      const given = sources.request({ ...task, give: () => true, failed });
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

describe("readers that wait", () => {
  async function start() {
    const enumerator = new PatientEnumerator();
    let context: EnumeratorContext | undefined;
    const sources = await open(enumerator, (given) => {
      context = given;
    });
    const given: string[] = [];
    const ask = (subtask: number, report?: unknown, alive: () => boolean = () => true) =>
      sources.request({
        vertex: 0,
        subtask,
        report,
        give: (splits) => {
          if (alive()) given.push(`${subtask}: ${splits?.map(({ id }) => id) ?? "end"}`);
          return alive();
        },
        failed: (error) => given.push(`${subtask}: ${(error as Error).message}`),
      });
    return { enumerator, sources, given, ask, context: context! };
  }

  it("are asked for again when there is something, in the order in which they came, with what they said", async () => {
    const { enumerator, sources, given, ask, context } = await start();
    await ask(1, "one");
    await ask(0, "zero");
    expect(given).to.deep.equal([]);
    expect(sources.isSettled).to.equal(true);
    expect(sources.snapshot(1).get("slow")).to.deep.equal([]);
    enumerator.splits = [{ id: "a" }];
    context.available();
    expect(sources.isSettled).to.equal(false);
    await sources.settled();
    expect(given).to.deep.equal(["1: a"]);
    enumerator.ended = true;
    context.available();
    await rest();
    expect(given).to.deep.equal(["1: a", "0: end"]);
    expect(enumerator.asked).to.deep.equal(["1 one", "0 zero", "1 one", "0 zero", "0 zero"]);
    context.available();
    expect(sources.isSettled).to.equal(true);
  });

  it("miss nothing that comes while they are told to wait", async () => {
    const { enumerator, given, ask, context } = await start();
    enumerator.meanwhile = () => {
      enumerator.meanwhile = () => undefined;
      enumerator.splits = [{ id: "late" }];
      context.available();
    };
    await ask(0);
    expect(given).to.deep.equal(["0: late"]);
  });

  it("are asked for once, as they asked last", async () => {
    const { enumerator, given, ask, context } = await start();
    await ask(0, "first");
    await ask(0, "second");
    enumerator.splits = [{ id: "a" }, { id: "b" }];
    context.available();
    await rest();
    expect(given).to.deep.equal(["0: a"]);
    expect(enumerator.asked).to.deep.equal(["0 first", "0 second", "0 second"]);
  });

  it("are forgotten when they begin anew", async () => {
    const { enumerator, sources, given, ask, context } = await start();
    let alive = true;
    await ask(0, "old", () => alive);
    alive = false;
    // Before it is known that the reader has gone, its splits go back; after that nobody asks for it.
    enumerator.splits = [{ id: "a" }];
    context.available();
    await rest();
    expect(enumerator.splits).to.deep.equal([{ id: "a" }]);
    enumerator.splits = [];
    await ask(0, "older", () => alive);
    sources.takeBack([{ vertex: 0, subtask: 0 }]);
    enumerator.splits = [{ id: "a" }];
    const { length } = enumerator.asked;
    context.available();
    await rest();
    expect(enumerator.asked).to.have.length(length);
    await ask(0, "new");
    expect(given).to.deep.equal(["0: a"]);
  });

  it("hear of an enumerator that fails when it is asked again", async () => {
    const { enumerator, given, ask, context } = await start();
    await ask(0);
    enumerator.meanwhile = () => {
      throw new Error("lost");
    };
    context.available();
    await rest();
    expect(given).to.deep.equal(["0: lost"]);
  });

  it("are asked for no more when the job has ended", async () => {
    const { enumerator, sources, ask, context } = await start();
    await ask(0);
    await sources.close();
    context.available();
    expect(enumerator.asked).to.have.length(1);
  });
});
