import type { AnyFunction, Emit, Operator, OperatorContext, OperatorLogic } from "./contract.js";

/** What `process` gives the user's function besides the record. */
export interface ProcessContext<Out = unknown> {
  /** Event time of the record in hand, ms; NaN when the stream has none. */
  readonly timestamp: number;
  readonly subtask: number;
  /** Emits a record, with the timestamp of the one in hand or another. */
  emit(record: Out, timestamp?: number): void;
  /** Emits into a side output made by `sideOutput(name)`. */
  side<S>(output: SideOutput<S>, record: S): void;
}

/** A named side output; read it with `stream.side(output)`. */
export interface SideOutput<S> {
  readonly name: string;
  /** Type only; never set. */
  readonly recordType?: S;
}

/** Names a side output of `process`. */
export function sideOutput<S>(name: string): SideOutput<S> {
  return { name };
}

export interface ProcessFunctions {
  readonly open?: AnyFunction;
  readonly element: AnyFunction;
  readonly close?: AnyFunction;
}

/** A free function per record that may emit any number of records, also into side outputs. */
export function processLogic(functions: ProcessFunctions): OperatorLogic {
  const { open, element, close } = functions;
  return {
    functions: [open, element, close].filter((each) => each !== undefined),
    create: (context) => new Process(context, functions),
  };
}

class Process implements Operator, ProcessContext {
  timestamp = Number.NaN;
  readonly subtask: number;
  private readonly functions: ProcessFunctions;
  private readonly out: Emit;
  private readonly context: OperatorContext;
  private readonly sides = new Map<string, Emit>();

  constructor(context: OperatorContext, functions: ProcessFunctions) {
    this.context = context;
    this.subtask = context.subtask;
    this.functions = functions;
    this.out = context.out;
  }

  open(): void {
    this.functions.open?.({ subtask: this.subtask });
  }

  element(record: unknown, timestamp: number): void {
    this.timestamp = timestamp;
    this.functions.element(record, this);
  }

  emit(record: unknown, timestamp: number = this.timestamp): void {
    this.out(record, timestamp);
  }

  side(output: SideOutput<unknown>, record: unknown): void {
    let emit = this.sides.get(output.name);
    if (emit === undefined) {
      emit = this.context.side(output.name);
      this.sides.set(output.name, emit);
    }
    emit(record, this.timestamp);
  }

  close(): void {
    this.functions.close?.();
  }
}
