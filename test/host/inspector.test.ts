/** Debugging: a breakpoint in a job's .ts file is hit in the user's own function, with the record in hand. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { importableUrl } from "../../lib/host/bundle.js";
import { InspectorClient } from "./inspector-client.js";

const MAIN = fileURLToPath(new URL("../../lib/cli/main.js", import.meta.url));
const JOB = fileURLToPath(new URL("../../../test/jobs/squares.ts", import.meta.url));
const BODY = "({ n, square:";

interface Place {
  readonly lineNumber: number;
  readonly columnNumber: number;
}

interface Paused {
  readonly hitBreakpoints: readonly string[];
  readonly callFrames: readonly { readonly callFrameId: string; readonly location: Place }[];
}

/** What runs for a job, and what it was made of; as an editor knows it. Lines count from 0. */
class MappedModule {
  readonly url: string;
  private readonly text: string;
  private readonly map: SourceMap;

  private constructor(url: string, text: string) {
    this.url = url;
    this.text = text;
    const encoded = /^\/\/# sourceMappingURL=data:application\/json;base64,(.*)$/m.exec(text)![1]!;
    this.map = new SourceMap(JSON.parse(Buffer.from(encoded, "base64").toString()) as SourceMapPayload);
  }

  static async of(job: string): Promise<MappedModule> {
    const url = await importableUrl(job);
    return new MappedModule(url, await readFile(fileURLToPath(url), "utf8"));
  }

  placeOf(text: string): Place {
    const lines = this.text.split("\n");
    const lineNumber = lines.findIndex((line) => line.includes(text));
    return { lineNumber, columnNumber: lines[lineNumber]!.indexOf(text) };
  }

  original({ lineNumber, columnNumber }: Place): { file: string; line: number } | undefined {
    const entry = this.map.findEntry(lineNumber, columnNumber);
    if (!("originalSource" in entry)) return undefined;
    const folder = dirname(fileURLToPath(this.url));
    return { file: resolve(folder, entry.originalSource), line: entry.originalLine };
  }
}

/** Resolves with the address that the inspector of a new process prints. */
function inspectorAddress(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let text = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      text += chunk;
      const address = /ws:\/\/\S+(?=\s)/.exec(text);
      if (address !== null) found(address[0]);
    });
    child.on("exit", () => failed(new Error(`ended: ${text}`)));
  });
}

describe("a debugger", function () {
  this.timeout(20_000);
  let child: ChildProcess;
  let client: InspectorClient | undefined;

  afterEach(() => {
    client?.close();
    child.kill("SIGKILL");
  });

  it("stops in a function of a .ts job and shows the record", async () => {
    const flags = ["run", JOB, "--inline", "-p", "1", "--param", "count=3"];
    child = spawn(process.execPath, ["--inspect-brk=0", MAIN, ...flags], {
      env: { ...process.env, NODE_OPTIONS: "" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const debug = await InspectorClient.connect(await inspectorAddress(child));
    client = debug;
    await debug.send("Debugger.enable");
    const module = await MappedModule.of(JOB);
    const { breakpointId } = await debug.send("Debugger.setBreakpointByUrl", {
      url: module.url,
      ...module.placeOf(BODY),
    });
    const firstLine = debug.next("Debugger.paused");
    await debug.send("Runtime.runIfWaitingForDebugger");
    await firstLine;

    const lines = (await readFile(JOB, "utf8")).split("\n");
    const line = lines.findIndex((each) => each.includes(BODY));
    const records: unknown[] = [];
    for (let hit = 0; hit < 3; hit++) {
      const stopped = debug.next<Paused>("Debugger.paused", (paused) =>
        paused.hitBreakpoints.includes(breakpointId),
      );
      await debug.send("Debugger.resume");
      const { callFrameId, location } = (await stopped).callFrames[0]!;
      expect(module.original(location)).to.deep.equal({ file: JOB, line });
      const { result } = await debug.send("Debugger.evaluateOnCallFrame", {
        callFrameId,
        expression: "({ n })",
        returnByValue: true,
      });
      records.push(result.value);
    }
    expect(records).to.deep.equal([{ n: 0 }, { n: 1 }, { n: 2 }]);

    const ended = once(child, "exit");
    await debug.send("Debugger.resume");
    debug.close();
    expect(await ended).to.deep.equal([0, null]);
  });
});
