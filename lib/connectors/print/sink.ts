import { printRecord } from "../../base/print-record.js";
import type { SinkDefinition, SinkWriter, WriterContext } from "../../sink/contract.js";

/** What `printSink` takes. */
export interface PrintOptions {
  /** Written before each record, with the subtask where there are several: `late:1> `. */
  readonly prefix?: string;
}

const BATCH_CHARS = 16 * 1024;

/** Prints one line a record on standard output: for looking at a stream. */
export function printSink(options: PrintOptions = {}): SinkDefinition<unknown> {
  return {
    kind: "print",
    description: { ...options },
    createWriter: (context) => new PrintWriter(options.prefix ?? "", context),
  };
}

class PrintWriter implements SinkWriter {
  private readonly prefix: string;
  private text = "";

  constructor(prefix: string, { subtask, parallelism }: WriterContext) {
    this.prefix =
      parallelism > 1
        ? `${prefix}${prefix === "" ? "" : ":"}${subtask + 1}> `
        : prefix === ""
          ? ""
          : `${prefix}> `;
  }

  open(): void {}

  write(record: unknown): void {
    const line = typeof record === "string" ? record : printRecord(record, Number.POSITIVE_INFINITY);
    this.text += `${this.prefix}${line}\n`;
    if (this.text.length >= BATCH_CHARS) this.flush();
  }

  flush(): void {
    if (this.text === "") return;
    process.stdout.write(this.text);
    this.text = "";
  }

  async prepareCommit(): Promise<readonly never[]> {
    this.flush();
    return [];
  }

  async close(): Promise<void> {
    this.flush();
  }
}
