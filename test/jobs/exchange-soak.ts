import { blackholeSink, type DataStream, defineJob, iterableSource } from "../../lib/index.js";

interface Small {
  key: number;
  value: number;
  time: number;
}

function* small(count: number): Generator<Small> {
  for (let i = 0; i < count; i++) yield { key: i & 0xffff, value: i * 1.5, time: 1.7e12 + i };
}

/** Every record crosses from one thread to another. */
export default defineJob("exchange-soak", (env, { records }: { records: number }) => {
  const source: DataStream<Small> = env.source(
    "small",
    iterableSource(() => small(records)),
  );
  source
    .forward()
    .filter((record) => record.time > 0)
    .setParallelism(1)
    .slotSharingGroup("receiver")
    .sink("out", blackholeSink())
    .setParallelism(1);
});
