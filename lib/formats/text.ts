import { ownString } from "../codec/own-string.js";
import type { ReadFormat, WriteFormat } from "./contract.js";
import { readLines } from "./lines.js";

/** Lines of text, one record a line, without its line end. UTF-8. */
export function text(): ReadFormat<string> & WriteFormat<unknown> {
  return {
    name: "text",
    description: {},
    extension: "txt",
    splitsAnywhere: true,
    async *read(part, signal) {
      // A line kept somewhere must not keep the chunk it was cut from.
      for await (const { lines, bytes } of readLines(part, signal))
        yield { records: lines.map(ownString), bytes };
    },
    createEncoder: () => ({ encode: (record) => `${String(record)}\n` }),
  };
}
