import { createHash } from "node:crypto";
import { expect } from "chai";
import { isMadeBy } from "../../../../lib/connectors/file/s3/upload.js";

const md5 = (bytes: string | Buffer) => createHash("md5").update(bytes);

describe("what an upload has made", () => {
  const parts = ["one", "three"].map((text, i) => ({ number: i + 1, etag: `"${md5(text).digest("hex")}"` }));
  const made = { visible: "part-0-0.jsonl", upload: "u", parts, bytes: 8 };
  const hash = md5(Buffer.concat([md5("one").digest(), md5("three").digest()])).digest("hex");
  const object = { size: 8, etag: `"${hash}-2"`, isHash: true };
  const other = "0".repeat(32);

  it("is known by its size and the hash of its parts", () => {
    expect(isMadeBy(object, made)).to.equal(true);
    expect(isMadeBy({ ...object, size: 9 }, made)).to.equal(false);
    expect(isMadeBy({ ...object, etag: `"${hash}-3"` }, made)).to.equal(false);
    expect(isMadeBy({ ...object, etag: `"${other}-2"` }, made)).to.equal(false);
    expect(isMadeBy({ ...object, etag: `"${other}"` }, made)).to.equal(false);
  });

  it("is known by its size and number of parts where tags are no hashes", () => {
    expect(isMadeBy({ ...object, etag: `"${other}-2"`, isHash: false }, made)).to.equal(true);
    expect(isMadeBy({ ...object, etag: `"${other}-1"`, isHash: false }, made)).to.equal(false);
    const foreign = { ...made, parts: parts.map((part) => ({ ...part, etag: "a-tag" })) };
    expect(isMadeBy(object, foreign)).to.equal(true);
    expect(isMadeBy({ ...object, etag: "a-tag" }, foreign)).to.equal(true);
  });
});
