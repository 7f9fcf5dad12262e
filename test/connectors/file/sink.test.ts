import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { MillraceError } from "../../../lib/base/error.js";
import { OPEN_BUCKETS_MAX } from "../../../lib/base/limits.js";
import { type FileSinkOptions, fileSink } from "../../../lib/connectors/file/sink.js";
import { sinkError } from "../../../lib/connectors/file/sink-error.js";
import { csv } from "../../../lib/formats/csv.js";
import { jsonl } from "../../../lib/formats/jsonl.js";
import type { SinkDefinition } from "../../../lib/sink/contract.js";
import { SinkRun } from "../../../lib/testing/contracts/sink-run.js";

interface Row {
  readonly id: number;
  readonly bucket: string;
}

async function filesOf(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = files.map(
    async (file) => [file.slice(folder.length + 1), await readFile(file, "utf8")] as const,
  );
  return new Map(await Promise.all(texts));
}

const isHidden = (name: string) => /(^|\/)\./.test(name);
const idsOf = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as Row).id);

async function visibleOf(folder: string): Promise<Map<string, string>> {
  return new Map([...(await filesOf(folder))].filter(([name]) => !isHidden(name)));
}

async function hiddenOf(folder: string): Promise<string[]> {
  return [...(await filesOf(folder)).keys()].filter(isHidden);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  expect(error).to.satisfy(MillraceError.is, String(error));
  return (error as MillraceError).code;
}

describe("file sink", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-sink-"));
  });

  afterEach(async () => {
    await chmod(folder, 0o700).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  });

  function sink(options: Partial<FileSinkOptions<Row>> = {}): SinkDefinition<never> {
    return fileSink<Row>({ path: folder, format: jsonl(), ...options }) as SinkDefinition<never>;
  }

  function row(id: number, bucket = "b"): Row {
    return { id, bucket };
  }

  it("shows a part with its checkpoint, and nothing of what was written after the barrier", async () => {
    const run = new SinkRun(sink());
    await run.start(2);
    run.write(0, row(1));
    run.write(1, row(2));
    const first = await run.barrier(() => run.write(0, row(3)));
    expect(await visibleOf(folder)).to.have.property("size", 0);
    await run.commit(first);
    expect([...(await visibleOf(folder)).keys()].sort()).to.deep.equal(["part-0-0.jsonl", "part-1-0.jsonl"]);
    run.confirm(first);
    const second = await run.barrier();
    expect(
      second.committables.map(({ checkpoint, committable }) => [checkpoint, committable["visible"]]),
    ).to.deep.equal([[2, "part-0-1.jsonl"]]);
    await run.commit(second);
    expect(idsOf((await visibleOf(folder)).get("part-0-1.jsonl")!)).to.deep.equal([3]);
  });

  it("names an attempt after the first in its parts, and keeps what an earlier one committed", async () => {
    const run = new SinkRun(sink());
    await run.start(1);
    run.write(0, row(1));
    await run.checkpoint();
    run.write(0, row(2));
    await run.crash(true);
    await run.start(1);
    expect(await hiddenOf(folder)).to.deep.equal([]);
    run.write(0, row(3));
    await run.checkpoint();
    expect([...(await visibleOf(folder))].map(([name, text]) => [name, ...idsOf(text)])).to.have.deep.members(
      [
        ["part-0-0.jsonl", 1],
        ["part-0-2-0.jsonl", 3],
      ],
    );
  });

  it("ends parts by size, age and inactivity", async () => {
    const run = new SinkRun(sink({ partBytes: 50, rolloverInterval: "1m", inactivityInterval: "10s" }));
    await run.start(1);
    const parts = async () => {
      run.confirm(await run.checkpoint());
      const all = [...(await visibleOf(folder)).values()].map(idsOf).map((ids) => ids.join());
      return all.sort();
    };
    for (let id = 0; id < 4; id++) run.write(0, row(id, "x".repeat(10)));
    expect(await parts()).to.deep.equal(["0,1", "2,3"]);
    run.write(0, row(4, ""));
    run.rest();
    run.now += 9_000;
    run.rest();
    run.write(0, row(5, ""));
    run.rest();
    run.now += 10_000;
    run.rest();
    run.write(0, row(6, ""));
    expect(await parts()).to.deep.equal(["0,1", "2,3", "4,5", "6"]);
    const slow = new SinkRun(
      sink({ mode: "replace", rolloverInterval: "25s", inactivityInterval: "10s" }),
      "other",
    );
    await slow.start(1);
    for (let id = 0; id < 4; id++) {
      slow.write(0, row(id));
      slow.rest();
      slow.now += 9_000;
      slow.rest();
    }
    await slow.checkpoint();
    expect([...(await visibleOf(folder)).values()].map(idsOf)).to.have.deep.members([[0, 1, 2], [3]]);
  });

  it("counts a part's bytes, not its characters", async () => {
    const run = new SinkRun(sink({ partBytes: 60 }));
    await run.start(1);
    for (let id = 0; id < 2; id++) run.write(0, row(id, "é".repeat(20)));
    await run.checkpoint();
    expect(await visibleOf(folder)).to.have.property("size", 2);
  });

  it("writes a header in every part", async () => {
    const run = new SinkRun(sink({ format: csv() as never }));
    await run.start(1);
    for (let id = 0; id < 2; id++) {
      run.write(0, row(id));
      await run.checkpoint();
    }
    expect([...(await visibleOf(folder)).values()].sort()).to.deep.equal([
      "id,bucket\n0,b\n",
      "id,bucket\n1,b\n",
    ]);
  });

  it("keeps a bounded number of buckets open", async () => {
    const run = new SinkRun(sink({ bucket: ({ bucket }) => bucket }));
    await run.start(1);
    for (let id = 0; id < OPEN_BUCKETS_MAX; id++) run.write(0, row(id, `b${id}`));
    run.write(0, row(1000, "b0"));
    run.write(0, row(1001, "one/more"));
    run.write(0, row(1002, "b1"));
    await run.checkpoint();
    const found = [...(await visibleOf(folder))].map(([name, text]) => [
      name.replace(/part-.*/, ""),
      ...idsOf(text),
    ]);
    expect(found).to.have.lengthOf(OPEN_BUCKETS_MAX + 2);
    expect(found).to.deep.include.members([
      ["b0/", 0, 1000],
      ["b1/", 1],
      ["b1/", 1002],
      ["one/more/", 1001],
    ]);
  });

  for (const bucket of [
    "",
    "..",
    "a/../b",
    "/a",
    "a/",
    ".a",
    "_a",
    "a\\b",
    "a:b",
    "a\0",
    "x".repeat(201),
    7,
  ]) {
    it(`refuses the bucket ${JSON.stringify(bucket).slice(0, 20)}`, async () => {
      const run = new SinkRun(sink({ bucket: () => bucket as string }));
      await run.start(1);
      expect(() => run.write(0, row(1)))
        .to.throw()
        .with.property("code", "SINK_BUCKET_INVALID");
      await run.crash(true);
      expect(await readdir(folder)).to.deep.equal([]);
    });
  }

  it("replaces earlier parts at its first commit and never again, also after restarts of the process", async () => {
    await writeFile(join(folder, "part-0-0.jsonl"), '{"id":-1}\n');
    await writeFile(join(folder, "part-7-0.jsonl"), '{"id":-2}\n');
    const run = new SinkRun(sink({ mode: "replace" }));
    await run.start(1);
    run.write(0, row(1));
    const first = await run.barrier();
    expect(await visibleOf(folder)).to.have.property("size", 2);
    run.complete(first);
    await run.crash(true);
    await run.start(1);
    const ids = async () => [...(await visibleOf(folder)).values()].flatMap(idsOf).sort();
    expect(await ids()).to.deep.equal([1]);
    run.write(0, row(2));
    await run.checkpoint();
    await run.crash(true);
    await run.start(1);
    await run.checkpoint();
    expect(await ids()).to.deep.equal([1, 2]);
    expect(await hiddenOf(folder)).to.deep.equal([]);
  });

  it("refuses parts of an earlier run, in its buckets too, but not its own", async () => {
    const options = { bucket: () => "a/b" };
    const run = new SinkRun(sink(options));
    await run.start(1);
    run.write(0, row(1));
    await run.checkpoint();
    await run.crash(true);
    await run.start(1);
    expect(await codeOf(new SinkRun(sink(options), "another").start(1))).to.equal("SINK_EXISTS");
    await new SinkRun(sink(), "without buckets").start(1);
  });

  it("never writes over a visible file", async () => {
    const run = new SinkRun(sink());
    await run.start(1);
    run.write(0, row(1));
    const checkpoint = await run.barrier();
    await writeFile(join(folder, "part-0-0.jsonl"), "somebody else's");
    expect(await codeOf(run.commit(checkpoint))).to.equal("SINK_EXISTS");
    expect((await visibleOf(folder)).get("part-0-0.jsonl")).to.equal("somebody else's");
  });

  it("says when a part it has to commit is gone, and keeps the others for another try", async () => {
    const run = new SinkRun(sink());
    await run.start(2);
    run.write(0, row(1));
    run.write(1, row(2));
    const checkpoint = await run.barrier();
    const [lost, kept] = await hiddenOf(folder).then((names) => names.sort());
    const text = await readFile(join(folder, lost!));
    await unlink(join(folder, lost!));
    expect(await codeOf(run.commit(checkpoint))).to.equal("SINK_PART_LOST");
    await run.committer!.abort();
    expect(await hiddenOf(folder)).to.deep.equal([kept]);
    await writeFile(join(folder, lost!), text);
    await run.commit(checkpoint);
    expect([...(await visibleOf(folder)).values()].flatMap(idsOf).sort()).to.deep.equal([1, 2]);
  });

  it("is not disturbed by readers that move committed files away", async () => {
    const run = new SinkRun(sink());
    await run.start(1);
    run.write(0, row(1));
    const first = await run.barrier();
    await run.commit(first);
    await unlink(join(folder, "part-0-0.jsonl"));
    run.write(0, row(2));
    const second = await run.barrier();
    expect(second.committables).to.have.lengthOf(2);
    await run.commit(second);
    expect(await visibleOf(folder)).to.have.all.keys("part-0-1.jsonl");
  });

  it("leaves nothing when it is aborted, but what was visible before", async () => {
    await writeFile(join(folder, "part-0-0.jsonl"), '{"id":-1}\n');
    const run = new SinkRun(sink({ mode: "replace", bucket: () => "a" }));
    await run.start(1);
    run.write(0, row(1));
    await run.barrier();
    run.write(0, row(2));
    await run.crash(false);
    expect(await hiddenOf(folder)).to.have.lengthOf(2);
    await run.committer!.abort();
    expect([...(await filesOf(folder)).keys()]).to.deep.equal(["part-0-0.jsonl"]);
  });

  for (const mode of ["fail", "append"] as const) {
    it(`removes what failed writers have left, and nothing of the others (${mode})`, async () => {
      const run = new SinkRun(sink({ mode }));
      await run.start(3);
      for (const subtask of [0, 1, 2]) run.write(subtask, row(subtask));
      await run.checkpoint();
      for (const subtask of [0, 1, 2]) run.write(subtask, row(10 + subtask));
      await run.barrier();
      const hidden = await hiddenOf(folder);
      expect(hidden).to.have.lengthOf(3);
      await run.committer!.cleanUpAfter!({ attempt: 2, subtasks: [0, 1, 2] });
      expect(await hiddenOf(folder)).to.deep.equal(hidden);
      await run.committer!.cleanUpAfter!({ attempt: 1, subtasks: [0, 2] });
      const left = await hiddenOf(folder);
      expect(left).to.have.lengthOf(1);
      expect(left[0]).to.match(mode === "append" ? /^\.part-0badcafe-1-1\./ : /^\.part-1-1\./);
      const visible = [...(await filesOf(folder)).keys()].filter((name) => !name.startsWith("."));
      expect(visible).to.have.lengthOf(3);
      await run.crash(false);
    });
  }

  it("fails when its folder was removed", async () => {
    const run = new SinkRun(sink());
    await run.start(1);
    await rm(folder, { recursive: true });
    run.write(0, row(1));
    expect(await codeOf(run.barrier())).to.equal("SINK_FAILED");
    // The writer says so, and so does whoever asked it to name what it wrote.
    expect(run.failures).to.have.length.greaterThan(0);
    expect(run.failures[0])
      .to.have.property("hint")
      .that.matches(/removed/);
    expect(await codeOf(run.committer!.cleanUp!())).to.equal("SINK_FAILED");
    await run.committer!.abort();
  });

  it("fails when it may not write", async function () {
    if (process.platform === "win32") this.skip();
    await mkdir(join(folder, "in"));
    await chmod(folder, 0o755);
    await chmod(join(folder, "in"), 0o555);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid!(65534);
    try {
      const run = new SinkRun(sink({ path: join(folder, "in") }));
      await run.start(1);
      run.write(0, row(1));
      expect(await codeOf(run.barrier())).to.equal("SINK_DENIED");
      expect(await codeOf(new SinkRun(sink({ path: join(folder, "in/out") })).start(1))).to.equal(
        "SINK_DENIED",
      );
    } finally {
      if (isRoot) process.seteuid!(0);
    }
  });

  it("says that the disk is full", async function () {
    if (process.platform !== "linux") this.skip();
    const full = await open("/dev/full", "w");
    const error: unknown = await full.writeFile("x").catch((thrown: unknown) => thrown);
    await full.close();
    expect(sinkError(error, folder)).to.include({ code: "SINK_DISK_FULL", retryable: true });
  });

  it("refuses options without sense", () => {
    for (const options of [
      { partBytes: 0 },
      { rolloverInterval: "0s" },
      { inactivityInterval: -1 },
    ] as const) {
      expect(() => sink(options))
        .to.throw()
        .with.property("code", "OPTION_INVALID");
    }
  });

  type Event =
    | { readonly kind: "write"; readonly count: number; readonly rests: boolean }
    | {
        readonly kind: "checkpoint";
        readonly end: "confirmed" | "unconfirmed" | "aborted";
        readonly meanwhile: number;
      }
    | {
        readonly kind: "crash";
        readonly at: "any time" | "barrier" | "completion" | "commit" | "committed";
        readonly ofProcess: boolean;
        readonly parallelism: number;
      };

  const events: fc.Arbitrary<Event> = fc.oneof(
    fc.record({
      kind: fc.constant("write" as const),
      count: fc.integer({ min: 1, max: 6 }),
      rests: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("checkpoint" as const),
      end: fc.constantFrom("confirmed" as const, "unconfirmed" as const, "aborted" as const),
      meanwhile: fc.integer({ min: 0, max: 3 }),
    }),
    fc.record({
      kind: fc.constant("crash" as const),
      at: fc.constantFrom(
        "any time" as const,
        "barrier" as const,
        "completion" as const,
        "commit" as const,
        "committed" as const,
      ),
      ofProcess: fc.boolean(),
      parallelism: fc.integer({ min: 1, max: 3 }),
    }),
  );

  /** Plays events and compares what is visible with what complete checkpoints hold. */
  class Play {
    readonly run: SinkRun;
    private readonly path: string;
    private readonly foreign: ReadonlySet<string>;
    private readonly isReplaced: boolean;
    private nextId = 0;
    /** Written since the last checkpoint that is complete; and what complete ones hold. */
    private open: number[] = [];
    private safe: number[] = [];
    private seen = new Map<string, string>();

    constructor(run: SinkRun, path: string, foreign: readonly string[], isReplaced: boolean) {
      this.run = run;
      this.path = path;
      this.foreign = new Set(foreign);
      this.isReplaced = isReplaced;
    }

    async take(event: Event): Promise<void> {
      if (event.kind === "write") this.write(event.count, event.rests);
      else if (event.kind === "checkpoint") await this.checkpoint(event.end, event.meanwhile);
      else await this.crash(event.at, event.ofProcess, event.parallelism);
    }

    async finish(): Promise<void> {
      this.run.finish();
      await this.checkpoint("confirmed", 0);
      expect(await hiddenOf(this.path)).to.deep.equal([]);
      expect(this.run.failures).to.deep.equal([]);
    }

    private write(count: number, rests: boolean): void {
      for (let i = 0; i < count; i++) {
        const id = this.nextId++;
        this.open.push(id);
        this.run.write(id * 7, row(id, `b${id % 3}`));
      }
      this.run.now += 700;
      if (rests) this.run.rest();
    }

    private async checkpoint(end: string, meanwhile: number): Promise<void> {
      const held = [...this.open];
      const checkpoint = await this.run.barrier(() => this.write(meanwhile, true));
      if (end === "aborted") return;
      this.complete(held);
      this.run.complete(checkpoint);
      await this.run.commit(checkpoint);
      await this.compare();
      if (end === "confirmed") this.run.confirm(checkpoint);
    }

    private async crash(at: string, ofProcess: boolean, parallelism: number): Promise<void> {
      if (at !== "any time") {
        const held = [...this.open];
        const checkpoint = await this.run.barrier(() => this.write(2, false));
        if (at !== "barrier") {
          this.complete(held);
          this.run.complete(checkpoint);
        }
        if (at === "commit") await this.run.commit(checkpoint, checkpoint.committables.length >> 1);
        if (at === "committed") await this.run.commit(checkpoint);
      }
      this.open = [];
      await this.run.crash(ofProcess);
      await this.run.start(parallelism);
      await this.compare();
    }

    private complete(held: readonly number[]): void {
      this.safe.push(...held);
      this.open = this.open.filter((id) => !held.includes(id));
    }

    private async compare(): Promise<void> {
      const visible = await visibleOf(this.path);
      const ours = [...visible].filter(([name, text]) => !(this.foreign.has(name) && text.includes("-1")));
      const isFirst = this.run.last === undefined;
      const others = this.isReplaced && !isFirst ? 0 : this.foreign.size;
      expect(visible.size - ours.length).to.equal(others);
      const ids = ours.flatMap(([, text]) => idsOf(text));
      expect(ids.sort((a, b) => a - b)).to.deep.equal(this.safe.sort((a, b) => a - b));
      for (const [name, text] of this.seen) expect(visible.get(name), name).to.equal(text);
      this.seen = new Map(ours);
    }
  }

  for (const mode of ["fail", "replace", "append"] as const) {
    it(`shows exactly what complete checkpoints hold, whatever fails when (${mode})`, async () => {
      let runs = 0;
      const schedule = fc.array(events, { minLength: 3, maxLength: 10 });
      const check = async (script: readonly Event[], hasBuckets: boolean, parallelism: number) => {
        const path = join(folder, `out-${mode}-${++runs}`);
        const foreign = mode === "fail" ? [] : ["part-0-0.jsonl", "part-0-1.jsonl"];
        await mkdir(path);
        for (const name of foreign) await writeFile(join(path, name), '{"id":-1}\n');
        const options = {
          path,
          mode,
          partBytes: 60,
          rolloverInterval: "1s",
          inactivityInterval: "500ms",
        } as const;
        const definition = sink(hasBuckets ? { ...options, bucket: ({ bucket }) => bucket } : options);
        const play = new Play(new SinkRun(definition), path, foreign, mode === "replace");
        await play.run.start(parallelism);
        for (const event of script) await play.take(event);
        await play.finish();
      };
      const property = fc.asyncProperty(schedule, fc.boolean(), fc.integer({ min: 1, max: 3 }), check);
      await fc.assert(property, { numRuns: 40 });
    }).timeout(60_000);
  }
});
