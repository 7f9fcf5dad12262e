import { blackholeSink, datagenSource, defineJob } from "../../lib/index.js";
import { kinds, POOL } from "../exchange/records.js";

export interface ExchangeParams {
  /** Of the records of the exchange benchmark. */
  readonly kind: string;
  readonly records: number;
}

/** Nothing but an exchange: records go from one thread to another as fast as they can. */
export default defineJob("exchange", (env, { kind, records }: ExchangeParams) => {
  let pool: unknown[] | undefined;
  const record = (n: number) => {
    // Made where the source is, and nowhere else.
    pool ??= kinds[kind]!.pool();
    return pool[n % POOL];
  };
  env
    .source("records", datagenSource({ count: records, record }))
    .rebalance()
    .sink("out", blackholeSink())
    .slotSharingGroup("sink");
});
