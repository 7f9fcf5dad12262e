/** Endless records into files; at record 20,000 the function of "step" goes wrong as `params.how` says. */
import { writeFileSync } from "node:fs";
import { datagenSource, defineJob, fileSink, jsonl } from "millrace";

interface Params {
  how: "throw" | "reject" | "exit" | "heap" | "heapAtOnce" | "buffers" | "hang" | "nothing";
  /** The sink's folder. */
  out: string;
  /** A file to write the time to when it goes wrong. */
  mark?: string;
}

interface Order {
  id: number;
  note: string;
}

const AT = 20_000;
const NOTE = "n".repeat(100);
const kept: unknown[] = [];

const ways: Record<Params["how"], (order: Order) => void> = {
  throw(order) {
    throw new RangeError(`order ${order.id} is out of stock`); // thrown here
  },
  reject(order) {
    void Promise.reject(new RangeError(`nobody waits for order ${order.id}`));
  },
  exit() {
    process.exit(0);
  },
  heap() {
    for (let i = 0; i < 1000; i++) kept.push({ i, parts: [i, i + 1, i + 2] });
  },
  heapAtOnce() {
    for (let i = 0; ; i++) kept.push({ i, parts: [i, i + 1, i + 2] });
  },
  buffers() {
    kept.push(Buffer.alloc(64 * 1024));
  },
  hang() {
    for (;;);
  },
  nothing() {},
};

/** What goes wrong once does so in one subtask; what grows, in all. */
const GROWS = ["heap", "buffers"];

export default defineJob("fail-in-map", (env, { how, out, mark }: Params) => {
  env
    .source("orders", datagenSource({ record: (id): Order => ({ id, note: NOTE }) }))
    .map((order) => {
      if (order.id === AT && mark !== undefined) writeFileSync(mark, String(Date.now()));
      if (order.id === AT || (order.id > AT && GROWS.includes(how))) ways[how](order);
      return order;
    }, "step")
    .sink("files", fileSink({ path: out, format: jsonl() }));
});
