/** What a case of the contract of state backends works with. */
import type { KeyedState } from "../../state/contract.js";
import { type Chains, type OpenBackend, StateBench } from "./state-bench.js";

/** State of the backend under test, closed when the case has ended. */
export type OpenState = <H>(
  declare: (state: KeyedState) => H,
  options?: { readonly chains?: Chains; readonly clock?: () => number },
) => Promise<{ bench: StateBench; handles: H }>;

export interface StateUnderTest {
  readonly opened: OpenState;
  readonly open: OpenBackend;
  /** Entries of a large map. */
  readonly large: number;
}

export type StateCase = (tested: StateUnderTest) => Promise<void>;

/** Runs a case, and closes what it has opened. */
export async function runStateCase(work: StateCase, open: OpenBackend, large: number): Promise<void> {
  const benches: StateBench[] = [];
  const opened: OpenState = async (declare, options) => {
    const made = await StateBench.open(open, declare, options);
    benches.push(made.bench);
    return made;
  };
  try {
    await work({ opened, open, large });
  } finally {
    for (const bench of benches) await bench.close();
  }
}
