/** The queries as a Millrace job. */
import { day } from "../../fixtures/nexmark/queries.js";
import {
  avg,
  type Bid,
  blackholeSink,
  count,
  type DataStream,
  defineJob,
  max,
  min,
  nexmarkSource,
  sum,
  watermarks,
} from "../../lib/index.js";
import { programs } from "../nexmark/programs.js";
import { answerSink } from "../nexmark/table-digest-sink.js";
import { type QueryName, RATE, type Request } from "./contract.js";
import { isBid, queries } from "./queries.js";

export interface JobParams extends Request {
  readonly query: QueryName;
}

/** Days since the epoch stay below this. */
const DAYS = 100_000;

export default defineJob("peers", (env, { query, events, isChecked }: JobParams) => {
  const all = env.source("events", nexmarkSource({ events, rate: RATE }), {
    watermarks: watermarks.boundedOutOfOrderness("0s", (event) => event.dateTime),
  });
  const sink = isChecked ? answerSink(query) : blackholeSink();
  if (query === "q5") {
    programs["q5"]!(all, sink, env);
    return;
  }
  const bids = all.filter(isBid);
  if (query === "q17") statistics(bids).sink("out", sink);
  else selection(bids, query).sink("out", sink);
});

function selection(bids: DataStream<Bid>, name: QueryName): DataStream<any> {
  const query = queries[name];
  if ("keeper" in query) throw new Error(`${name} keeps state`);
  return (query.keeps === undefined ? bids : bids.filter(query.keeps)).map(query.project);
}

/** Upserts; the last row of a key is its final one. */
function statistics(bids: DataStream<Bid>): DataStream<any> {
  return bids
    .keyBy((bid) => bid.auction * DAYS + day(bid.dateTime))
    .aggregate(
      {
        count: count(),
        minPrice: min((bid) => bid.price),
        maxPrice: max((bid) => bid.price),
        avgPrice: avg((bid) => bid.price),
        sumPrice: sum((bid) => bid.price),
      },
      (result, { key }) => ({ auction: Math.floor(key / DAYS), day: key % DAYS, ...result }),
      { miniBatch: true },
    );
}
