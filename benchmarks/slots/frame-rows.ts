/** Frames and rings of other sizes, between two threads, without the engine around them. */
import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { FRAME_BYTES, RING_BYTES } from "../../lib/base/limits.js";
import { createDoorbell } from "../../lib/exchange/doorbell.js";
import { createRing } from "../../lib/exchange/ring.js";
import { kinds } from "../exchange/records.js";
import type { Run } from "../exchange/thread.js";
import { type Measured, measure, median, rounded } from "../measure.js";
import type { Row } from "../report.js";

const CARRIER = "ring + generated codec";
const KINDS = ["bid", "small"];
const KIB = 1024;

interface Sizes {
  readonly frameBytes: number;
  readonly ringBytes: number;
}

const CHOSEN: Sizes = { frameBytes: FRAME_BYTES, ringBytes: RING_BYTES };
const OTHERS: Readonly<Record<string, readonly Sizes[]>> = {
  frame: [4, 16, 64].map((kib) => ({ ...CHOSEN, frameBytes: kib * KIB })),
  ring: [128, 2048].map((kib) => ({ ...CHOSEN, ringBytes: kib * KIB })),
};

/** `which`: of "frame", "ring". */
export async function frameRows(which: readonly string[], pairs: number): Promise<Row[]> {
  const [sender, receiver] = [await thread("send"), await thread("receive")];
  const rows: Row[] = [];
  const cross = async (kind: string, { frameBytes, ringBytes }: Sizes): Promise<Measured> => {
    const { records } = kinds[kind]!;
    const { port1, port2 } = new MessageChannel();
    const bells = { senderBell: createDoorbell(), receiverBell: createDoorbell() };
    const run = {
      carrier: CARRIER,
      kind,
      records,
      frameBytes,
      memories: { ring: createRing(ringBytes), ...bells },
    };
    return measure(async () => {
      const done = once(receiver, "message");
      receiver.postMessage({ ...run, port: port2 } satisfies Run, [port2]);
      sender.postMessage({ ...run, port: port1 } satisfies Run, [port1]);
      const [{ taken }] = (await done) as [{ taken: number }];
      if (taken !== records) throw new Error(`${taken} of ${records} records came`);
    });
  };
  for (const setting of which) {
    for (const kind of KINDS) {
      for (const other of OTHERS[setting]!) {
        const ours: Measured[] = [];
        const others: Measured[] = [];
        // The first pair compiles the code.
        for (let pair = -1; pair < pairs; pair++) {
          const sides = [
            async () => ours.push(await cross(kind, CHOSEN)),
            async () => others.push(await cross(kind, other)),
          ];
          if (pair % 2 !== 0) sides.reverse();
          for (const side of sides) await side();
        }
        const ratio = (of: (run: Measured) => number) =>
          rounded(median(others.slice(1).map((run, i) => of(run) / of(ours[i + 1]!))), 3);
        const [size, instead] = [CHOSEN, other].map((sizes) =>
          setting === "frame" ? sizes.frameBytes / KIB : sizes.ringBytes / KIB,
        ) as [number, number];
        rows.push({
          suite: "slots",
          job: `exchange of ${kind} records`,
          setting: `${setting} of ${size} KiB`,
          instead: `${instead} KiB`,
          pairs,
          wallRatio: ratio(({ wallMs }) => wallMs),
          cpuRatio: ratio(({ cpuMs }) => cpuMs),
        });
      }
    }
  }
  await Promise.all([sender.terminate(), receiver.terminate()]);
  return rows;
}

async function thread(role: string): Promise<Worker> {
  const worker = new Worker(new URL("../exchange/thread.js", import.meta.url), {
    workerData: { role },
    resourceLimits: { maxYoungGenerationSizeMb: 192 },
  });
  await once(worker, "message");
  return worker;
}
