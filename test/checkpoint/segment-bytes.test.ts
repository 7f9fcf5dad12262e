import { expect } from "chai";
import fc from "fast-check";
import { segmentBytes } from "../../lib/checkpoint/segment-bytes.js";
import type { Segment } from "../../lib/checkpoint/snapshot.js";
import { SnapshotBlob } from "../../lib/runtime/snapshot-blob.js";
import { MemoryBlobStore } from "../../lib/storage/memory.js";
import { rejection } from "../storage/rejection.js";

const BLOB = "job/chk-1/0-0";

const segments = fc.array(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 }), { minLength: 1 });

async function stored(all: readonly (readonly Uint8Array[])[]) {
  const store = new MemoryBlobStore();
  const blob = new SnapshotBlob(BLOB);
  const made: Segment[] = [];
  for (const chunks of all) blob.add(chunks, "full", 1, (segment) => made.push(segment));
  await blob.store(store, 0);
  return { store, made };
}

describe("checkpoint: the bytes of segments", () => {
  it("are those that were written", async () => {
    await fc.assert(
      fc.asyncProperty(segments, async (all) => {
        const { store, made } = await stored(all);
        for (const [i, segment] of made.entries()) {
          const bytes = await segmentBytes(segment, store);
          expect(Buffer.from(bytes).equals(Buffer.concat(all[i]!))).to.equal(true);
        }
      }),
    );
  });

  it("are refused when any bit of them has changed, and the others are not", async () => {
    await fc.assert(
      fc.asyncProperty(segments, fc.nat(), fc.nat(7), async (all, place, bit) => {
        const { store, made } = await stored(all);
        const total = made.reduce((sum, { bytes }) => sum + bytes, 0);
        fc.pre(total > 0);
        const bytes = Buffer.from(await store.get(BLOB));
        const at = place % total;
        bytes[at] = bytes[at]! ^ (1 << bit);
        await store.put(BLOB, [bytes]);
        let begin = 0;
        for (const segment of made) {
          const isHit = at >= begin && at < begin + segment.bytes;
          begin += segment.bytes;
          if (!isHit) await segmentBytes(segment, store);
          else {
            const error = await rejection(segmentBytes(segment, store));
            expect(error).to.have.property("code", "CHECKPOINT_DAMAGED");
          }
        }
      }),
    );
  });
});
