import type { BroadcastDescriptor } from "../state/contract.js";
import type { StreamInput } from "./graph-builder.js";

/** A stream of which every subtask gets every record, with the state they write. */
export class BroadcastStream<T, BK, BV> {
  /** @internal */
  readonly inputs: readonly StreamInput[];
  /** @internal */
  readonly state: BroadcastDescriptor<BK, BV>;
  /** Type only; never set. */
  declare readonly recordType?: T;

  constructor(inputs: readonly StreamInput[], state: BroadcastDescriptor<BK, BV>) {
    this.inputs = inputs;
    this.state = state;
  }
}
