/** Job modules that cannot run: what the launcher says about each. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { jsonError, killStarted, millrace } from "./launch.js";

const job = (build: string, before = "") => `
import { blackholeSink, datagenSource, defineJob } from "millrace";
${before}
export default defineJob("refused", (env) => {
  const numbers = env.source("numbers", datagenSource({ count: 10, record: (i) => i }));
  ${build}
});
`;

const START = 'import { run } from "millrace";';

/** What, the module's text (none: no file), its name, the error, the exit code and a part of the message. */
type Refusal = readonly [string, string | undefined, string, string, number, RegExp];

const refusals: readonly Refusal[] = [
  ["a file that is not there", undefined, "job.ts", "JOB_NOT_FOUND", 2, /no job module at .*job\.ts$/],
  ["a file of another kind", "name: job", "job.yaml", "JOB_NOT_FOUND", 2, /not a \.ts, \.js or \.mjs module/],
  ["a module without a default export", "export const n = 1;", "job.ts", "JOB_INVALID", 2, /defineJob/],
  ["a default export of another kind", "export default {};", "job.mjs", "JOB_INVALID", 2, /defineJob/],
  [
    "a module that throws while it is imported",
    'throw new Error("no such host");',
    "job.ts",
    "JOB_INVALID",
    2,
    /no such host/,
  ],
  [
    "a syntax error",
    "export const a = 1;\nexport const b = ;\n",
    "job.ts",
    "JOB_BUILD_FAILED",
    2,
    /job\.ts:2:17: .*Unexpected ";"/,
  ],
  [
    "an import that is not there",
    'import { a } from "./nowhere.js";\nexport default a;\n',
    "job.ts",
    "JOB_BUILD_FAILED",
    2,
    /job\.ts:1:18: .*nowhere\.js/,
  ],
  [
    "a module that starts itself and waits",
    job('numbers.sink("out", blackholeSink());', `${START}\nawait run(new URL(import.meta.url));`),
    "job.ts",
    "JOB_STARTS_ITSELF",
    1,
    /imported/,
  ],
  [
    "a module that starts itself and goes on",
    job('numbers.sink("out", blackholeSink());', `${START}\nvoid run(new URL(import.meta.url));`),
    "job.ts",
    "JOB_STARTS_ITSELF",
    1,
    /imported/,
  ],
  [
    "a graph made of random numbers",
    job('numbers.map((n) => n, "m" + Math.random()).sink("out", blackholeSink());'),
    "job.ts",
    "JOB_NOT_DETERMINISTIC",
    1,
    /slot \d built another graph/,
  ],
  [
    "a graph that differs between threads",
    job(
      '(isMainThread ? numbers : numbers.filter((n) => n > 1)).sink("out", blackholeSink());',
      'import { isMainThread } from "node:worker_threads";',
    ),
    "job.ts",
    "JOB_NOT_DETERMINISTIC",
    1,
    /slot \d built another graph/,
  ],
  [
    "a function that differs between threads",
    job(
      'numbers.map(isMainThread ? (n) => n : (n) => -n).sink("out", blackholeSink());',
      'import { isMainThread } from "node:worker_threads";',
    ),
    "job.ts",
    "JOB_NOT_DETERMINISTIC",
    1,
    /slot \d built another graph/,
  ],
  [
    "an async function",
    job('numbers.map(async (n) => n, "fetch").sink("out", blackholeSink());'),
    "job.ts",
    "USER_FUNCTION_ASYNC",
    1,
    /"fetch"/,
  ],
  [
    "key groups below the parallelism",
    job('numbers.map((n) => n, "few").setMaxParallelism(1).sink("out", blackholeSink());'),
    "job.ts",
    "PARALLELISM_INVALID",
    2,
    /"few" has parallelism 2 above its maxParallelism 1/,
  ],
  [
    "a stream that leads nowhere",
    job('numbers.map((n) => n, "lost"); numbers.sink("out", blackholeSink());'),
    "job.ts",
    "GRAPH_INVALID",
    1,
    /nothing reads "lost"/,
  ],
  [
    "two operators of one uid",
    job('numbers.map((n) => n).uid("a").map((n) => n).uid("a").sink("out", blackholeSink());'),
    "job.ts",
    "GRAPH_INVALID",
    1,
    /two operators have the uid "a"/,
  ],
  [
    "forward between different parallelisms",
    job('numbers.forward().map((n) => n, "single").setParallelism(1).sink("out", blackholeSink());'),
    "job.ts",
    "GRAPH_INVALID",
    1,
    /forward from "numbers" \(parallelism 2\) to "single" \(1\)/,
  ],
  [
    "a job of nothing",
    'import { defineJob } from "millrace";\nexport default defineJob("empty", () => {});\n',
    "job.ts",
    "GRAPH_INVALID",
    1,
    /"empty" has no operators/,
  ],
];

describe("millrace run refuses", function () {
  this.timeout(20_000);
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-refused-"));
  });

  afterEach(async () => {
    killStarted();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [what, text, name, code, exitCode, message] of refusals) {
    it(what, async () => {
      const path = join(folder, name);
      if (text !== undefined) await writeFile(path, text);
      const ended = await millrace([path, "--no-supervise", "-p", "2", "--json"]);
      const error = jsonError(ended);
      expect(error.code).to.equal(code);
      expect(error.message).to.match(message);
      expect(error.hint).to.not.equal("");
      expect(ended.stdout).to.equal("");
      expect(ended.code).to.equal(exitCode);
    });
  }

  it("an edited job by what it says now", async () => {
    const path = join(folder, "job.ts");
    await writeFile(path, job('numbers.sink("out", blackholeSink());'));
    expect((await millrace([path, "--no-supervise", "-p", "1", "--quiet"])).code).to.equal(0);
    await writeFile(path, job('numbers.map((n) => n, "lost in an edit");'));
    const ended = await millrace([path, "--no-supervise", "-p", "1", "--json"]);
    expect(jsonError(ended).message).to.include("lost in an edit");
  });
});
