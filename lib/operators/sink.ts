import type { SinkDefinition, SinkWriter } from "../sink/contract.js";
import type { Operator, OperatorLogic } from "./contract.js";

/** The end of a chain: hands records to a connector's writer. */
export function sinkLogic(definition: SinkDefinition): OperatorLogic & { readonly sink: SinkDefinition } {
  return { functions: [], sink: definition, create: (context) => new Sink(definition.createWriter(context)) };
}

class Sink implements Operator {
  private readonly writer: SinkWriter;

  constructor(writer: SinkWriter) {
    this.writer = writer;
  }

  open(): Promise<void> | void {
    return this.writer.open();
  }

  element(record: unknown, timestamp: number): void {
    this.writer.write(record, timestamp);
  }

  rest(): void {
    this.writer.flush();
  }

  prepareCommit(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return this.writer.prepareCommit();
  }

  close(aborted: boolean): Promise<void> {
    return this.writer.close(aborted);
  }
}
