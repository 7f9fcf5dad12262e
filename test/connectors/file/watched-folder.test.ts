/** Jobs that read files as they come, and fail. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type RunOptions, run } from "millrace";
import { gather, until } from "../../coordinator/visible-rows.js";
import type { WatchedFolderParams } from "../../jobs/watched-folder.js";

const JOB = new URL("../../jobs/watched-folder.js", import.meta.url);
const LINES = 40;

describe("a job that reads files as they come", function () {
  this.timeout(30_000);
  let folder: string;
  let crash: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-watched-"));
    crash = join(folder, "crash");
    for (const name of ["inbox/deep", "history"]) mkdirSync(join(folder, name), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const linesOf = (name: string) => Array.from({ length: LINES }, (_, i) => `${name} ${i}`);
  const put = (name: string) => {
    writeFileSync(join(folder, "coming"), `${linesOf(name).join("\n")}\n`);
    renameSync(join(folder, "coming"), join(folder, name));
    return name;
  };
  const start = (params: Partial<WatchedFolderParams>, options: RunOptions) =>
    run(JOB, {
      parallelism: 2,
      checkpoint: { interval: 15 },
      restart: { strategy: "fixed-delay", attempts: 1, delay: 1 },
      ...options,
      params: { inbox: join(folder, "inbox"), crash, ...params },
    });

  const ways: Record<string, [WatchedFolderParams["how"], RunOptions]> = {
    "a function throws": ["throw", { inline: true }],
    "a thread dies": ["exit", {}],
  };
  for (const [name, [how, options]] of Object.entries(ways)) {
    it(`gives every line once when ${name}, and when it is stopped and goes on`, async () => {
      const files = ["inbox/a", "inbox/deep/b", "inbox/c"].map(put);
      const rows: string[] = [];
      let from: string | undefined;
      for (const part of [0, 1]) {
        const restored = from === undefined ? {} : { from, parallelism: 1 };
        await using job = await start(how === undefined ? {} : { how }, { ...options, ...restored });
        const out = gather<string>(job, "out");
        const have = () => rows.length + out.rows.length;
        await until(job, "the files that were there", () => have() === files.length * LINES);
        writeFileSync(crash, "");
        files.push(put(`inbox/deep/${part}`), put(`inbox/${part}`));
        await until(job, "the files that came", () => have() === files.length * LINES);
        expect(job.restarts).to.equal(1);
        from = await job.stop({ directory: join(folder, "savepoints") });
        await job.completed;
        await out.end;
        rows.push(...out.rows);
        if (part === 0) files.push(put("inbox/between"));
      }
      expect(rows.sort()).to.deep.equal(files.flatMap(linesOf).sort());
    });
  }

  it("may have a history of files before them", async () => {
    const files = ["history/a", "history/b", "inbox/c"].map(put);
    await using job = await start({ history: join(folder, "history") }, { inline: true });
    const out = gather<string>(job, "out");
    await until(job, "history", () => out.rows.length === files.length * LINES);
    const places = files.map((name) => out.rows.findIndex((row) => row.startsWith(name)));
    expect(places[2]).to.equal(2 * LINES);
    writeFileSync(crash, "");
    files.push(put("inbox/d"));
    // The history is over: what comes to it is not read.
    put("history/late");
    await until(job, "what came", () => out.rows.length === files.length * LINES);
    expect(job.restarts).to.equal(1);
    await job.stop({ directory: join(folder, "savepoints") });
    await job.completed;
    await out.end;
    expect(out.rows.sort()).to.deep.equal(files.flatMap(linesOf).sort());
  });
});
