import type { FrozenPart } from "../contract.js";

/** A unit that was written since the last freeze, and whether it was there at that freeze. */
export interface Change {
  readonly key: unknown;
  readonly at: unknown;
  readonly group: number;
  readonly existed: boolean;
}

interface Freeze {
  readonly full: boolean;
  /** Writes a unit a step. */
  readonly steps: Iterator<void, void>;
  /** All is written, or nobody wants the rest. */
  readonly ended: () => void;
  readonly givenUp: () => void;
}

/** Units between two looks at the clock. */
const STRIDE = 16;

/**
 * A freeze of one state: the units that were still to be written then, as they are until they change, before the
 * rows of a transaction that sees nothing of what is written later.
 */
export class LmdbPacking implements FrozenPart {
  readonly kind: "full" | "delta";
  private readonly freeze: Freeze;
  private over = false;

  constructor(freeze: Freeze) {
    this.freeze = freeze;
    this.kind = freeze.full ? "full" : "delta";
  }

  pack(timeIsUp: () => boolean): boolean {
    const { steps } = this.freeze;
    while (!this.over) {
      for (let i = 0; i < STRIDE; i++) {
        if (steps.next().done !== true) continue;
        this.end();
        return true;
      }
      if (timeIsUp()) return false;
    }
    return true;
  }

  release(): void {
    if (!this.over) this.end();
    this.freeze.givenUp();
  }

  private end(): void {
    this.over = true;
    this.freeze.ended();
  }
}
