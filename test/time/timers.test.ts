import { expect } from "chai";
import fc from "fast-check";
import { MillraceError } from "../../lib/base/error.js";
import { seededRandom } from "../../lib/base/random.js";
import type { EntrySink, FrozenPart } from "../../lib/state/contract.js";
import { canonicalKey, keyGroupOf } from "../../lib/state/key.js";
import { TimerQueue } from "../../lib/time/timer-queue.js";
import { Timers } from "../../lib/time/timers.js";

const GROUPS = 128;
const KEYS: readonly unknown[] = [1, 2, "a", "1", { a: 1 }, undefined];

interface Entry {
  readonly value: any;
  readonly stamp: number;
  readonly keyGroup: number;
}

function use(timers: Timers, key: unknown): void {
  const canonical = canonicalKey(key);
  timers.use(key, canonical, keyGroupOf(canonical, GROUPS));
}

function gather(): { entries: Entry[]; sink: EntrySink } {
  const entries: Entry[] = [];
  return {
    entries,
    sink: { entry: (value, stamp, keyGroup) => entries.push({ value, stamp, keyGroup }) },
  };
}

const finish = (part: FrozenPart) => {
  while (!part.pack(() => true));
};

function restored(...chain: readonly (readonly Entry[])[]): Timers {
  const made = new Timers();
  for (const { value, stamp, keyGroup } of chain.flat()) {
    made.load(structuredClone(value), stamp, keyGroup);
  }
  return made;
}

/** All that would fire, in order; empties it. */
function drain(timers: Timers): string[] {
  const fired: string[] = [];
  while (timers.nextEvent() <= Number.POSITIVE_INFINITY) {
    fired.push(`e ${timers.takeEvent()} ${String(canonicalKey(timers.key))}`);
  }
  while (timers.nextProcessing() <= Number.POSITIVE_INFINITY) {
    fired.push(`p ${timers.takeProcessing()} ${String(canonicalKey(timers.key))}`);
  }
  return fired;
}

/** The same as a sorted list. */
class Model {
  list: { domain: string; time: number; key: string; order: number }[] = [];
  private order = 0;

  register(domain: string, time: number, key: unknown): void {
    const text = String(canonicalKey(key));
    if (this.list.some((each) => each.domain === domain && each.time === time && each.key === text)) return;
    this.list.push({ domain, time, key: text, order: this.order++ });
    this.list.sort((a, b) => a.domain.localeCompare(b.domain) || a.time - b.time || a.order - b.order);
  }

  delete(domain: string, time: number, key: unknown): void {
    const text = String(canonicalKey(key));
    this.list = this.list.filter(
      (each) => !(each.domain === domain && each.time === time && each.key === text),
    );
  }

  take(domain: string, until: number): string[] {
    const due = this.list.filter((each) => each.domain === domain && each.time <= until);
    this.list = this.list.filter((each) => !due.includes(each));
    return due.map(show);
  }
}

const show = ({ domain, time, key }: { domain: string; time: number; key: string }) =>
  `${domain} ${time} ${key}`;

/** Few, so that the same timer comes and goes often. */
const key = fc.constantFrom(1, "a", { a: 1 });
const time = fc.constantFrom(-5, 0, 0.5, 7, Number.POSITIVE_INFINITY);
const domain = fc.constantFrom("e", "p");
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("register" as const), key, time, domain }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), key, time, domain }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fire" as const), time, domain }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("freeze" as const),
      kind: fc.constantFrom("full" as const, "delta" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pack" as const) }) },
);

describe("timers", () => {
  it("do what a sorted list does, and every checkpoint holds what was there when it was frozen", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), fc.boolean(), (steps, small) => {
        const timers = new Timers();
        const model = new Model();
        let chain: Entry[][] = [];
        const open: { part: FrozenPart; chain: Entry[][]; expected: string[] }[] = [];
        for (const each of steps) {
          if (each.do === "register" || each.do === "delete") {
            use(timers, each.key);
            const event = each.domain === "e";
            if (each.do === "register") {
              if (event) timers.registerEvent(each.time);
              else timers.registerProcessing(each.time);
            } else if (event) timers.deleteEvent(each.time);
            else timers.deleteProcessing(each.time);
            model[each.do](each.domain, each.time, each.key);
          } else if (each.do === "fire") {
            const fired: string[] = [];
            const event = each.domain === "e";
            while ((event ? timers.nextEvent() : timers.nextProcessing()) <= each.time) {
              const at = event ? timers.takeEvent() : timers.takeProcessing();
              fired.push(`${each.domain} ${at} ${String(canonicalKey(timers.key))}`);
            }
            expect(fired).to.deep.equal(model.take(each.domain, each.time));
          } else if (each.do === "freeze") {
            const { entries, sink } = gather();
            const part = timers.freeze(each.kind, sink);
            chain = part.kind === "full" ? [entries] : [...chain, entries];
            open.push({ part, chain, expected: model.list.map(show) });
          } else if (!small) for (const { part } of open) finish(part);
        }
        expect(timers.size).to.equal(model.list.length);
        for (const { part } of open) finish(part);
        for (const { chain: written, expected } of open) {
          const names = written.map((entries) =>
            entries.map(({ value, stamp }) => JSON.stringify([value, stamp, typeof value.key])),
          );
          for (const each of names) expect(new Set(each).size).to.equal(each.length);
          expect(drain(restored(...written))).to.deep.equal(expected);
        }
        expect(drain(timers)).to.deep.equal(model.list.map(show));
      }),
      { numRuns: 400 },
    );
  });

  it("give their keys back as they were, of the group they are in", () => {
    const timers = new Timers();
    const { entries, sink } = gather();
    KEYS.forEach((each, i) => {
      use(timers, each);
      timers.registerEvent(i);
    });
    finish(timers.freeze("full", sink));
    const copy = restored(entries);
    for (const each of KEYS) {
      copy.takeEvent();
      expect(copy.key).to.deep.equal(each);
      expect(copy.keyGroup).to.equal(keyGroupOf(canonicalKey(each), GROUPS));
    }
  });

  it("write a delta only where it is smaller, and say so", () => {
    const timers = new Timers();
    const { sink } = gather();
    expect(timers.freeze("delta", sink).kind).to.equal("full");
    for (let i = 0; i < 10_000; i++) {
      use(timers, i);
      timers.registerEvent(i);
    }
    expect(timers.freeze("delta", sink).kind).to.equal("delta");
    while (timers.nextEvent() < 9000) timers.takeEvent();
    expect(timers.freeze("delta", sink).kind).to.equal("full");
    use(timers, 1);
    timers.registerEvent(9500);
    timers.takeEvent();
    const { entries, sink: third } = gather();
    const part = timers.freeze("delta", third);
    expect(part.kind).to.equal("delta");
    finish(part);
    expect(entries.map(({ value, stamp }) => [value.key, stamp, value.gone])).to.deep.equal([
      [1, 9500, false],
      [9000, 9000, true],
    ]);
  });

  it("write nothing more once a checkpoint is released", () => {
    const timers = new Timers();
    const { entries, sink } = gather();
    use(timers, "k");
    timers.registerEvent(1);
    timers.freeze("full", sink).release();
    timers.takeEvent();
    expect(entries).to.deep.equal([]);
    expect(timers.freeze("delta", sink).kind).to.equal("full");
  });

  it("refuse what is no time", () => {
    const timers = new Timers();
    use(timers, "k");
    const code = "TIMER_INVALID";
    expect(() => timers.registerEvent(Number.NaN))
      .to.throw(MillraceError)
      .with.property("code", code);
    expect(() => timers.registerProcessing("1" as never))
      .to.throw(MillraceError)
      .with.property("code", code);
  });

  it("are found whatever was deleted around them", () => {
    const random = seededRandom(7);
    const queue = new TimerQueue();
    const live = new Set<number>();
    for (let i = 0; i < 30_000; i++) {
      const pair = random.u32() % 120;
      const [key, at] = [pair % 12, Math.floor(pair / 12)];
      // Few hashes: most timers share theirs with others.
      const hash = queue.hashOf(key, at) & 7;
      const id = queue.find(key, at, hash);
      expect(id >= 0).to.equal(live.has(pair));
      if (id < 0) {
        queue.add(key, key, 0, at, hash, queue.nextOrder);
        live.add(pair);
      } else {
        expect([queue.keyOf(id), queue.timeOf(id), queue.isLive(id)]).to.deep.equal([key, at, true]);
        queue.remove(id);
        live.delete(pair);
      }
    }
    expect(queue.size).to.equal(live.size);
  });

  it("that are deleted and registered again and again take no more room, and fire in order", () => {
    const timers = new Timers();
    const random = seededRandom(11);
    const latest = new Map<number, number>();
    // As sessions do it: every record moves its key's timer.
    for (let i = 0; i < 60_000; i++) {
      const key = random.u32() % 300;
      timers.use(key, key, 0);
      const last = latest.get(key);
      if (last !== undefined) timers.deleteEvent(last);
      const at = i + (random.u32() % 1000);
      timers.registerEvent(at);
      latest.set(key, at);
      expect(timers.size).to.equal(latest.size);
      expect(timers.room).to.be.at.most(2 * latest.size + 128);
    }
    const fired: [number, unknown][] = [];
    while (timers.nextEvent() <= Number.POSITIVE_INFINITY) fired.push([timers.takeEvent(), timers.key]);
    const expected = [...latest].map(([key, at]) => [at, key]);
    expect(fired.map(([at]) => at)).to.deep.equal(expected.map(([at]) => at).sort((a, b) => a! - b!));
    expect(new Set(fired.map(String))).to.deep.equal(new Set(expected.map(String)));
  });

  it("of many keys are registered, frozen and fired in order", function () {
    this.timeout(20_000);
    const timers = new Timers();
    const count = 200_000;
    for (let i = 0; i < count; i++) {
      timers.use(i, i, i & 127);
      timers.registerEvent((i * 7919) % 200_003);
    }
    let written = 0;
    const frozen = timers.freeze("full", { entry: () => written++ });
    let last = Number.NEGATIVE_INFINITY;
    let fired = 0;
    for (; timers.nextEvent() <= Number.POSITIVE_INFINITY; fired++) {
      const at = timers.takeEvent();
      if (at < last) expect.fail(`${at} after ${last}`);
      last = at;
      if (fired === count / 2) finish(frozen);
    }
    expect([fired, written, timers.size]).to.deep.equal([count, count, 0]);
  });
});
