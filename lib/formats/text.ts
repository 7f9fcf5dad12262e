import type { ReadFormat, WriteFormat } from "./contract.js";
import { readLines } from "./lines.js";

/** Lines of text, one record a line, without its line end. UTF-8. */
export function text(): ReadFormat<string> & WriteFormat<unknown> {
  return {
    name: "text",
    description: {},
    extension: "txt",
    splitsAtLines: true,
    async *read(part, signal) {
      for await (const { lines, bytes } of readLines(part, signal)) yield { records: lines, bytes };
    },
    createEncoder: () => ({ encode: (record) => `${String(record)}\n` }),
  };
}
