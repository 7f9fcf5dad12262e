/** One record after the other through the codec of channels: what a receiver in another thread sees. */
import { frameMemory } from "../codec/contract.js";
import { createRecordReader } from "../codec/record-reader.js";
import { createRecordWriter } from "../codec/record-writer.js";

/** `where`: the sender, for errors. Throws RECORD_NOT_CARRIABLE. */
export function codecLoop(where: string): (record: unknown) => unknown {
  let carried: unknown;
  const reader = createRecordReader(
    (record) => {
      carried = record;
    },
    { level: 0 },
  );
  const writer = createRecordWriter(
    {
      frame(kind, bytes, length) {
        const buffer = new ArrayBuffer(Math.ceil(length / 8) * 8);
        new Uint8Array(buffer).set(bytes.subarray(0, length));
        reader.open(kind, frameMemory(buffer), 0, length);
        while (reader.remaining > 0) reader.drain(1);
      },
    },
    { where },
  );
  return (record) => {
    writer.write(record, 0, 0);
    writer.flush();
    return carried;
  };
}
