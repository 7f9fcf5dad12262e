/** A small job that ends well: squares of the first numbers, times a parameter. */
import { collectSink, datagenSource, defineJob } from "millrace";

interface Params {
  times?: string | number;
  count?: number;
}

export default defineJob("squares", (env, { times = 1, count = 5 }: Params) => {
  env
    .source("numbers", datagenSource({ count: Number(count), record: (index) => ({ n: index }) }))
    .map(({ n }) => ({ n, square: n * n * Number(times) }), "square")
    .sink("squares", collectSink());
});
