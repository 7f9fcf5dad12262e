/** A source whose timestamps are no times. */
import { blackholeSink, datagenSource, defineJob, watermarks } from "millrace";

export default defineJob("fail-time", (env) => {
  env
    .source("clicks", datagenSource({ count: 10, record: () => ({ at: "yesterday" }) }), {
      watermarks: watermarks.boundedOutOfOrderness("1s", (click) => Number(click.at)),
    })
    .sink("out", blackholeSink());
});
