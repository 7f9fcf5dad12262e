/** Our own sinks keep the contract of sinks; and one that is wrong in a single place does not. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { avro, collectSink, fileSink, fileSource, jsonl, MillraceError } from "../../../lib/index.js";
import type { Committable, SinkDefinition } from "../../../lib/sink/contract.js";
import { type SinkUnderTest, sinkContract } from "../../../lib/testing/index.js";
import { readAll } from "../../source/restoring.js";

interface Row {
  readonly n: number;
}
const record = (n: number): Row => ({ n });

async function fileUnderTest(): Promise<SinkUnderTest<Row>> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-sink-contract-"));
  return {
    sink: fileSink<Row>({ path: join(folder, "out"), format: jsonl() }),
    async visible() {
      const names = await readdir(join(folder, "out")).catch(() => []);
      const shown = names.filter((name) => !name.startsWith(".")).map((name) => join(folder, "out", name));
      const texts = await Promise.all(shown.map((name) => readFile(name, "utf8")));
      return texts.flatMap((text) =>
        text
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as Row),
      );
    },
    dispose: () => rm(folder, { recursive: true }),
  };
}

/** Files of blocks, in which records are held back until a block is full. */
async function avroUnderTest(): Promise<SinkUnderTest<Row>> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-sink-contract-"));
  const path = join(folder, "out");
  const schema = { type: "record", name: "Row", fields: [{ name: "n", type: "long" }] };
  return {
    sink: fileSink<Row>({ path, format: avro<Row>({ schema, blockBytes: 10 }) }),
    async visible() {
      const names = await readdir(path).catch(() => []);
      if (!names.some((name) => !name.startsWith("."))) return [];
      return [...(await readAll(fileSource({ path, format: avro<Row>() }))).values()].flat() as Row[];
    },
    dispose: () => rm(folder, { recursive: true }),
  };
}

describe("the contract of sinks", () => {
  describe("is kept by files", () => {
    for (const { name, run } of sinkContract(fileUnderTest, { record, runs: 15 }))
      it(name, run).timeout(20_000);
  });

  describe("is kept by files of Avro", () => {
    for (const { name, run } of sinkContract(avroUnderTest, { record, runs: 10 }))
      it(name, run).timeout(20_000);
  });

  describe("is kept by what collects", () => {
    const create = () => ({
      sink: collectSink<Row>(),
      visible: (sent: readonly unknown[]) => sent as readonly Row[],
    });
    for (const { name, run } of sinkContract(create, { record })) it(name, run);
  });

  /** Rows in memory, by transactions; what is wrong with it is said by `wrong`. */
  function tableUnderTest(wrong: string): SinkUnderTest<Row> {
    const rows: Row[] = [];
    const committed = new Set<string>();
    let transactions = 0;
    const sink: SinkDefinition<Row> = {
      kind: "table",
      description: {},
      createWriter: ({ subtask, attempt }) => {
        let open: Row[] = [];
        return {
          open() {},
          write(row) {
            open.push(row);
            if (wrong === "early") rows.push(row);
          },
          flush() {},
          async prepareCommit() {
            if (wrong === "late") await Promise.resolve();
            const given = open;
            open = [];
            if (given.length === 0 || wrong === "loses") return [];
            const id = `${subtask}-${attempt}-${transactions++}`;
            return [wrong === "foreign" ? { id, rows: given, at: new Date(0) } : { id, rows: given }];
          },
          async close() {},
        };
      },
      createCommitter: () => ({
        async open() {},
        async commit(given: readonly Committable[]) {
          for (const { id, rows: all } of given as readonly { id: string; rows: Row[] }[]) {
            if (wrong !== "twice" && committed.has(id)) continue;
            committed.add(id);
            rows.push(...all);
          }
        },
        async abort() {
          if (wrong === "aborts") rows.length = 0;
        },
      }),
    };
    return { sink, visible: () => rows };
  }

  async function failing(wrong: string): Promise<string[]> {
    const names: string[] = [];
    for (const { name, run } of sinkContract(() => tableUnderTest(wrong), { record, runs: 10 })) {
      await run().catch((error: unknown) => {
        expect(MillraceError.is(error) && error.code, String(error)).to.equal("TEST_CONTRACT_BROKEN");
        names.push(name);
      });
    }
    return names;
  }

  it("is broken by each mistake in a table", async () => {
    expect(await failing("nothing")).to.deep.equal([]);
    expect(await failing("early")).to.include("shows nothing before it is committed");
    expect(await failing("late")).to.include(
      "shows with a checkpoint what was written before its barrier, and nothing behind it",
    );
    expect(await failing("loses")).to.include(
      "shows what is left when the input ends, and nothing without any",
    );
    expect(await failing("foreign")).to.deep.equal(["names what it has written in plain JSON"]);
    expect(await failing("twice")).to.include("commits again without effect");
    expect(await failing("aborts")).to.deep.equal([
      "keeps what was committed when the job fails for good, and nothing else",
    ]);
  });
});
