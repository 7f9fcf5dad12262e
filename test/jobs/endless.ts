/** Counts for ever, slowly. */
import { blackholeSink, datagenSource, defineJob, iterableSource } from "millrace";

export default defineJob("endless", (env, { source }: { source?: "iterable" }) => {
  const numbers =
    source === "iterable" ? iterableSource(numbersForEver) : datagenSource({ record: (index) => index });
  env
    .source<number>("numbers", numbers as never)
    .map((n) => n + 1)
    .sink("out", blackholeSink());
});

async function* numbersForEver(): AsyncGenerator<number> {
  for (let n = 0; ; n++) {
    yield n;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
