/**
 * One thread's records to another thread, by several carriers, interleaved. The receiver reads every field
 * and gives a checksum, which has to be the same for all.
 */
import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import { Bench } from "tinybench";
import { createDoorbell } from "../../lib/exchange/doorbell.js";
import { createRing } from "../../lib/exchange/ring.js";
import { type Measured, measure, median, rounded } from "../measure.js";
import { Report } from "../report.js";
import { carriers } from "./carriers.js";
import { kinds, POOL } from "./records.js";
import type { Run } from "./thread.js";

const OURS = "ring + generated codec";
const PISCINA = "piscina tasks";
/** Calls cost so much that fewer records tell the same. */
const SLOW: readonly string[] = ["comlink calls", PISCINA];
const ROUNDS = 5;
const TASK_RECORDS = 1000;
const TASKS_AHEAD = 8;

export async function exchange({ json }: { json: boolean }): Promise<void> {
  const report = new Report(json);
  const thread = async (role: string) => {
    const worker = new Worker(new URL("./thread.js", import.meta.url), {
      workerData: { role },
      resourceLimits: { maxYoungGenerationSizeMb: 192 },
    });
    await once(worker, "message");
    return worker;
  };
  const [sender, receiver] = [await thread("send"), await thread("receive")];
  const pool = new Piscina({
    filename: new URL("./piscina-task.js", import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
  });
  for (const kind of Object.keys(kinds)) {
    const runs = new Map<string, Measured[]>();
    const names = [...Object.keys(carriers), PISCINA];
    const recordsOf = (name: string) => kinds[kind]!.records / (SLOW.includes(name) ? 10 : 1);
    for (let round = -1; round < ROUNDS; round++) {
      // Tinybench keeps the order of a round and reports what fails; its own statistics are of one thread.
      const bench = new Bench({ iterations: 1, time: 0, warmup: false });
      for (const name of names) {
        const records = recordsOf(name);
        bench.add(name, async () => {
          const run = () =>
            name === PISCINA ? tasks(pool, kind, records) : cross(sender, receiver, name, kind, records);
          const measured = await measure(run);
          if (round >= 0) runs.set(name, [...(runs.get(name) ?? []), measured]);
        });
      }
      await bench.run();
      for (const { name, result } of bench.tasks) {
        if (result?.state === "errored") throw new Error(`${name} of ${kind}`, { cause: result.error });
      }
    }
    const perSecond = (name: string) =>
      median(runs.get(name)!.map(({ wallMs }) => (recordsOf(name) / wallMs) * 1000));
    const others = names.filter((name) => name !== OURS).map(perSecond);
    for (const name of names) {
      const best = Math.max(...(name === OURS ? others : [...others, perSecond(OURS)]));
      report.row({
        suite: "exchange",
        case: name,
        record: kind,
        recordsPerSecond: Math.round(perSecond(name)),
        cpuNsPerRecord: rounded(
          median(runs.get(name)!.map(({ cpuMs }) => (cpuMs * 1e6) / recordsOf(name))),
          1,
        ),
        ratioToBest: rounded(perSecond(name) / best),
        ratioToRingMsgpackr: rounded(perSecond(name) / perSecond("ring + msgpackr")),
        ratioToStructuredClone: rounded(perSecond(name) / perSecond("postMessage batches")),
      });
    }
  }
  await Promise.all([sender.terminate(), receiver.terminate(), pool.destroy()]);
}

async function cross(sender: Worker, receiver: Worker, carrier: string, kind: string, records: number) {
  const { port1, port2 } = new MessageChannel();
  const memories = { ring: createRing(), senderBell: createDoorbell(), receiverBell: createDoorbell() };
  const done = once(receiver, "message");
  receiver.postMessage({ carrier, kind, records, memories, port: port2 } satisfies Run, [port2]);
  sender.postMessage({ carrier, kind, records, memories, port: port1 } satisfies Run, [port1]);
  const [{ taken, sum }] = (await done) as [{ taken: number; sum: number }];
  verify(carrier, kind, records, taken, sum);
}

async function tasks(pool: Piscina, kind: string, records: number): Promise<void> {
  const all = kinds[kind]!.pool();
  let [taken, sum] = [0, 0];
  const lane = async () => {
    while (taken < records) {
      const first = taken;
      taken += TASK_RECORDS;
      const rows = Array.from({ length: TASK_RECORDS }, (_, i) => all[(first + i) & (POOL - 1)]);
      const part = (await pool.run({ kind, rows })) as number;
      sum += part;
    }
  };
  await Promise.all(Array.from({ length: TASKS_AHEAD }, lane));
  verify(PISCINA, kind, records, taken, sum);
}

const sums = new Map<string, number>();

function verify(carrier: string, kind: string, records: number, taken: number, sum: number): void {
  const key = `${kind}/${records}`;
  const expected = sums.get(key) ?? sum;
  sums.set(key, expected);
  if (taken !== records) throw new Error(`${carrier}: ${taken} of ${records} records came`);
  // Sums of the same numbers in another order differ in the last bits.
  if (Math.abs(sum - expected) > Math.abs(expected) * 1e-9) throw new Error(`${carrier}: another checksum`);
}
