import { blackholeSink, defineJob, nexmarkSource, watermarks } from "../../lib/index.js";
import { programs } from "./programs.js";
import { answerSink } from "./table-digest-sink.js";

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
  programs[query]!(stream, sink === "digest" ? answerSink(query) : blackholeSink(), env);
});
