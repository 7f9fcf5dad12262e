/** The loops that programs are measured against give the oracle's answers. */
import { expect } from "chai";
import { arePossible, type BidderWindow } from "../../../benchmarks/nexmark/answers.js";
import { handLoops } from "../../../benchmarks/nexmark/hand-loops.js";
import { queryNames } from "../../../benchmarks/nexmark/programs.js";
import { allEvents, oracles } from "../../../fixtures/nexmark/oracle.js";
import { tables } from "../../../fixtures/nexmark/tables.js";
import { RowDigest } from "../../../lib/index.js";

const EVENTS = 12_000;
const RATE = 200;

describe("Nexmark loops by hand", () => {
  const all = allEvents(EVENTS, RATE);

  it("are there for every program", () => {
    expect(Object.keys(handLoops)).to.have.members([...queryNames]);
  });

  for (const query of queryNames.filter((each) => each !== "q12")) {
    it(query, () => {
      const decided = tables[query]?.decided ?? ((row: any) => row);
      const [expected, given] = [new RowDigest(), new RowDigest()];
      for (const row of oracles[query]!(all)) expected.add(decided(row));
      handLoops[query]!(EVENTS, RATE, (row) => given.add(decided(row)));
      expect(given.digest).to.deep.equal(expected.digest);
    });
  }

  it("q12 counts every bid in an aligned window", () => {
    const rows: BidderWindow[] = [];
    handLoops.q12!(EVENTS, RATE, (row) => rows.push(row as BidderWindow));
    const bidsOf = new Map<number, number>();
    for (const { bidder } of all.bids) bidsOf.set(bidder, (bidsOf.get(bidder) ?? 0) + 1);
    expect(arePossible(rows, bidsOf)).to.equal(true);
    expect(rows.reduce((sum, { bidCount }) => sum + bidCount, 0)).to.equal(all.bids.length);
  });

  it("a row of q12 that cannot be is found", () => {
    const bidsOf = new Map([[7, 2]]);
    const row = { bidder: 7, bidCount: 2, startTime: 20_000, endTime: 30_000 };
    expect(arePossible([row], bidsOf)).to.equal(true);
    for (const wrong of [
      { ...row, bidCount: 3 },
      { ...row, bidder: 8 },
      { ...row, startTime: 20_001 },
      { ...row, endTime: 30_001 },
    ]) {
      expect(arePossible([wrong], bidsOf)).to.equal(false);
    }
    const half = { ...row, bidCount: 1 };
    expect(arePossible([half, half], bidsOf)).to.equal(false);
  });
});
