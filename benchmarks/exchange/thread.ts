/** One of the two threads, sender or receiver, kept alive over all runs. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type Carrier, carriers, type Ends } from "./carriers.js";
import { kinds } from "./records.js";

export interface Run extends Ends {
  readonly carrier: string;
  readonly kind: string;
  readonly records: number;
  readonly frameBytes?: number;
  readonly port: MessagePort;
}

const { role } = workerData as { role: "send" | "receive" };
const pools = new Map<string, unknown[]>();
const made = new Map<string, Carrier>();

parentPort!.on("message", (run: Run) => {
  void (role === "send" ? send(run) : receive(run));
});
parentPort!.postMessage("ready");

function carrierOf({ carrier: name, kind, frameBytes }: Run): Carrier {
  const key = `${name}/${kind}/${frameBytes}`;
  const carrier = made.get(key) ?? carriers[name]!(frameBytes);
  made.set(key, carrier);
  return carrier;
}

async function send(run: Run): Promise<void> {
  const { kind, records, port, memories } = run;
  const pool = pools.get(kind) ?? kinds[kind]!.pool();
  pools.set(kind, pool);
  await carrierOf(run).send({ port, memories }, records, pool);
}

async function receive(run: Run): Promise<void> {
  const { kind, records, port, memories } = run;
  const { check } = kinds[kind]!;
  let [taken, sum] = [0, 0];
  await carrierOf(run).receive({ port, memories }, records, (record) => {
    taken++;
    sum += check(record);
  });
  parentPort!.postMessage({ taken, sum });
  port.close();
}
