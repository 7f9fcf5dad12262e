/** Files that come while they are being read. */
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { SeenFiles } from "../../../lib/connectors/file/seen-files.js";
import { fileSource, type MonitorOptions, text } from "../../../lib/index.js";
import { codeOf } from "../../../lib/testing/contracts/contract-case.js";
import { SourceRun } from "../../../lib/testing/contracts/source-run.js";

describe("files that were seen", () => {
  const file = (path: string, modified: number) => ({ path, size: 1, modified });
  const options = { quietMs: 0, forgetMs: Number.POSITIVE_INFINITY };

  it("are new once, whatever comes, goes and is restored", () => {
    const name = fc.constantFrom("a", "b", "c", "d");
    const step = fc.record({
      what: fc.constantFrom("add", "add", "remove", "look", "look", "restore"),
      name,
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let seen = new SeenFiles(options);
        const there = new Map<string, number>();
        // Since when a file is there, and for which times it was new.
        const found: string[] = [];
        const expected: string[] = [];
        let now = 0;
        for (const { what, name } of steps) {
          now++;
          if (what === "add" && !there.has(name)) there.set(name, now);
          else if (what === "remove") there.delete(name);
          else if (what === "restore")
            seen = new SeenFiles(options, JSON.parse(JSON.stringify(seen.snapshot())));
          else if (what === "look") {
            const files = [...there].map(([path, modified]) => file(path, modified));
            const fresh = seen.newOnes(files, now);
            // What was not remembered is new again.
            expect(seen.newOnes(files, now)).to.deep.equal(fresh);
            seen.remember(files, fresh);
            found.push(...fresh.map(({ path, modified }) => `${path} ${modified}`));
            expected.push(...[...there].map(([path, modified]) => `${path} ${modified}`));
            expect(seen.snapshot().seen).to.have.members([...there.keys()]);
          }
        }
        const gone = (each: string) => expected.indexOf(each);
        expect(new Set(found).size).to.equal(found.length);
        // A file that went and came between two looks is the same one.
        const paths = (list: readonly string[]) => new Set(list.map((each) => each.split(" ")[0]));
        expect(paths(found)).to.deep.equal(paths(expected));
        expect(found.every((each) => gone(each) >= 0)).to.equal(true);
      }),
    );
  });

  it("come in the order in which they were written, when nobody writes to them any more", () => {
    const seen = new SeenFiles({ ...options, quietMs: 10 });
    const files = [file("b", 5), file("c", 3), file("a", 5), file("d", 8)];
    expect(seen.newOnes(files, 15).map(({ path }) => path)).to.deep.equal(["c", "a", "b"]);
    seen.remember(files, seen.newOnes(files, 15));
    expect(seen.newOnes(files, 17)).to.deep.equal([]);
    expect(seen.newOnes(files, 18).map(({ path }) => path)).to.deep.equal(["d"]);
    expect(seen.snapshot()).to.deep.equal({ seen: ["b", "c", "a"], newest: 5 });
  });

  it("are forgotten when they are old, and then are not read again", () => {
    const seen = new SeenFiles({ ...options, forgetMs: 100 });
    const files = [file("old", 10), file("new", 200)];
    expect(seen.newOnes(files, 200)).to.have.length(2);
    seen.remember(files, files);
    expect(seen.snapshot()).to.deep.equal({ seen: ["new"], newest: 200 });
    const more = [...files, file("older", 50), file("late", 100)];
    expect(seen.newOnes(more, 200).map(({ path }) => path)).to.deep.equal(["late"]);
  });
});

describe("a monitored folder", function () {
  this.timeout(20_000);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-monitored-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const LINES = 5;
  const linesOf = (name: string) => Array.from({ length: LINES }, (_, i) => `${name} ${i}`);
  const sorted = (names: readonly string[]) => names.flatMap(linesOf).sort();

  /** Whole at once, as writers should. */
  async function put(name: string): Promise<void> {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    const hidden = join(folder, ".coming");
    await writeFile(hidden, `${linesOf(name).join("\n")}\n`);
    await rename(hidden, path);
  }

  const watching = (monitor: MonitorOptions = {}) =>
    fileSource({ path: folder, format: text(), monitor: { interval: 5, quiet: 0, ...monitor } });

  /** Reads until so many records have come in all. */
  async function readTo(run: SourceRun, count: number): Promise<void> {
    while (run.sequence.length < count) await run.read((subtask) => (subtask === 0 ? 1 : 2));
  }

  it("gives what is there, and what comes later, each once and at any parallelism", async () => {
    expect(watching().boundedness).to.equal("unbounded");
    await put("a");
    await put("deep/er/b");
    const first = await SourceRun.start(watching(), 1);
    await readTo(first, 2 * LINES);
    await put("c");
    await readTo(first, 3 * LINES - 2);
    const second = await SourceRun.start(watching(), 3, await first.cut());
    await readTo(second, 2);
    await put("d");
    await put("deep/e");
    await readTo(second, 2 + 2 * LINES - 3);
    const third = await SourceRun.start(watching(), 2, await second.cut());
    await put("f");
    // Several readers may have given more than was asked for.
    await readTo(third, 6 * LINES - first.sequence.length - second.sequence.length);
    const all = [first, second, third].flatMap(({ sequence }) => sequence as string[]);
    expect(all.sort()).to.deep.equal(sorted(["a", "deep/er/b", "c", "d", "deep/e", "f"]));
    const { enumerator } = await third.cut();
    const paths = ["a", "c", "d", "deep/e", "deep/er/b", "f"].map((name) => join(folder, name));
    expect(enumerator).to.deep.include({ remaining: [], seen: paths });
  });

  it("gives the splits of a failed reader to others", async () => {
    await put("a");
    const run = await SourceRun.start(watching(), 2);
    await readTo(run, 2);
    await run.fail(0);
    await run.fail(1);
    await put("b");
    const read = () => [...run.records.values()].flat() as string[];
    while (read().length < 2 * LINES) await run.read(() => 1);
    expect(read().sort()).to.deep.equal(sorted(["a", "b"]));
    await run.close();
  });

  it("may be empty at first, and hide what is being written", async () => {
    const run = await SourceRun.start(watching({ quiet: "1h" }), 1);
    await put("a");
    await put("b");
    const hourAgo = Date.now() / 1000 - 3601;
    await utimes(join(folder, "b"), hourAgo, hourAgo);
    await readTo(run, LINES);
    expect(run.sequence).to.deep.equal(linesOf("b"));
    expect(run.total).to.equal(undefined);
    await run.close();
  });

  it("cannot be made of one that is read once, nor the other way round", async () => {
    await put("a");
    const once = () => fileSource({ path: folder, format: text() });
    for (const [earlier, later] of [
      [once, watching],
      [watching, once],
    ] as const) {
      const run = await SourceRun.start(earlier(), 1);
      await run.read(() => 2);
      const cut = await run.cut();
      expect(await codeOf(() => SourceRun.start(later(), 1, cut))).to.equal("SPLIT_CHANGED");
      await SourceRun.start(earlier(), 1, cut).then((going) => going.close());
    }
  });

  it("is refused where there is none, and its loss fails the job", async () => {
    const none = fileSource({ path: join(folder, "none"), format: text(), monitor: {} });
    expect(await codeOf(() => SourceRun.start(none, 1))).to.equal("FILE_NOT_FOUND");
    const run = await SourceRun.start(watching(), 1);
    await rm(folder, { recursive: true });
    expect(await codeOf(() => run.read())).to.equal("FILE_NOT_FOUND");
    await run.close();
    for (const monitor of [{ interval: 0 }, { quiet: "-1s" }, { forget: -1 }] as const) {
      expect(() => fileSource({ path: folder, format: text(), monitor }))
        .to.throw("fileSource: monitor.")
        .with.property("code", "OPTION_INVALID");
    }
  });
});
