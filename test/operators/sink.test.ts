import { expect } from "chai";
import type { Committable, SinkDefinition } from "../../lib/sink/contract.js";
import { SinkRun } from "../../lib/testing/contracts/sink-run.js";

/** Names each record; its promises are settled by the test. */
function slowSink(log: string[]) {
  const waiting: (() => void)[] = [];
  const definition: SinkDefinition<never> = {
    kind: "slow",
    description: {},
    createWriter: () => {
      let named: Committable[] = [];
      return {
        open: () => void log.push("open"),
        write: (record) => void named.push({ record }),
        flush() {},
        finish: () => void log.push("finish"),
        prepareCommit() {
          const mine = named;
          named = [];
          return new Promise((resolve) => waiting.push(() => resolve(mine)));
        },
        snapshot: () => [{ named: named.length }],
        restore: (items) => void log.push(`restore ${JSON.stringify(items)}`),
        async close() {},
      };
    },
  };
  return { definition, settle: (at: number) => waiting[at]!() };
}

describe("sink operator", () => {
  it("names what is not confirmed again, with the checkpoint that named it first", async () => {
    const { definition, settle } = slowSink([]);
    const run = new SinkRun(definition);
    await run.start(1);
    const barrier = async (record: string, at: number) => {
      run.write(0, record);
      const taken = run.barrier();
      settle(at);
      return (await taken).committables.map(
        ({ checkpoint, committable }) => `${checkpoint} ${committable["record"]}`,
      );
    };
    expect(await barrier("a", 0)).to.deep.equal(["1 a"]);
    expect(await barrier("b", 1)).to.deep.equal(["1 a", "2 b"]);
    expect(await barrier("c", 2)).to.deep.equal(["1 a", "2 b", "3 c"]);
    run.confirm({ id: 2, committables: [], items: [] });
    expect(await barrier("d", 3)).to.deep.equal(["3 c", "4 d"]);
  });

  it("answers checkpoints in their order, whichever is prepared first", async () => {
    const { definition, settle } = slowSink([]);
    const run = new SinkRun(definition);
    await run.start(1);
    run.write(0, "a");
    const first = run.barrier();
    run.write(0, "b");
    const second = run.barrier();
    settle(1);
    settle(0);
    expect((await first).committables).to.have.lengthOf(1);
    expect((await second).committables).to.have.lengthOf(2);
  });

  it("loses nothing silently: a checkpoint after one that could not be prepared fails too", async () => {
    const answers = [Promise.reject(new Error("disk")), Promise.resolve([])];
    const { definition } = slowSink([]);
    const failing: SinkDefinition<never> = {
      ...definition,
      createWriter: (context) => ({
        ...definition.createWriter(context),
        prepareCommit: () => answers.shift()!,
      }),
    };
    const run = new SinkRun(failing);
    await run.start(1);
    const [first, second] = await Promise.allSettled([run.barrier(), run.barrier()]);
    expect([first.status, second.status]).to.deep.equal(["rejected", "rejected"]);
  });

  it("asks the writer for its state at the barrier, and gives it back before the writer opens", async () => {
    const log: string[] = [];
    const { definition, settle } = slowSink(log);
    const run = new SinkRun(definition);
    await run.start(1);
    run.write(0, "a");
    const taken = run.barrier(() => run.write(0, "b"));
    settle(0);
    run.complete(await taken);
    await run.crash(true);
    await run.start(1);
    run.finish();
    expect(log).to.deep.equal(["open", 'restore [{"named":0}]', "open", "finish"]);
  });
});
