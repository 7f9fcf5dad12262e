import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { fromData, MillraceError, toData } from "../../lib/base/error.js";
import { catalogue } from "../../lib/base/error-catalogue.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

function sourcesUnder(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("error-catalogue"))
    .map((name) => readFileSync(join(ROOT, folder, name), "utf8"))
    .join("\n");
}

describe("error catalogue", () => {
  const library = sourcesUnder("lib");
  const tests = sourcesUnder("test");

  for (const [code, { hint }] of Object.entries(catalogue)) {
    it(`${code} has a hint, is thrown and is tested`, () => {
      expect(hint).to.match(/^[A-Za-z'`].*[.]$/s);
      if (code === "INTERNAL") return;
      expect(library).to.include(`"${code}"`);
      expect(tests).to.include(`"${code}"`);
    });
  }

  it("errors cross threads as data with everything they know", () => {
    const cause = new TypeError("of this");
    const error = new MillraceError("SINK_FAILED", "because", {
      cause,
      job: "j",
      operator: "o",
      subtask: 3,
      at: "a.ts:1:2",
    });
    const back = fromData(structuredClone(toData(error)));
    expect(MillraceError.is(back)).to.equal(true);
    expect(back).to.include({
      code: "SINK_FAILED",
      message: "because",
      hint: catalogue.SINK_FAILED.hint,
      retryable: true,
    });
    expect(back.place).to.deep.include({ job: "j", operator: "o", subtask: 3, at: "a.ts:1:2" });
    expect((back.cause as Error).message).to.equal("of this");
    expect(toData(new Error("plain")).code).to.equal("INTERNAL");
  });
});
