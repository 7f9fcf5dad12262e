import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { expect } from "chai";
import { OpenFile, readWhole } from "../../lib/base/open-file.js";

const MODULE = new URL("../../lib/base/open-file.js", import.meta.url).href;

describe("base: files of threads that may be ended", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-files-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("read what was written, whole and in parts", async () => {
    const path = join(folder, "file");
    const chunks = Array.from({ length: 3000 }, (_, index) => Buffer.from(`${index}\n`));
    const written = new OpenFile(path, "wx");
    await written.write(chunks);
    await written.sync();
    await written.syncData();
    written.close();
    const whole = Buffer.concat(chunks);
    expect(Buffer.compare(await readWhole(path), whole)).to.equal(0);
    const opened = new OpenFile(path);
    const part = Buffer.alloc(10);
    expect(await opened.read(part, 2, 6, 1000)).to.equal(6);
    expect(part.subarray(2, 8).equals(whole.subarray(1000, 1006))).to.equal(true);
    expect(await opened.read(part, 0, 10, whole.length - 3)).to.equal(3);
    opened.close();
  });

  it("say what the system says", () => {
    writeFileSync(join(folder, "taken"), "");
    expect(() => new OpenFile(join(folder, "taken"), "wx")).to.throw("EEXIST");
    expect(() => new OpenFile(join(folder, "nothing"))).to.throw("ENOENT");
  });

  it("are closed with a thread that is ended while it opens, syncs and closes", async function () {
    if (process.platform !== "linux") this.skip();
    this.timeout(20_000);
    const descriptors = () => readdirSync("/proc/self/fd").length;
    const before = descriptors();
    // It begins when its module is loaded: Node itself forgets a file of a module that is being loaded.
    const program = `import(${JSON.stringify(MODULE)}).then(async ({ OpenFile }) => {
      require("node:worker_threads").parentPort.postMessage("begun");
      for (;;) {
        const folder = new OpenFile(${JSON.stringify(folder)});
        await folder.sync();
        folder.close();
      }
    }).catch(() => undefined);`;
    for (let count = 0; count < 40; count++) {
      const thread = new Worker(program, { eval: true });
      await new Promise((resolve) => thread.once("message", resolve));
      await sleep(20 + (count % 10));
      await thread.terminate();
    }
    await sleep(100);
    expect(descriptors() - before).to.be.at.most(2);
  });
});
