/** Counts orders by customer into files; the second half waits until a file is there. */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { defineJob, fileSink, iterableSource, jsonl } from "millrace";

interface Params {
  /** The sink's folder. */
  out: string;
  /** The file to wait for. */
  gate: string;
  count: string | number;
  /** Of the sink. */
  mode?: "append";
  /** While this file is there, the process ends as V8 ends one whose heap is exhausted at a bad moment. */
  abort?: string;
}

interface Order {
  id: number;
  customer: number;
  orders: number;
}

const CUSTOMERS = 10;

export default defineJob("gated", (env, params: Params) => {
  env
    .source(
      "orders",
      iterableSource<Order, number>(({ position }) => ordersFrom(position, params), { start: 0 }),
    )
    .keyBy((order) => order.customer)
    .reduce((before, order) => ({ ...order, orders: before.orders + 1 }))
    .sink("files", fileSink({ path: params.out, format: jsonl(), mode: params.mode ?? "fail" }));
});

async function* ordersFrom(first: number, { gate, count, abort }: Params): AsyncGenerator<[Order, number]> {
  for (let id = first; id < Number(count); id++) {
    while (id >= Number(count) / 2 && !existsSync(gate)) {
      if (abort !== undefined && existsSync(abort)) process.kill(process.pid, "SIGABRT");
      await sleep(5);
    }
    yield [{ id, customer: id % CUSTOMERS, orders: 1 }, id + 1];
  }
}
