/** An operator on a thread of its own that takes a millisecond for each record, and a source that never waits. */
import { blackholeSink, datagenSource, defineJob } from "millrace";

const word = new Int32Array(new SharedArrayBuffer(4));

export default defineJob("slow-receiver", (env) => {
  env
    .source("numbers", datagenSource({ record: (index) => ({ index }) }))
    .rebalance()
    .map((record) => {
      Atomics.wait(word, 0, 0, 1);
      return record;
    }, "slow")
    .slotSharingGroup("slow")
    .sink("out", blackholeSink())
    .slotSharingGroup("slow");
});
