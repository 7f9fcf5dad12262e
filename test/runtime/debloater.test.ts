/** Real channels between a sender and a receiver of known speeds, in virtual time. */
import { expect } from "chai";
import { debloatSettings } from "../../lib/exchange/debloat-settings.js";
import type { DebloatSettings } from "../../lib/exchange/debloating.js";
import { createDoorbell, Doorbell } from "../../lib/exchange/doorbell.js";
import { createRing } from "../../lib/exchange/ring.js";
import type { Receiver } from "../../lib/runtime/inputs.js";
import { RingChannel } from "../../lib/runtime/ring-channel.js";
import { RingInput } from "../../lib/runtime/ring-input.js";
import { TaskInputs } from "../../lib/runtime/task-inputs.js";
import { barrier } from "../checkpoint/alignment-script.js";

interface Sender {
  readonly record: (index: number) => unknown;
  /** Records a second. */
  rate: number;
}

interface Pair {
  readonly sender: Sender;
  readonly output: RingChannel;
  readonly input: RingInput;
  owed: number;
  sent: number;
}

const bell = new Doorbell(createDoorbell());

/** A task that takes each record for so many ms, and who sends to it. */
class Load {
  readonly pairs: readonly Pair[];
  readonly inputs: TaskInputs;
  costMs: number;
  now = 0;
  /** Times at which the task had nothing to do. */
  dry = 0;
  private readonly gate = { level: 0 };
  private budget = 0;

  constructor(costMs: number, senders: readonly Sender[], settings: Partial<DebloatSettings> = {}) {
    this.costMs = costMs;
    const debloat = { ...debloatSettings(undefined)!, ...settings };
    const none = () => undefined;
    const receiver: Receiver = {
      entry: () => {
        this.budget -= this.costMs;
        if (this.budget <= 0) this.gate.level = 1;
      },
      onWatermark: none,
      onIdle: none,
      onLatency: none,
      onBarrier: none,
      onAnnouncement: none,
      onEndOfData: none,
      onEnd: none,
      wake: none,
    };
    this.pairs = senders.map((sender, i) => {
      const memory = createRing();
      const options = { where: "sender", bufferTimeoutMs: 100, retained: false };
      return {
        sender,
        output: new RingChannel(memory, bell, { raise: none }, options),
        input: new RingInput(memory, bell, receiver, i, this.gate, { retained: false, debloat }),
        owed: 0,
        sent: 0,
      };
    });
    this.inputs = new TaskInputs(
      this.pairs.map(({ input }) => input),
      debloat,
    );
  }

  /** Gives up what the task is working on. */
  free(): void {
    this.budget = 0;
  }

  run(ms: number, each?: () => boolean): number {
    const begin = this.now;
    while (this.now < begin + ms) {
      this.now++;
      for (const pair of this.pairs) this.send(pair);
      this.take();
      if (each?.() === true) break;
    }
    return this.now - begin;
  }

  limit(i: number): number {
    return this.pairs[i]!.output.creditBytes;
  }

  /** All that is in flight: in the ring, taken out of it ahead of time, and on the sender's side. */
  inFlight(i: number): number {
    const { input, output } = this.pairs[i]!;
    return input.inFlight + output.waitingBytes;
  }

  recordSize(i: number): number {
    const { framedSize, framedRecords } = this.pairs[i]!.input;
    return framedSize / framedRecords;
  }

  /** What a channel that is taken from so often a second should have in flight. */
  ideal(i: number, recordsPerSecond: number, targetMs = 1000): number {
    return (recordsPerSecond * this.recordSize(i) * targetMs) / 1000;
  }

  private send(pair: Pair): void {
    const { sender, output } = pair;
    output.pump();
    pair.owed = sender.rate === Number.POSITIVE_INFINITY ? 100_000 : pair.owed + sender.rate / 1000;
    while (pair.owed >= 1 && !output.held) {
      pair.owed--;
      output.writer.write(sender.record(pair.sent++), 0, 0);
    }
    output.rest(this.now);
  }

  private take(): void {
    this.budget = Math.min(1, this.budget + 1);
    if (this.budget > 0) this.gate.level = 0;
    const before = this.budget;
    const isBlocked = () => this.gate.level !== 0;
    if (!isBlocked()) this.inputs.take(1000, isBlocked);
    const isWaiting = !isBlocked() && this.inputs.isDry;
    if (isWaiting) this.dry++;
    this.inputs.debloater!.turn(this.now, this.now + Math.min(1, before - this.budget), isWaiting);
  }
}

const small = (index: number) => ({ value: index & 127 });
const text = "x".repeat(1000);
const large = (index: number) => ({ value: index & 127, text });
const always = Number.POSITIVE_INFINITY;

describe("the debloating of a task's channels", function () {
  this.timeout(20_000);

  it("lets no more be in flight than is taken within the target, the sender's side included", () => {
    const load = new Load(0.2, [{ record: small, rate: always }], { targetMs: 300 });
    load.run(8000);
    expect(load.limit(0) / load.ideal(0, 5000, 300)).to.be.within(0.9, 1.1);
    let most = 0;
    load.run(1000, () => {
      most = Math.max(most, load.inFlight(0));
      return false;
    });
    expect(most).to.be.at.most(load.ideal(0, 5000, 300) * 1.15);
    expect(most).to.be.at.least(load.ideal(0, 5000, 300) * 0.7);
    expect(load.dry).to.be.at.most(100);
  });

  for (const [from, to] of [
    [0.2, 2],
    [2, 0.2],
  ] as const) {
    it(`follows a receiver that takes ${to} ms for a record instead of ${from} within a second`, () => {
      for (const offset of [0, 30, 60, 90, 120, 150, 180]) {
        const load = new Load(from, [{ record: small, rate: always }]);
        load.run(12_000 + offset);
        expect(load.limit(0) / load.ideal(0, 1000 / from)).to.be.within(0.8, 1.25);
        load.costMs = to;
        const isNear = () => Math.abs(load.limit(0) / load.ideal(0, 1000 / to) - 1) <= 0.25;
        expect(load.run(2000, isNear), `${offset} ms later`).to.be.at.most(1000);
        load.run(3000);
        expect(isNear()).to.equal(true);
      }
    });
  }

  it("does not keep a task short of records for long that has stood still", () => {
    const load = new Load(0.02, [{ record: small, rate: always }]);
    load.run(3000);
    const most = load.pairs[0]!.input.bounds.maxBytes;
    expect(load.limit(0)).to.equal(most);
    load.costMs = 1e9;
    load.run(4000);
    expect(load.limit(0)).to.equal(256);
    load.costMs = 0.02;
    load.free();
    load.run(600);
    expect(load.limit(0)).to.be.below(most);
    load.dry = 0;
    load.run(2000);
    expect(load.dry).to.equal(0);
    expect(load.limit(0)).to.equal(most);
  });

  it("gives records of a byte and of a kilobyte each their own limit", () => {
    const load = new Load(1, [
      { record: small, rate: always },
      { record: large, rate: always },
    ]);
    load.run(20_000);
    expect(load.recordSize(1)).to.be.above(20 * load.recordSize(0));
    for (const i of [0, 1]) {
      const ideal = Math.min(load.ideal(i, 500), load.pairs[i]!.input.bounds.maxBytes);
      expect(load.limit(i) / ideal, `channel ${i}`).to.be.within(0.8, 1.2);
    }
  });

  it("does not shrink the limit of a sender that slows down", () => {
    const sender = { record: small, rate: always };
    const load = new Load(0.2, [sender]);
    load.run(10_000);
    const before = load.limit(0);
    sender.rate = 500;
    load.run(10_000);
    expect(load.limit(0)).to.be.at.least(before * 0.9);
  });

  it("does not starve the channel that has most records", () => {
    const load = new Load(0.2, [
      { record: small, rate: always },
      { record: small, rate: 100 },
      { record: small, rate: 50 },
      { record: small, rate: 0 },
    ]);
    load.run(10_000);
    const { recordsTaken } = load.pairs[0]!.input;
    load.dry = 0;
    load.run(2000);
    expect(load.pairs[0]!.input.recordsTaken - recordsTaken).to.be.at.least(2 * 4850 * 0.98);
    expect(load.dry).to.equal(0);
    expect(load.limit(0) / load.ideal(0, 4850)).to.be.within(0.9, 1.2);
    // The others may have an even share, should they need it.
    expect(load.limit(1) / load.ideal(1, 1250)).to.be.within(0.8, 1.2);
  });

  it("lets records pass that are larger than the limit", () => {
    const huge = (index: number) => ({ value: index, text: "y".repeat(300_000) });
    const load = new Load(100, [{ record: huge, rate: always }], { minBytes: 256, maxBytes: 1024 });
    load.run(3000);
    expect(load.limit(0)).to.equal(1024);
    expect(load.pairs[0]!.input.recordsTaken).to.be.within(29, 31);
  });

  it("sends small batches where the limit is small", () => {
    const load = new Load(100, [{ record: small, rate: always }], { targetMs: 2000 });
    load.run(200_000);
    expect(load.limit(0)).to.be.at.most(1500);
    expect(load.inFlight(0)).to.be.at.most(load.limit(0) + 200);
    expect(load.pairs[0]!.output.writer.pending).to.be.at.most(12);
  });

  it("counts what a checkpoint took out of the ring ahead of time as in flight", () => {
    const load = new Load(0.2, [{ record: small, rate: always }]);
    load.run(10_000);
    const { input, output } = load.pairs[0]!;
    const before = load.inFlight(0);
    let id = 0;
    for (let i = 0; i < 50; i++) {
      if (output.readyToOvertake()) {
        output.overtake(barrier(++id, "unaligned"), () => undefined);
        input.look();
        input.captureToMark(() => undefined);
      }
      load.run(50);
      expect(load.inFlight(0)).to.be.at.most(before * 1.3);
    }
    expect(id).to.be.at.least(25);
    expect(load.dry).to.be.at.most(100);
  });
});
