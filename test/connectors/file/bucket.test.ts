import { expect } from "chai";
import { bucketByTime } from "../../../lib/connectors/file/bucket.js";

describe("buckets by time", () => {
  const at = Date.UTC(2024, 1, 29, 7, 5, 9, 30);

  it("are written in UTC as the pattern says", () => {
    const names = (pattern: string) => bucketByTime(pattern)(undefined, at);
    expect(names("yyyy-MM-dd--HH")).to.equal("2024-02-29--07");
    expect(names("'day='yyyy-MM-dd/HH")).to.equal("day=2024-02-29/07");
    expect(names("yyyyMMdd'T'HHmmss'Z'")).to.equal("20240229T070509Z");
    expect(names("yyyy")).to.equal("2024");
  });

  it("take the time from the record, as a number or a Date", () => {
    expect(bucketByTime<{ at: Date }>("HH", (row) => row.at)({ at: new Date(at) }, 0)).to.equal("07");
    expect(bucketByTime<{ at: number }>("HH", (row) => row.at)({ at }, Number.NaN)).to.equal("07");
  });

  it("change exactly where the name does, forwards, backwards and before 1970", () => {
    const bucket = bucketByTime("yyyy-MM-dd--HH-mm");
    const expected = (time: number) =>
      new Date(time).toISOString().slice(0, 16).replace("T", "--").replace(":", "-");
    const edge = Date.UTC(1969, 11, 31, 23, 59);
    for (const from of [0, at, edge, Date.UTC(2024, 2, 1)]) {
      for (const step of [-60_001, -60_000, -1, 0, 1, 59_999, 60_000]) {
        expect(bucket(undefined, from + step)).to.equal(expected(from + step));
      }
    }
  });

  it("refuse other letters, no unit and no time", () => {
    for (const pattern of ["YYYY", "yyyy-MM-ddTHH", "'open", "", "--"]) {
      expect(() => bucketByTime(pattern), pattern)
        .to.throw()
        .with.property("code", "OPTION_INVALID");
    }
    const bucket = bucketByTime("yyyy");
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY, 1e20]) {
      expect(() => bucket(undefined, time))
        .to.throw()
        .with.property("code", "SINK_BUCKET_INVALID");
    }
  });
});
