import {
  type AvroSchema,
  avro,
  collectSink,
  csv,
  defineJob,
  fileSink,
  fileSource,
  jsonl,
  parquet,
  text,
} from "../../lib/index.js";

export interface CopyParams {
  from: string;
  format: "text" | "csv" | "typed" | "jsonl" | "parquet" | "avro";
  to?: string;
  as?: "csv" | "jsonl" | "avro";
  schema?: AvroSchema;
  mode?: "fail" | "replace" | "append";
  splitBytes?: number;
  failAt?: number;
}

const formats = {
  text: () => text(),
  csv: () => csv(),
  typed: () => csv({ delimiter: ";", types: { n: "number", yes: "boolean", at: "date" } }),
  jsonl: () => jsonl(),
  parquet: () => parquet(),
  avro: () => avro<unknown>(),
};

/** Reads files of any format and collects or writes their records. */
export default defineJob(
  "copy",
  (env, { from, format, to, as = "jsonl", mode, splitBytes, failAt, schema }: CopyParams) => {
    let seen = 0;
    const size = splitBytes === undefined ? {} : { splitBytes };
    const rows = env
      .source("in", fileSource<unknown>({ path: from, format: formats[format](), ...size }))
      .map((row) => {
        if (++seen === failAt) throw new Error("asked to fail");
        return row;
      });
    if (to === undefined) rows.sink("out", collectSink());
    else {
      const written = {
        csv: () => csv<unknown>(),
        jsonl: () => jsonl<unknown>(),
        avro: () => avro<unknown>(schema === undefined ? {} : { schema }),
      }[as]();
      rows.sink("out", fileSink({ path: to, format: written, ...(mode === undefined ? {} : { mode }) }));
    }
  },
);
