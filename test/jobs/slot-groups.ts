/** Twelve operators, each in a slot of its own. */
import { collectSink, type DataStream, datagenSource, defineJob } from "millrace";

export default defineJob("slot-groups", (env) => {
  let numbers: DataStream<number> = env.source("numbers", datagenSource({ count: 100, record: (i) => i }));
  for (let group = 0; group < 11; group++) {
    numbers = numbers.map((n) => n + 1, `step ${group}`).slotSharingGroup(`group ${group}`);
  }
  numbers.sink("sums", collectSink());
});
