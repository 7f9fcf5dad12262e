import { type AvroOptions, avro } from "../../lib/index.js";

/** An Avro file of these records. */
export async function avroFile(records: readonly unknown[], options: AvroOptions): Promise<Buffer> {
  const format = avro<unknown>(options);
  await format.load?.();
  const encoder = format.createEncoder();
  const text = records.map((record) => encoder.encode(record)).join("") + encoder.end?.();
  return Buffer.from(text, encoder.encoding);
}

/** Of records `{ i, text }`. */
export const ROW_SCHEMA = {
  type: "record",
  name: "Row",
  fields: [
    { name: "i", type: "long" },
    { name: "text", type: "string" },
  ],
};
