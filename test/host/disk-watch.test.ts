import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { DiskWatch } from "../../lib/host/disk-watch.js";
import type { MillraceError } from "../../lib/index.js";

describe("the watch of a slot's disk", () => {
  it("tells once when all of its folders together hold too much", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-disk-"));
    const errors: MillraceError[] = [];
    let told!: () => void;
    const first = new Promise<void>((resolve) => {
      told = resolve;
    });
    const folders = ["a", "b", "none"].map((name) => join(folder, name));
    const watch = new DiskWatch({
      slot: 3,
      folders,
      maxMb: 2,
      onExhausted: (error) => {
        errors.push(error);
        told();
      },
    });
    try {
      for (const each of folders.slice(0, 2)) await mkdir(join(each, "below"), { recursive: true });
      await writeFile(join(folders[0]!, "state"), Buffer.alloc(1.5 * 2 ** 20));
      await new Promise((resolve) => setTimeout(resolve, 450));
      expect(errors).to.deep.equal([]);
      await writeFile(join(folders[1]!, "below", "state"), Buffer.alloc(2 ** 20));
      await first;
      await new Promise((resolve) => setTimeout(resolve, 450));
      expect(errors).to.have.lengthOf(1);
      expect(errors[0]!.code).to.equal("SLOT_DISK_EXHAUSTED");
      expect(errors[0]!.message).to.equal("slot 3 holds 3 MiB of state on disk, its limit is 2 MiB");
    } finally {
      watch.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
