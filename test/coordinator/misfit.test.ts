/** A run that is resumed with a program that its checkpoint does not fit. */
import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type RunOptions, run } from "millrace";
import { readManifest } from "../../lib/checkpoint/load.js";
import { openBlobStore } from "../../lib/storage/open.js";
import { rejection } from "../storage/rejection.js";
import { untilCheckpoints, visibleRows } from "./visible-rows.js";

const JOB = new URL("../jobs/numbered-files.js", import.meta.url);

describe("a checkpoint that does not fit the program", function () {
  this.timeout(30_000);
  let folder: string;
  let out: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-misfit-"));
    out = join(folder, "out");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (source: string, more: RunOptions = {}) =>
    run(JOB, {
      inline: true,
      parallelism: 2,
      params: { out, mode: "fail", source },
      ...more,
      checkpoint: { interval: 10, dir: join(folder, "state"), retention: "retain" },
    });

  /** What the last checkpoint names is there, but not visible: as if the process had died before it committed. */
  async function hideUncommitted(id: string): Promise<number> {
    const store = openBlobStore({ kind: "filesystem", directory: join(folder, "state") });
    const last = readdirSync(join(folder, "state", id)).find((name) => name.startsWith("chk-"))!;
    const { manifest } = await readManifest(store, `${id}/${last}`);
    const named = manifest.operators
      .flatMap(({ subtasks }) => subtasks)
      .flatMap((each) => each?.committables ?? []) as unknown as {
      committable: { hidden: string; visible: string };
    }[];
    for (const { committable } of named) {
      renameSync(join(out, committable.visible), join(out, committable.hidden));
    }
    return named.length;
  }

  it("leaves everything as it is, for one that does", async () => {
    let id: string;
    {
      await using first = await start("numbers");
      id = first.id;
      await untilCheckpoints(first, 3);
    }
    expect(await hideUncommitted(id)).to.be.greaterThan(0);
    const before = readdirSync(out).sort();
    {
      await using other = await start("others", { resume: id });
      expect((await rejection(other.completed)).code).to.equal("STATE_NOT_RESTORED");
    }
    expect(readdirSync(out).sort()).to.deep.equal(before);
    await using second = await start("numbers", { resume: id });
    await second.completed;
    const rows = visibleRows<{ n: number }>(out).map(({ n }) => n);
    expect(rows.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 60_000 }, (_, n) => n));
  });
});
