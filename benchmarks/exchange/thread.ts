/** One of the two threads, sender or receiver, kept alive over all runs. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type Carrier, carriers, type Ends } from "./carriers.js";
import { kinds } from "./records.js";

export interface Run extends Ends {
  readonly carrier: string;
  readonly kind: string;
  readonly records: number;
  readonly port: MessagePort;
}

const { role } = workerData as { role: "send" | "receive" };
const pools = new Map<string, unknown[]>();
const made = new Map<string, Carrier>();

parentPort!.on("message", (run: Run) => {
  void (role === "send" ? send(run) : receive(run));
});
parentPort!.postMessage("ready");

function carrierOf(name: string, kind: string): Carrier {
  const carrier = made.get(`${name}/${kind}`) ?? carriers[name]!();
  made.set(`${name}/${kind}`, carrier);
  return carrier;
}

async function send({ carrier, kind, records, port, memories }: Run): Promise<void> {
  const pool = pools.get(kind) ?? kinds[kind]!.pool();
  pools.set(kind, pool);
  await carrierOf(carrier, kind).send({ port, memories }, records, pool);
}

async function receive({ carrier, kind, records, port, memories }: Run): Promise<void> {
  const { check } = kinds[kind]!;
  let [taken, sum] = [0, 0];
  await carrierOf(carrier, kind).receive({ port, memories }, records, (record) => {
    taken++;
    sum += check(record);
  });
  parentPort!.postMessage({ taken, sum });
  port.close();
}
