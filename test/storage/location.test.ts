import { join, resolve } from "node:path";
import { expect } from "chai";
import { MillraceError } from "../../lib/base/error.js";
import type { StoreLocation } from "../../lib/storage/contract.js";
import { absolutePlace, bucketIn, locationOf, placeIn, placeOf } from "../../lib/storage/location.js";
import { s3ServerOf } from "../../lib/storage/s3/server.js";

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (MillraceError.is(error)) return error.code;
    throw error;
  }
  return "nothing was thrown";
};

describe("where checkpoints lie", () => {
  it("is a folder, or a prefix of a bucket", () => {
    expect(locationOf("state")).to.deep.equal({ kind: "filesystem", directory: resolve("state") });
    expect(bucketIn("s3://bucket/a/b")).to.deep.equal({ bucket: "bucket", path: "a/b" });
    expect(bucketIn("s3://bucket")).to.deep.equal({ bucket: "bucket", path: "" });
    expect(locationOf("s3://bucket/a/b/")).to.deep.include({ kind: "s3", bucket: "bucket", prefix: "a/b" });
    for (const wrong of [
      "s3://",
      "s3:///a",
      "s3://b/a/../c",
      "s3://bucket//a//b",
      "s3://b*/a",
      "gs://bucket/a",
    ])
      expect(
        codeOf(() => locationOf(wrong)),
        wrong,
      ).to.equal("OPTION_INVALID");
  });

  it("is shown as its user would name it", () => {
    const server = { pathStyle: true };
    const s3 = (prefix: string): StoreLocation => ({ kind: "s3", bucket: "bucket", prefix, server });
    expect(placeOf(s3("a/b"), "c/d")).to.equal("s3://bucket/a/b/c/d");
    expect(placeOf(s3(""))).to.equal("s3://bucket");
    expect(placeOf({ kind: "filesystem", directory: "/a" }, "b")).to.equal(join("/a", "b"));
    expect(placeOf({ kind: "memory" }, "b")).to.equal("b");
    expect(placeIn("s3://bucket/a/", "b")).to.equal("s3://bucket/a/b");
    expect(placeIn("a", "b")).to.equal(join("a", "b"));
    expect(absolutePlace("s3://bucket/a")).to.equal("s3://bucket/a");
    expect(absolutePlace("a")).to.equal(resolve("a"));
  });
});

describe("how an S3 server is reached", () => {
  it("is said by the environment", () => {
    expect(s3ServerOf({})).to.deep.equal({ pathStyle: false });
    expect(s3ServerOf({ AWS_DEFAULT_REGION: "eu-west-1", AWS_REGION: "" })).to.deep.equal({
      region: "eu-west-1",
      pathStyle: false,
    });
    const endpoint = "http://127.0.0.1:9000";
    const local = { endpoint, region: "us-east-1", pathStyle: true };
    expect(s3ServerOf({ MILLRACE_S3_ENDPOINT: endpoint, AWS_ENDPOINT_URL: "http://other" })).to.deep.equal(
      local,
    );
    expect(s3ServerOf({ AWS_ENDPOINT_URL_S3: endpoint, MILLRACE_S3_PATH_STYLE: "0" })).to.deep.equal({
      ...local,
      pathStyle: false,
    });
  });

  it("is refused where it cannot be", () => {
    expect(codeOf(() => s3ServerOf({ MILLRACE_S3_ENDPOINT: "nowhere" }))).to.equal("OPTION_INVALID");
    expect(codeOf(() => s3ServerOf({ MILLRACE_S3_PATH_STYLE: "yes" }))).to.equal("OPTION_INVALID");
  });
});
