/**
 * The barrier handler under random interleavings, driven by a small model of a task: channels of records,
 * barriers and ends; a snapshot is the set of records processed, a capture the records copied meanwhile.
 * What both hold together must be exactly what lies before the barrier in every channel.
 */
import { expect } from "chai";
import fc from "fast-check";
import { Alignment, type AlignmentAction } from "../../lib/checkpoint/alignment.js";
import type { Barrier } from "../../lib/checkpoint/barrier.js";
import { barrier } from "./alignment-script.js";

type Item = { readonly record: string } | { readonly barrier: Barrier };

interface Channel {
  readonly items: Item[];
  /** Ids whose barrier the channel holds, with the records before it. */
  readonly before: Map<number, readonly string[]>;
  readonly all: readonly string[];
  announced: number;
  blocked: boolean;
  capturing: boolean;
  ended: boolean;
  /** Records that a barrier just put in front has overtaken. */
  overtaken: readonly string[];
}

interface Taken {
  readonly processed: ReadonlySet<string>;
  readonly kept: string[];
  readonly unaligned: boolean;
  complete: boolean;
  aborted: boolean;
}

class ModelTask {
  readonly alignment: Alignment;
  readonly channels: Channel[];
  readonly taken = new Map<number, Taken>();
  readonly aborted = new Set<number>();
  readonly blockedAtAll: number[] = [];
  private readonly processed = new Set<string>();
  private current = 0;
  private timer: number | undefined;
  now = 0;

  constructor(channels: Channel[]) {
    this.channels = channels;
    this.alignment = new Alignment(channels.length);
  }

  /** Reads the channel's next item; false when there is nothing to read. */
  read(index: number): boolean {
    const channel = this.channels[index]!;
    if (channel.ended || channel.blocked) return false;
    const item = channel.items.shift();
    if (item === undefined) {
      channel.ended = true;
      this.carryOut(this.alignment.onEnd(index, this.now));
    } else if ("barrier" in item) {
      this.carryOut(this.alignment.onBarrier(index, item.barrier, this.now));
    } else {
      this.processed.add(item.record);
      if (channel.capturing) this.taken.get(this.current)!.kept.push(item.record);
    }
    return true;
  }

  announce(index: number): void {
    const channel = this.channels[index]!;
    const next = channel.items.find((item) => "barrier" in item && item.barrier.id > channel.announced);
    if (next === undefined || !("barrier" in next)) return;
    if (next.barrier.alignedTimeoutMs === 0) return;
    channel.announced = next.barrier.id;
    this.carryOut(this.alignment.onAnnouncement(index, next.barrier, this.now));
  }

  /** The barrier comes before the records it was sent behind. */
  overtake(index: number, id?: number): void {
    const channel = this.channels[index]!;
    if (channel.ended || channel.blocked) return;
    const place = channel.items.findIndex(
      (item) => "barrier" in item && (id ?? item.barrier.id) === item.barrier.id,
    );
    if (place < 0) return;
    const [found] = channel.items.splice(place, 1) as [{ barrier: Barrier }];
    channel.overtaken = channel.items
      .slice(0, place)
      .flatMap((item) => ("record" in item ? [item.record] : []));
    this.carryOut(this.alignment.onBarrier(index, { ...found.barrier, alignment: "unaligned" }, this.now));
    channel.overtaken = [];
  }

  pass(ms: number): void {
    this.now += ms;
    if (this.timer !== undefined && this.now >= this.timer) {
      this.timer = undefined;
      this.carryOut(this.alignment.onTimeout(this.now));
    }
  }

  cancel(id: number): void {
    this.carryOut(this.alignment.onCancel(id));
  }

  private carryOut(actions: readonly AlignmentAction[]): void {
    const called: number[] = [];
    for (const action of actions) {
      switch (action.do) {
        case "prioritise":
          called.push(action.channel);
          break;
        case "capture":
          for (const index of action.channels) this.channels[index]!.capturing = true;
          break;
        default:
          this.act(action);
      }
    }
    const id = this.alignment.latest;
    for (const index of called) this.overtake(index, id);
  }

  private act(action: Exclude<AlignmentAction, { do: "prioritise" | "capture" }>): void {
    switch (action.do) {
      case "block":
        expect(this.channels[action.channel]!.blocked).to.equal(false);
        this.channels[action.channel]!.blocked = true;
        this.blockedAtAll.push(action.channel);
        return;
      case "unblock":
        expect(this.channels[action.channel]!.blocked).to.equal(true);
        this.channels[action.channel]!.blocked = false;
        return;
      case "snapshot": {
        const { id } = action.barrier;
        expect(this.taken.has(id), `two snapshots of ${id}`).to.equal(false);
        const { unaligned } = action;
        this.current = id;
        this.taken.set(id, {
          processed: new Set(this.processed),
          kept: [],
          unaligned,
          complete: false,
          aborted: false,
        });
        return;
      }
      case "stopCapture": {
        const channel = this.channels[action.channel]!;
        expect(channel.capturing).to.equal(true);
        channel.capturing = false;
        this.taken.get(this.current)!.kept.push(...channel.overtaken);
        return;
      }
      case "aligned":
        this.taken.get(action.barrier.id)!.complete = true;
        return;
      case "abort":
        expect(this.aborted.has(action.id), `two aborts of ${action.id}`).to.equal(false);
        this.aborted.add(action.id);
        if (this.taken.has(action.id)) {
          this.taken.get(action.id)!.aborted = true;
          for (const channel of this.channels) channel.capturing = false;
        }
        return;
      case "timer":
        expect(this.timer).to.equal(undefined);
        this.timer = action.at;
        return;
      case "cancelTimer":
        this.timer = undefined;
    }
  }
}

/** Per channel: how many records lie before each barrier, which barriers are missing, what follows. */
const channelShape = fc.record({
  runs: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 }),
  missing: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 4, nil: undefined }),
  /** The channel ends behind this many barriers. */
  barriers: fc.constantFrom(3, 3, 3, 2, 0),
});

const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("read"), n: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("announce"), n: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass"), n: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("overtake"), n: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel"), n: fc.integer({ min: 1, max: 4 }) }) },
);

function build(
  shapes: readonly { runs: readonly number[]; missing: number | undefined; barriers: number }[],
  of: (id: number) => Barrier,
): Channel[] {
  return shapes.map((shape, index) => {
    const items: Item[] = [];
    const all: string[] = [];
    const before = new Map<number, readonly string[]>();
    for (let id = 1; id <= shape.barriers + 1; id++) {
      for (let i = 0; i < shape.runs[id - 1]!; i++) {
        const record = `${index}/${all.length}`;
        all.push(record);
        items.push({ record });
      }
      if (id > shape.barriers || id === shape.missing) continue;
      before.set(id, [...all]);
      items.push({ barrier: of(id) });
    }
    const state = { announced: 0, blocked: false, capturing: false, ended: false, overtaken: [] };
    return { items, before, all, ...state };
  });
}

function drain(task: ModelTask): void {
  for (let progress = true; progress; ) {
    progress = false;
    task.channels.forEach((_, i) => {
      if (task.read(i)) progress = true;
    });
  }
}

/** Runs the steps, then reads on until every channel is empty or blocked for good. */
function play(
  task: ModelTask,
  steps: readonly { kind: string; n: number }[],
  may: ReadonlySet<string>,
): void {
  for (const { kind, n } of steps) {
    if (!may.has(kind)) continue;
    const index = n % task.channels.length;
    if (kind === "read") task.read(index);
    else if (kind === "announce" && !task.channels[index]!.ended) task.announce(index);
    else if (kind === "overtake") task.overtake(index);
    else if (kind === "pass") task.pass(n);
    else if (kind === "cancel") task.cancel(n);
  }
  drain(task);
}

function checkSnapshots(task: ModelTask): void {
  for (const [id, { processed, kept, complete }] of task.taken) {
    if (!complete) continue;
    const expected = task.channels.flatMap(({ before, all }) => before.get(id) ?? all);
    expect(new Set(kept).size, "captured twice").to.equal(kept.length);
    for (const record of kept) expect(processed.has(record), `${record} in both`).to.equal(false);
    expect([...processed, ...kept].sort(), `checkpoint ${id}`).to.deep.equal([...expected].sort());
  }
}

/** The latest checkpoint whose barrier no open channel lacks, and that nobody cancelled. */
function mustComplete(task: ModelTask): number | undefined {
  return [3, 2, 1].find((id) => task.channels.some(({ before }) => before.has(id)));
}

describe("alignment under random interleavings", () => {
  const shapes = fc.array(channelShape, { minLength: 1, maxLength: 4 });
  const steps = fc.array(step, { maxLength: 60 });

  const modes: [string, (id: number) => Barrier, string][] = [
    ["aligned", (id) => barrier(id, "aligned"), "read cancel"],
    ["unaligned", (id) => barrier(id, "unaligned"), "read cancel overtake"],
    [
      "aligned with timeout",
      (id) => barrier(id, "aligned", 50, id * 20),
      "read cancel announce pass overtake",
    ],
  ];
  for (const [name, of, may] of modes) {
    it(`${name}: every complete checkpoint is an exact cut, and nothing stays blocked`, () => {
      fc.assert(
        fc.property(shapes, steps, (given, taken) => {
          const task = new ModelTask(build(given, of));
          play(task, taken, new Set(may.split(" ")));
          checkSnapshots(task);
          for (const { blocked, capturing, ended } of task.channels) {
            expect({ blocked, capturing, ended }).to.deep.equal({
              blocked: false,
              capturing: false,
              ended: true,
            });
          }
          if (name === "unaligned") expect(task.blockedAtAll).to.deep.equal([]);
          for (const { unaligned } of task.taken.values())
            if (name === "aligned") expect(unaligned).to.equal(false);
        }),
        { numRuns: 400 },
      );
    });

    it(`${name}: the last checkpoint completes unless it is cancelled`, () => {
      fc.assert(
        fc.property(shapes, steps, (given, taken) => {
          const task = new ModelTask(build(given, of));
          play(task, taken, new Set(may.replace(" cancel", "").split(" ")));
          const id = mustComplete(task);
          if (id === undefined) return;
          expect(task.taken.get(id)).to.include({ complete: true, aborted: false });
        }),
        { numRuns: 200 },
      );
    });
  }

  it("at least once: every record before the barrier is in the snapshot", () => {
    fc.assert(
      fc.property(shapes, steps, (given, taken) => {
        const task = new ModelTask(build(given, (id) => barrier(id, "at-least-once")));
        play(task, taken, new Set(["read", "cancel"]));
        expect(task.blockedAtAll).to.deep.equal([]);
        for (const [id, { processed, complete, kept }] of task.taken) {
          expect([complete, kept]).to.deep.equal([true, []]);
          for (const { before, all } of task.channels) {
            for (const record of before.get(id) ?? all) expect(processed.has(record)).to.equal(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
