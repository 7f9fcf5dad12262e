import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { backendByName } from "../../lib/state/open-backend.js";

describe("state backends by name", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-backend-"));
    await writeFile(join(folder, "mine.mjs"), "export default { name: 'mine', open: () => ({}) };");
    await writeFile(join(folder, "other.mjs"), "export default { name: 'other' };");
    await writeFile(join(folder, "broken.mjs"), "throw new Error('at import');");
  });
  after(() => rm(folder, { recursive: true }));

  it("are ours, or a module of a path or URL", async () => {
    expect((await backendByName("heap")).name).to.equal("heap");
    expect((await backendByName("lmdb")).name).to.equal("lmdb");
    const path = join(folder, "mine.mjs");
    expect((await backendByName(path)).name).to.equal("mine");
    expect((await backendByName(pathToFileURL(path).href)).name).to.equal("mine");
    expect((await backendByName("./mine.mjs", pathToFileURL(`${folder}/`))).name).to.equal("mine");
  });

  it("are refused where there is none", async () => {
    for (const name of ["other", "broken", "absent"]) {
      const error = await backendByName(join(folder, `${name}.mjs`)).catch((reason: unknown) => reason);
      expect(error).to.have.property("code", "STATE_BACKEND_INVALID");
    }
    const error = await backendByName("millrace-no-such-package").catch((reason: unknown) => reason);
    expect(error).to.have.property("code", "STATE_BACKEND_INVALID");
  });
});
