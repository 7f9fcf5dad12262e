/** Rows of objects in a bucket, counted by key, into objects of another prefix; fails when it is told to. */
import { setTimeout as sleep } from "node:timers/promises";
import { defineJob, fileSink, fileSource, jsonl } from "millrace";
import { type Crash, crashIf } from "./crash-file.js";

export interface ObjectsParams {
  readonly from: string;
  readonly to: string;
  readonly crash?: string;
  readonly how?: Crash;
  /** Rows of each task between two pauses of 5 ms. */
  readonly pace?: number;
}

interface Row {
  readonly id: number;
  readonly key: number;
  readonly n: number;
}

export default defineJob("objects", (env, { from, to, crash, how, pace = 50 }: ObjectsParams) => {
  env
    .source("rows", fileSource({ path: from, format: jsonl<Row>(), splitBytes: 20_000 }))
    .asyncMap(paced(pace), { order: "ordered", capacity: 10 })
    .keyBy(({ key }) => key)
    .reduce((before, row) => ({ ...row, n: before.n + 1 }))
    .map((row) => {
      crashIf(crash, how);
      return row;
    })
    .sink("objects", fileSink({ path: to, format: jsonl<Row>() }));
});

function paced(every: number): (row: Row) => Promise<Row> {
  let seen = 0;
  return async (row) => {
    if (++seen % every === 0) await sleep(5);
    return row;
  };
}
