import { blackholeSink, defineJob, digestSink, nexmarkSource, watermarks } from "../../lib/index.js";
import { bidsOf, programs, tableKeys } from "./programs.js";
import { tableDigestSink } from "./table-digest-sink.js";

export interface NexmarkParams {
  query: string;
  events: number;
  rate: number;
  disorder?: number;
  sink: "blackhole" | "digest";
}

/** One Nexmark query. */
export default defineJob("nexmark", (env, { query, events, rate, disorder, sink }: NexmarkParams) => {
  const source = nexmarkSource({ events, rate, ...(disorder === undefined ? {} : { disorder }) });
  const stream = env.source("events", source, {
    watermarks: watermarks.boundedOutOfOrderness("4s", (event) => event.dateTime),
  });
  const key = tableKeys[query];
  const digest = key === undefined ? digestSink() : tableDigestSink(key);
  programs[query]!(bidsOf(stream), sink === "digest" ? digest : blackholeSink());
});
