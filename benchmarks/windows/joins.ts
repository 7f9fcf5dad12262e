/**
 * Joins over windows, the operator alone, against what one would write by hand for the purpose: Maps of arrays and two
 * loops. Both are given the same records and watermarks and call the same function for every pair.
 */
import { windowPairs } from "../../lib/api/added-windows.js";
import type { OperatorLogic } from "../../lib/operators/contract.js";
import { joinedPairs } from "../../lib/operators/window-join.js";
import { tumbling, windowStart } from "../../lib/time/windows.js";
import { type Measured, measure, median, rounded } from "../measure.js";
import type { Report } from "../report.js";
import { operatorOf } from "./operator.js";

interface Item {
  readonly key: number;
  readonly value: number;
}

const SIZE_MS = 1000;
const sum = (left: Item, right: Item) => left.value + right.value;
const keyOf = ({ key }: Item) => key;

const joined = (): OperatorLogic =>
  windowPairs(
    "window-join",
    "join",
    { assigner: tumbling(SIZE_MS), key: keyOf, secondKey: keyOf, options: {} },
    joinedPairs(sum),
  ).logic;

interface Plan {
  readonly records: number;
  readonly keys: number;
  /** Of both sides together, in each window. */
  readonly perWindow: number;
}

/** What takes the records of a test: of the first side, of the second, and watermarks. */
interface Taker {
  element(record: Item, timestamp: number, keyGroup: number): void;
  second(record: Item, timestamp: number, keyGroup: number): void;
  advance(watermark: number): boolean;
}

export async function joins(report: Report, records: number, pairs: number): Promise<void> {
  for (const plan of [
    { records, keys: 1000, perWindow: 20_000 },
    { records: records / 10, keys: 1, perWindow: 4000 },
  ]) {
    const [byHand, ours]: [Measured[], Measured[]] = [[], []];
    let rows = 0;
    for (let pair = 0; pair <= pairs; pair++) {
      const first = await measure(() => play(new Loop((_row, _time) => rows++), plan));
      rows = 0;
      const second = await measure(() =>
        play(
          operatorOf(joined(), () => rows++),
          plan,
        ),
      );
      // The first pair warms the code up.
      if (pair === 0) continue;
      byHand.push(first);
      ours.push(second);
    }
    const nsOf = (side: readonly Measured[], by: number) =>
      rounded((median(side.map(({ cpuMs }) => cpuMs)) * 1e6) / by, 1);
    report.row({
      row: "a loop by hand to a join over windows",
      keys: plan.keys,
      "CPU ratio": rounded(median(byHand.map(({ cpuMs }, i) => ours[i]!.cpuMs / cpuMs))),
      "ns of CPU a record": `${nsOf(byHand, plan.records)} -> ${nsOf(ours, plan.records)}`,
      "ns of CPU a pair": `${nsOf(byHand, rows)} -> ${nsOf(ours, rows)}`,
      "pairs a record": rounded(rows / plan.records, 1),
    });
  }
}

/** Either side in turn; the windows of a second are closed with the first record of the next. */
function play(taker: Taker, { records, keys, perWindow }: Plan): void {
  const given = Array.from({ length: 4096 }, (_, i): Item => ({ key: (i * 7919) % keys, value: i }));
  let watermark = 0;
  for (let i = 0; i < records; i++) {
    const timestamp = Math.floor((i / perWindow) * SIZE_MS);
    const record = given[(i >> 1) & 4095]!;
    if (i % 2 === 0) taker.element(record, timestamp, 0);
    else taker.second(record, timestamp, 0);
    if (timestamp - watermark < SIZE_MS) continue;
    watermark = timestamp;
    taker.advance(watermark - 1);
  }
  taker.advance(Number.POSITIVE_INFINITY);
}

type Sides = readonly [Item[], Item[]];

class Loop implements Taker {
  private readonly out: (row: unknown, timestamp: number) => void;
  private readonly windows = new Map<number, Map<number, Sides>>();

  constructor(out: (row: unknown, timestamp: number) => void) {
    this.out = out;
  }

  element(record: Item, timestamp: number): void {
    this.sides(record, timestamp)[0].push(record);
  }

  second(record: Item, timestamp: number): void {
    this.sides(record, timestamp)[1].push(record);
  }

  advance(watermark: number): boolean {
    for (const [start, keys] of this.windows) {
      const last = start + SIZE_MS - 1;
      if (last > watermark) continue;
      for (const [lefts, rights] of keys.values()) {
        for (const left of lefts) for (const right of rights) this.out(sum(left, right), last);
      }
      this.windows.delete(start);
    }
    return true;
  }

  private sides({ key }: Item, timestamp: number): Sides {
    const start = windowStart(timestamp, SIZE_MS, 0);
    let keys = this.windows.get(start);
    if (keys === undefined) this.windows.set(start, (keys = new Map()));
    let sides = keys.get(key);
    if (sides === undefined) keys.set(key, (sides = [[], []]));
    return sides;
  }
}
