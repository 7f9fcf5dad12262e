import { createHash } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { MillraceError } from "../../lib/base/error.js";
import { decodeManifest, encodeManifest } from "../../lib/checkpoint/manifest-file.js";
import type { Manifest, Segment } from "../../lib/checkpoint/snapshot.js";
import { carriedJson } from "../codec/carried-json.js";
import { byteOf, manifestOf, segment } from "./manifests.js";

const place = fc.oneof(
  fc.record({ blob: fc.string({ minLength: 1 }), offset: fc.nat(), crc: fc.nat() }),
  fc.record({ inline: fc.uint8Array({ maxLength: 40 }) }),
);
const anySegment: fc.Arbitrary<Segment> = fc.record({
  place,
  bytes: fc.nat(),
  kind: fc.constantFrom("full", "delta"),
  entries: fc.nat(),
});
const json = carriedJson(2);
const plain = fc.dictionary(
  fc.string().filter((name) => name !== "__proto__"),
  json,
) as fc.Arbitrary<Record<string, unknown>>;
const snapshot = fc.record({
  uid: fc.string(),
  parts: fc.array(
    fc.record({
      name: fc.string(),
      scope: fc.constantFrom("keyed" as const, "split" as const, "union" as const, "broadcast" as const),
      schema: fc.record({ kind: fc.string() }),
      chain: fc.array(anySegment, { maxLength: 3 }),
    }),
    { maxLength: 2 },
  ),
  splits: fc.array(plain, { maxLength: 2 }),
  committables: fc.array(fc.record({ checkpoint: fc.nat(), committable: plain }), { maxLength: 2 }),
});
const anyManifest: fc.Arbitrary<Manifest> = fc.record({
  job: fc.string(),
  jobId: fc.string(),
  checkpoint: fc.nat(),
  purpose: fc.constantFrom("checkpoint", "savepoint", "stop", "terminate"),
  timestamp: fc.nat(),
  operators: fc.array(
    fc.record({
      uid: fc.string(),
      name: fc.string(),
      parallelism: fc.nat(),
      maxParallelism: fc.nat(),
      subtasks: fc.array(fc.option(snapshot, { nil: undefined }), { maxLength: 3 }),
      finished: fc.array(fc.boolean(), { maxLength: 3 }),
      enumerator: json,
    }),
    { maxLength: 3 },
  ),
  edges: fc.array(
    fc.record({
      from: fc.string(),
      to: fc.string(),
      partitioner: fc.string(),
      channels: fc.array(
        fc.record({
          edge: fc.nat(),
          from: fc.nat(),
          to: fc.nat(),
          side: fc.constantFrom("receiver" as const, "sender" as const),
          segment: anySegment,
        }),
        { maxLength: 2 },
      ),
    }),
    { maxLength: 2 },
  ),
});

const sample = encodeManifest({
  manifest: manifestOf("job", 7, [
    segment({ inline: Uint8Array.of(1, 2, 3) }, 3),
    byteOf("job/chk-7/1/0-0"),
    segment({ inline: Uint8Array.of() }, 0),
    segment({ inline: Uint8Array.of(255) }, 1),
  ]),
  epoch: 3,
});

function refusal(file: Uint8Array): MillraceError {
  try {
    decodeManifest(file, "state/chk-7/manifest");
  } catch (error) {
    if (MillraceError.is(error)) return error;
    throw error;
  }
  return expect.fail("the file was taken");
}

/** The checksum made to match again: a file as another program would write it. */
function resealed(file: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = file.slice();
  change(new DataView(copy.buffer));
  const hash = createHash("sha256").update(copy.subarray(0, -32)).digest();
  copy.set(hash, copy.length - 32);
  return copy;
}

describe("manifest file", () => {
  it("gives back every manifest", () => {
    fc.assert(
      fc.property(anyManifest, fc.nat(), (manifest, epoch) => {
        const file = encodeManifest({ manifest, epoch });
        // as the filesystem gives it: a view into a larger buffer
        const padded = new Uint8Array(file.length + 9);
        padded.set(file, 5);
        const view = padded.subarray(5, 5 + file.length);
        expect(decodeManifest(view, "m")).to.deep.equal({ manifest, epoch });
      }),
      { numRuns: 200 },
    );
  });

  it("gives inline bytes that are its own", () => {
    const file = sample.slice();
    const { manifest } = decodeManifest(file, "m");
    file.fill(0);
    expect(manifest.operators[0]!.subtasks[0]!.parts[0]!.chain[0]!.place).to.deep.equal({
      inline: Uint8Array.of(1, 2, 3),
    });
  });

  it("refuses every truncation", () => {
    for (let length = 0; length < sample.length; length++) {
      const error = refusal(sample.subarray(0, length));
      expect(error.code, `${length} bytes`).to.equal("CHECKPOINT_TORN");
      expect(error.message).to.include("state/chk-7/manifest");
    }
  });

  it("refuses every flipped byte", () => {
    for (let at = 0; at < sample.length; at++) {
      const file = sample.slice();
      file[at]! ^= 1 + (at % 255);
      const allowed = at < 8 ? ["CHECKPOINT_FOREIGN"] : ["CHECKPOINT_DAMAGED", "CHECKPOINT_TORN"];
      expect(refusal(file).code, `byte ${at}`).to.be.oneOf(allowed);
    }
  });

  it("refuses random damage of any manifest", () => {
    fc.assert(
      fc.property(anyManifest, fc.nat(), fc.integer({ min: 1, max: 255 }), (manifest, at, change) => {
        const file = encodeManifest({ manifest, epoch: 1 });
        file[at % file.length]! ^= change;
        refusal(file);
        refusal(file.subarray(0, at % file.length));
      }),
    );
  });

  it("refuses bytes behind the end", () => {
    const longer = new Uint8Array(sample.length + 1);
    longer.set(sample);
    expect(refusal(longer).code).to.equal("CHECKPOINT_DAMAGED");
  });

  it("tells foreign files and other versions apart from damage", () => {
    expect(refusal(new TextEncoder().encode('{"some":"json"}')).code).to.equal("CHECKPOINT_FOREIGN");
    const newer = refusal(resealed(sample, (view) => view.setUint32(8, 2, true)));
    expect(newer.code).to.equal("CHECKPOINT_VERSION");
    expect(newer.message).to.include("format 2");
    expect(newer.hint).to.include("version of Millrace");
    expect(refusal(resealed(sample, (view) => view.setUint32(8, 0, true))).code).to.equal(
      "CHECKPOINT_VERSION",
    );
  });

  for (const [name, value] of Object.entries({
    date: new Date(0),
    map: new Map(),
    nan: Number.NaN,
    infinite: [1, Number.POSITIVE_INFINITY],
    bigint: 1n,
    function: () => 1,
    bytes: { deep: Uint8Array.of(1) },
  }))
    it(`refuses ${name} in what a connector gives`, () => {
      const manifest = manifestOf("job", 1, []);
      const operators = [{ ...manifest.operators[0]!, enumerator: { inner: value } }];
      try {
        encodeManifest({ manifest: { ...manifest, operators }, epoch: 1 });
      } catch (error) {
        expect(error).to.include({ code: "CHECKPOINT_NOT_JSON" });
        expect((error as Error).message).to.match(/^operators\.0\.enumerator\.inner/);
        return;
      }
      expect.fail("it was taken");
    });
});
