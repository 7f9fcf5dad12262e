/** `millrace run`: exit codes, output for people and machines, options, signals. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { jsonError, killStarted, type LaunchOptions, launch, millrace } from "./launch.js";

const compiled = (name: string) => fileURLToPath(new URL(`../jobs/${name}.js`, import.meta.url));
const source = (name: string) => fileURLToPath(new URL(`../../../test/jobs/${name}.ts`, import.meta.url));

const SQUARES = compiled("squares");
const FAILING = compiled("fail-in-map");
const ROWS = [0, 1, 4, 9, 16].map((square, n) => JSON.stringify({ n, square }));
const linesOf = (text: string) => text.trimEnd().split("\n").sort();

describe("millrace run", function () {
  this.timeout(20_000);
  let folder: string;
  let out: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-run-"));
    out = join(folder, "out");
  });

  afterEach(async () => {
    killStarted();
    await rm(folder, { recursive: true, force: true });
  });

  const failing = (how: string) => [FAILING, "-p", "2", "--param", `how=${how}`, `out=${out}`];

  describe("a job that ends well", () => {
    it("prints its rows to stdout, all else to stderr, and exits 0", async () => {
      const { code, stdout, stderr } = await millrace([SQUARES, "--parallelism", "2"]);
      expect(code).to.equal(0);
      expect(linesOf(stdout)).to.deep.equal(ROWS);
      expect(stderr).to.match(/^squares: finished, 5 records in [\d.]+ s, \d+\/s\n$/);
    });

    it("prints no progress with --quiet", async () => {
      const { code, stderr } = await millrace([SQUARES, "-p", "1", "--quiet"]);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    });

    it("prints its metrics as JSON with --json", async () => {
      const { code, stdout, stderr } = await millrace([SQUARES, "-p", "2", "--json"]);
      expect(code).to.equal(0);
      expect(stderr).to.equal("");
      const last = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
      expect(last).to.include({ schemaVersion: 1, job: "squares", state: "finished", records: 5 });
      expect(last.subtasks).to.have.length(2);
      expect(last.subtasks[1]).to.include({ vertex: "numbers -> square -> squares", subtask: 1 });
      const records = last.subtasks.map((each: { recordsIn: number }) => each.recordsIn);
      expect(records[0] + records[1]).to.equal(5);
    });

    it("prints what its functions have counted with --json", async () => {
      const { code, stdout } = await millrace([compiled("function-examples"), "-p", "2", "--json"]);
      expect(code).to.equal(0);
      const last = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
      expect(last.accumulators).to.deep.equal({
        "bad lines": 1,
        "long words": 1,
        "bytes of words": "32",
        "lengths of words": { 1: 2, 30: 1 },
      });
      const user = last.subtasks.flatMap((each: { user?: object }) => each.user ?? []);
      expect(user).to.deep.include({ "map.unknown cities": 1 });
    });

    it("runs a .ts job without a build step", async () => {
      const { code, stdout } = await millrace([source("squares"), "-p", "2"]);
      expect(code).to.equal(0);
      expect(linesOf(stdout)).to.deep.equal(ROWS);
    });

    it("runs a .ts job of a folder that knows nothing of millrace", async () => {
      const lonely = join(folder, "lonely.ts");
      await writeFile(lonely, await readFile(source("squares"), "utf8"));
      const { code, stdout } = await millrace(["lonely.ts", "-p", "2"], { cwd: folder });
      expect(code).to.equal(0);
      expect(linesOf(stdout)).to.deep.equal(ROWS);
    });

    it("runs on the main thread with --inline", async () => {
      const { code, stdout } = await millrace([source("squares"), "-p", "2", "--inline"]);
      expect(code).to.equal(0);
      expect(linesOf(stdout)).to.deep.equal(ROWS);
    });

    it("gives the job its parameters", async () => {
      const { stdout } = await millrace([SQUARES, "-p", "1", "--param", "times=10", "count=3"]);
      expect(linesOf(stdout)).to.deep.equal(
        [0, 10, 40].map((square, n) => JSON.stringify({ n, square })).sort(),
      );
    });
  });

  describe("--config", () => {
    const withConfig = async (config: unknown, ...flags: string[]) => {
      const path = join(folder, "config.json");
      await writeFile(path, typeof config === "string" ? config : JSON.stringify(config));
      return millrace([SQUARES, "--json", "--config", path, ...flags]);
    };
    const subtasks = (stdout: string) => JSON.parse(stdout.trimEnd().split("\n").at(-1)!).subtasks.length;

    it("gives options and parameters; flags win", async () => {
      const config = { parallelism: 3, params: { times: 2, count: 3 } };
      const plain = await withConfig(config);
      expect(subtasks(plain.stdout)).to.equal(3);
      expect(plain.stdout).to.include('{"n":2,"square":8}');
      const flagged = await withConfig(config, "-p", "1", "--param", "times=5");
      expect(subtasks(flagged.stdout)).to.equal(1);
      expect(flagged.stdout).to.include('{"n":2,"square":20}').and.not.include('"n":3');
    });

    it("decides the hang timeout where no flag does", async () => {
      const path = join(folder, "config.json");
      await writeFile(path, JSON.stringify({ hangTimeout: "300ms" }));
      const ended = await millrace([...failing("hang"), "--json", "--config", path]);
      expect(jsonError(ended).code).to.equal("SLOT_HUNG");
    });

    for (const [what, config, message] of [
      ["an unknown key", { paralelism: 2 }, "paralelism"],
      ["text that is not JSON", "{", "config.json"],
      ["an array", [], "object"],
      ["null", null, "object"],
      ["a duration that is none", { hangTimeout: "soon" }, "hangTimeout"],
      ["a preset that is none", { preset: "fast" }, "preset"],
      ["a heap that is no number", { slotHeapMb: "1g" }, "slotHeapMb"],
    ] as const) {
      it(`refuses ${what}`, async () => {
        const ended = await withConfig(config);
        expect(jsonError(ended)).to.have.property("code", "OPTION_INVALID");
        expect(jsonError(ended).message).to.include(message);
        expect(ended.code).to.equal(2);
      });
    }
  });

  describe("wrong usage exits 2", () => {
    for (const [what, flags, code, message] of [
      ["an unknown flag", ["--paralelism", "2"], "OPTION_INVALID", "Did you mean --parallelism?"],
      ["parallelism 0", ["--parallelism", "0"], "PARALLELISM_INVALID", "parallelism is 0"],
      ["a fraction of a subtask", ["-p", "1.5"], "PARALLELISM_INVALID", "parallelism is 1.5"],
      ["a word for a number", ["-p", "many"], "PARALLELISM_INVALID", "parallelism"],
      [
        "too few key groups",
        ["-p", "4", "--max-parallelism", "2"],
        "PARALLELISM_INVALID",
        "maxParallelism 2",
      ],
      ["a parameter without a value", ["--param", "x"], "OPTION_INVALID", "key=value"],
      ["a heap that is no number", ["--slot-heap", "big"], "OPTION_INVALID", "slotHeapMb"],
      ["a duration that is none", ["--hang-timeout", "soon"], "OPTION_INVALID", "hangTimeout"],
      ["a target that is none", ["--debloat", "soon"], "OPTION_INVALID", "debloat.target"],
      ["a configuration that is not there", ["--config", "nowhere.json"], "OPTION_INVALID", "nowhere.json"],
      ["an unknown preset", ["--preset", "fast"], "OPTION_INVALID", "preset"],
    ] as const) {
      it(what, async () => {
        const ended = await millrace([SQUARES, ...flags, "--json"]);
        expect(ended.code).to.equal(2);
        const error = jsonError(ended);
        expect(error.code).to.equal(code);
        expect(error.message).to.include(message);
        expect(error.hint).to.not.equal("");
        expect(ended.stdout).to.equal("");
      });
    }

    for (const [flag, message] of [
      [["--paralelism", "2"], "error: unknown option '--paralelism'\n(Did you mean --parallelism?)"],
      [["--parallelism", "0"], "error PARALLELISM_INVALID: parallelism is 0\n  hint: "],
    ] as const) {
      it(`${flag.join(" ")}, for people`, async () => {
        const { code, stdout, stderr } = await millrace([SQUARES, ...flag]);
        expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
        expect(stderr).to.include(message);
      });
    }
  });

  describe("a job that fails", () => {
    it("exits 1 and says where", async () => {
      const { code, stderr } = await millrace(failing("throw"));
      expect(code).to.equal(1);
      const lines = (await readFile(source("fail-in-map"), "utf8")).split("\n");
      const line = lines.findIndex((each) => each.includes("// thrown here")) + 1;
      expect(stderr).to.include("error USER_FUNCTION_FAILED: order 20000 is out of stock\n");
      expect(stderr).to.include("  in     step, subtask 0\n");
      expect(stderr).to.include(`  at     ${source("fail-in-map")}:${line}:`);
      expect(stderr).to.match(/ {2}record \{.*20000/);
      expect(stderr).to.match(/ {2}from {3}split .*, position 20000\n/);
      expect(stderr).to.include("  hint: ");
      expect(stderr).to.not.include("RangeError");
      expect(await readdir(out)).to.deep.equal([]);
    });

    it("shows the stack with --verbose", async () => {
      const { stderr } = await millrace([...failing("throw"), "--verbose"]);
      expect(stderr).to.include("RangeError: order 20000 is out of stock\n    at ");
    });

    it("names the .ts line with --inline", async () => {
      const ended = await millrace([
        source("fail-in-map"),
        ...failing("throw").slice(1),
        "--inline",
        "--json",
      ]);
      expect(jsonError(ended).at).to.include(`${source("fail-in-map")}:`);
    });

    it("prints its error as JSON with --json", async () => {
      const ended = await millrace([...failing("throw"), "--json"]);
      expect(ended.code).to.equal(1);
      expect(ended.stdout).to.equal("");
      expect(jsonError(ended)).to.include({
        code: "USER_FUNCTION_FAILED",
        operator: "step",
        subtask: 0,
        job: "fail-in-map",
      });
    });
  });

  it("reports an abort of the whole process, which no code in it can", async () => {
    // What V8 does to a process when one of its heaps is exhausted at a bad moment.
    const aborting = join(folder, "aborting.mjs");
    await writeFile(aborting, "process.abort();\n");
    const ended = await millrace([aborting, "--json"]);
    expect(ended.code).to.equal(1);
    expect(ended.stderr).to.include('"code":"SLOT_HEAP_EXHAUSTED"');
  });

  describe("colour", () => {
    const errorText = async (options: LaunchOptions) => (await millrace(["nowhere.ts"], options)).stderr;

    it("is off where the output is no terminal, and with NO_COLOR", async () => {
      expect(await errorText({})).to.not.include("\u001b");
      expect(await errorText({ env: { NO_COLOR: "1" } })).to.not.include("\u001b");
      expect((await millrace([SQUARES])).stderr).to.not.include("\u001b");
    });

    it("is on with FORCE_COLOR", async () => {
      expect(await errorText({ env: { FORCE_COLOR: "1" } })).to.include("\u001b[31merror");
    });
  });

  describe("--explain", () => {
    it("prints the plan as a tree", async () => {
      const { code, stdout, stderr } = await millrace([SQUARES, "-p", "2", "--explain"]);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
      expect(stdout).to.match(/^job squares\n├─ \[0\] parallelism 2\n/);
      expect(stdout).to.include("└ square (map) uid=square");
      expect((await millrace([SQUARES, "-p", "2", "--explain", "tree"])).stdout).to.equal(stdout);
    });

    it("prints the plan as a mermaid diagram", async () => {
      const { stdout } = await millrace([SQUARES, "-p", "2", "--explain", "mermaid"]);
      expect(stdout).to.equal('flowchart LR\n  v0["numbers -> square -> squares<br/>x2"]\n');
    });

    it("prints the plan as JSON", async () => {
      const { stdout } = await millrace([SQUARES, "-p", "2", "--explain", "json"]);
      expect(JSON.parse(stdout)).to.include({ job: "squares" });
    });
  });

  describe("a signal", () => {
    /** Until the sink of an endless job has begun a part. */
    const partBegun = async () => {
      for (let tries = 0; tries < 1000; tries++) {
        if ((await readdir(out).catch(() => [])).some((name) => name.startsWith("."))) return;
        await sleep(10);
      }
      throw new Error("the sink began no part");
    };

    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      for (const flags of [[], ["--no-supervise"], ["--inline"]]) {
        it(`${signal} exits ${code} and leaves no output ${flags.join(" ")}`, async () => {
          const { child, ended } = launch([...failing("nothing"), ...flags]);
          await partBegun();
          child.kill(signal);
          const end = await ended;
          expect(end.code).to.equal(code);
          expect(end.stderr).to.include("stopping: unfinished output is thrown away");
          expect(await readdir(out)).to.deep.equal([]);
        });
      }
    }

    it("that kills the supervising process ends the working one", async () => {
      const { child, ended } = launch(failing("nothing"));
      await partBegun();
      child.kill("SIGKILL");
      await ended;
      expect(await readdir(out)).to.deep.equal([]);
    });
  });
});
