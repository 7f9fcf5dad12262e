/** Channels under random orders of everything that can happen to them. */
import { expect } from "chai";
import fc from "fast-check";
import { createDoorbell, Doorbell } from "../../lib/exchange/doorbell.js";
import { createRing } from "../../lib/exchange/ring.js";
import { LocalChannel } from "../../lib/runtime/local-channel.js";
import { RingChannel } from "../../lib/runtime/ring-channel.js";
import { RingInput } from "../../lib/runtime/ring-input.js";
import { barrier } from "../checkpoint/alignment-script.js";
import { type BarrierKind, ChannelRun, type Step, type TestChannel } from "./channel-run.js";

/** Half of it has to hold a frame of three times FRAME_BYTES. */
const CAPACITY = 256 * 1024;

function ring(run: ChannelRun): TestChannel {
  const memory = createRing(CAPACITY);
  const bell = new Doorbell(createDoorbell());
  const options = { where: "sender", bufferTimeoutMs: 100, retained: false };
  const output = new RingChannel(memory, bell, { raise: () => undefined }, options);
  const input = new RingInput(memory, bell, run, 0, run.gate, { retained: false, debloat: undefined });
  return {
    output,
    input,
    send: (record, timestamp, keyGroup) => {
      if (output.held) output.hold(record, timestamp, keyGroup);
      else output.writer.write(record, timestamp, keyGroup);
    },
    setCredit: (bytes) => input.setLimit(bytes),
  };
}

function local(run: ChannelRun): TestChannel {
  const channel = new LocalChannel(run, 0, { raise: () => undefined });
  return {
    output: channel,
    input: channel,
    send: (record, timestamp, keyGroup) => {
      channel.recordsOut++;
      if (channel.open) run.entry(record, timestamp, keyGroup);
      else channel.push(record, timestamp, keyGroup);
    },
    open: () => {
      if (channel.mayOpen) channel.open = true;
    },
    close: () => {
      channel.open = false;
    },
  };
}

/** Of several shapes and sizes; the largest are cut into fragments. */
function recordOf(id: number, size: number): { readonly id: number; readonly text: string } {
  const text = "x".repeat(size);
  if (id % 11 === 0) return Object.assign({ id, text }, { at: new Date(id) });
  return id % 7 === 0 ? Object.assign({ id, text }, { list: [id, -id] }) : { id, text };
}

const small = fc.record({ send: fc.nat(40) });
const kinds: readonly BarrierKind[] = ["aligned", "timeout", "unaligned", "in band"];
const common: fc.WeightedArbitrary<Step>[] = [
  { weight: 10, arbitrary: small },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "watermark" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: "idle" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: "latency" }) },
  { weight: 6, arbitrary: fc.record({ drain: fc.constantFrom(1, 3, 100) }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "look" }) },
  { weight: 4, arbitrary: fc.record({ barrier: fc.constantFrom(...kinds) }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: "capture" }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: "prioritise" }) },
  { weight: 2, arbitrary: fc.record({ gate: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: "open" }) },
];
const ofRing: fc.WeightedArbitrary<Step>[] = [
  { weight: 4, arbitrary: fc.record({ send: fc.integer({ min: 5_000, max: 120_000 }) }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: "pump" }) },
  { weight: 5, arbitrary: fc.constant<Step>({ do: "rest" }) },
  { weight: 1, arbitrary: fc.record({ credit: fc.integer({ min: 1_000, max: CAPACITY }) }) },
];

function holds(make: (run: ChannelRun) => TestChannel, step: fc.Arbitrary<Step>): void {
  const came = new Set<BarrierKind>();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const run = new ChannelRun(make, recordOf);
      for (const each of steps) run.step(each);
      run.finish();
      for (const kind of run.came) came.add(kind);
    }),
    { numRuns: 150 },
  );
  expect([...came].sort()).to.deep.equal([...kinds].sort());
}

describe("a channel", function () {
  this.timeout(20_000);

  it("between slots keeps the order, loses nothing, and a checkpoint holds what was in flight", () => {
    holds(ring, fc.oneof(...common, ...ofRing));
  });

  it("within a slot keeps the order, loses nothing, and a checkpoint holds what was in flight", () => {
    holds(local, fc.oneof(...common));
  });

  for (const [name, make] of Object.entries({ ring, local })) {
    it(`gives restored records before all others, and keeps them in the next checkpoint (${name})`, () => {
      const run = new ChannelRun(make, recordOf);
      const { input, output } = run.channel;
      const kept: unknown[] = [];
      for (const id of [1, 2, 3]) input.restore({ id }, id * 10, id);
      expect(output.readyToOvertake()).to.equal(true);
      output.overtake(barrier(1, "unaligned"), () => undefined);
      input.look();
      input.captureToMark((record, timestamp, keyGroup) => kept.push([record, timestamp, keyGroup]));
      expect(kept).to.deep.equal([1, 2, 3].map((id) => [{ id }, id * 10, id]));
      expect(input.drain(2, () => false)).to.equal(2);
      expect(input.drain(9, () => false)).to.equal(1);
    });
  }
});
