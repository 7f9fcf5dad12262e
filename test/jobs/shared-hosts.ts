/** Counts by key, the parts of the job in groups with profiles; every row says which threads it has seen. */
import { threadId } from "node:worker_threads";
import { collectSink, datagenSource, defineJob } from "millrace";

const RECORDS = 20_000;

export default defineJob("shared-hosts", (env) => {
  env.registerSlotSharingGroup({ name: "read", cpu: 0.25, heapMb: 64 });
  env
    .source("numbers", datagenSource({ count: RECORDS, record: (n) => n }))
    .slotSharingGroup("read")
    .map((n) => ({ n, read: threadId }), "read")
    .keyBy(({ n }) => n % 10)
    .reduce((a, b) => ({ n: a.n + b.n, read: b.read }))
    .slotSharingGroup({ name: "count", cpu: 0.25, heapMb: 64 })
    .map(({ n, read }) => ({ n, read, counted: threadId }), "seen")
    .rebalance()
    .map((row) => ({ ...row, alone: threadId }), "alone")
    .slotSharingGroup({ name: "alone", cpu: 0.5, heapMb: 64, exclusive: true })
    .sink("rows", collectSink());
});
