/** Functions that must answer at once and answer a promise instead. */
import { blackholeSink, collectSink, datagenSource, defineJob } from "millrace";

type Where = "map" | "filter" | "key" | "unseen";

export default defineJob("fail-async", (env, { where }: { where: Where }) => {
  const numbers = env.source("numbers", datagenSource({ count: 10, record: (index) => index }));
  const keep = async (n: number) => n > 5;
  if (where === "map") numbers.map(async (n) => n + 1, "next").sink("out", blackholeSink());
  if (where === "filter") {
    numbers.filter(keep as unknown as (n: number) => boolean, "large").sink("out", blackholeSink());
  }
  if (where === "unseen") numbers.map((n) => Promise.resolve(n), "later").sink("out", collectSink());
  if (where === "key")
    numbers
      .keyBy(keep)
      .reduce((a) => a)
      .name("by key")
      .sink("out", blackholeSink());
});
