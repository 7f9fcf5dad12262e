import { expect } from "chai";
import { BASE_TIME, NexmarkGenerator } from "../../../lib/connectors/nexmark/generator.js";
import type { NexmarkEvent } from "../../../lib/connectors/nexmark/records.js";

/** Folds events as the Java twin of the generator does. */
function streamHash(count: number): number {
  const generator = new NexmarkGenerator(10_000);
  let hash = 0;
  const fold = (value: number | string) => {
    if (typeof value === "number") {
      hash = (Math.imul(hash, 31) + value) | 0;
      return;
    }
    fold(value.length);
    for (let i = 0; i < value.length; i++) fold(value.charCodeAt(i));
  };
  for (let id = 0; id < count; id++) fieldsOf(generator.event(id)).forEach(fold);
  return hash;
}

function fieldsOf(event: NexmarkEvent): (number | string)[] {
  const common = [event.dateTime - BASE_TIME, event.extra];
  if (event.kind === "person") {
    return [
      0,
      event.id,
      event.name,
      event.emailAddress,
      event.creditCard,
      event.city,
      event.state,
      ...common,
    ];
  }
  if (event.kind === "bid") {
    return [2, event.auction, event.bidder, event.price, event.channel, event.url, ...common];
  }
  const { id, itemName, description, initialBid, reserve, expires, dateTime, seller, category } = event;
  return [1, id, itemName, description, initialBid, reserve, expires - dateTime, seller, category, ...common];
}

describe("nexmark generator", () => {
  const generator = new NexmarkGenerator(10_000);

  it("makes the known events", () => {
    expect(generator.event(0)).to.include({
      id: 1000,
      name: "Paul Spencer",
      creditCard: "2718 6464 1865 4689",
      state: "OR",
    });
    expect(generator.event(1)).to.include({
      id: 1000,
      itemName: "avb",
      category: 13,
      initialBid: 104_946,
      reserve: 11_713_786,
    });
    expect(generator.event(1)).to.include({ seller: 1000, expires: BASE_TIME + 44 });
    expect(generator.event(4)).to.include({ auction: 1000, bidder: 1002, price: 158, channel: "Facebook" });
    expect(generator.event(1_234_567)).to.include({
      auction: 75_008,
      bidder: 25_601,
      channel: "channel-6337",
      dateTime: 1_700_006_473_456,
    });
  });

  it("folds to the hashes of the Java implementation", () => {
    expect(streamHash(1_000)).to.equal(-988_759_305);
    expect(streamHash(100_000)).to.equal(1_402_604_440);
  });
});
